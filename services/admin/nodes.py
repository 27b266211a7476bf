"""What each nats-server says of itself at its monitoring port. Clients cannot tell: a server whose volume was full goes on
answering them, and refuses every write until somebody starts it again.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx2
import msgspec
import structlog

from schemas.errors import Invalid
from services.metrics import Labels, Metrics

ASK_S = 10.0
"""How often each is asked."""

ANSWER_S = 5.0
"""A server that looks at every stream and consumer takes milliseconds."""

log = structlog.get_logger()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`nats_monitors`: base URLs of all servers' monitoring ports, comma-separated; empty: none is asked."""

    nats_monitors: str = ""


class Nodes:
    """Raises Invalid for what is no base URL."""

    def __init__(self, settings: Settings) -> None:
        self._urls = [_checked(url.strip()) for url in settings.nats_monitors.split(",") if url.strip()]
        self._healthy: dict[Labels, float] = {}

    def register(self, metrics: Metrics) -> None:
        metrics.gauges(
            "anabranch_nats_healthy",
            "1 while this nats-server says that it and its streams are well.",
            ["server"],
            lambda: self._healthy,
        )

    async def watch(self) -> None:
        """Ask for ever. One that does not answer is not well, and keeps no other waiting."""
        async with httpx2.AsyncClient(
            timeout=ANSWER_S, trust_env=False
        ) as client:  # they are inside: no proxy is asked
            while True:
                await asyncio.gather(*(self._ask(client, url) for url in self._urls))
                await asyncio.sleep(ASK_S)

    async def _ask(self, client: httpx2.AsyncClient, url: str) -> None:
        try:
            answer = await client.get(f"{url}/healthz")  # with no option that would have it look away
            healthy, said = answer.status_code == httpx2.codes.OK, answer.text
        except httpx2.HTTPError as error:
            healthy, said = False, f"{type(error).__name__}: {error}"
        server = (url.partition("://")[2],)
        if not healthy and self._healthy.get(server, 1.0):
            log.warning("a nats-server is not well", server=server[0], said=said)
        self._healthy[server] = float(healthy)


def _checked(url: str) -> str:
    """The base URL, without a slash at its end."""
    if "@" in url:  # not shown: it may be a password
        raise Invalid(
            "ANABRANCH_NATS_MONITORS: a URL with a user or password: labels and logs would show it, no monitor asks"
        )
    try:
        httpx2.URL(url)  # refuses names that no DNS has; `urlsplit` refuses brackets and ports that are wrong
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if not usable or "?" in url or "#" in url:
        raise Invalid(f"ANABRANCH_NATS_MONITORS: {url!r} is no base URL such as http://nats:8222")
    return url.rstrip("/")
