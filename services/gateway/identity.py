"""Who is asking: one function for HTTP and WebSocket, called before anything is read or written.

`services.gateway.bearer` asks for a token. Here is development mode: whoever sits at this machine is the tenant `default`. What
keeps others out: the client's address is loopback; so is the name in `Host` (a page on the Internet can make its own name resolve
to 127.0.0.1, DNS rebinding, but cannot make the browser lie about the name); and so is the `Origin`, if there is one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import MutableMapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from schemas.errors import Forbidden, Invalid

TENANT = "default"

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")
_DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")

Scope = MutableMapping[str, Any]


class Identity(NamedTuple):
    """`expires`: until when whoever it is may stay, in seconds since the Unix epoch; None for ever."""

    tenant: str
    expires: float | None = None


class Development:
    """Callable as `Identify`. With `open_to_network` it serves any client under any name, but still no foreign page:
    an `Origin`, if there is one, must be the host that is asked.
    """

    def __init__(self, *, open_to_network: bool = False) -> None:
        self._open = open_to_network

    async def __call__(self, scope: Scope, token: str = "", /) -> Identity:
        """Raises Forbidden. `token` is ignored: nobody has one here."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._open:
            client = scope.get("client")
            if client is None or not is_loopback(client[0]):
                raise Forbidden("this gateway serves its own machine only", code="forbidden_client")
            if not is_loopback(_name(f"//{host}")):
                raise Forbidden(f"host {host[:80]!r} is not this machine", code="forbidden_host")
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(origin, host):
            raise Forbidden(f"pages of {origin[:80]!r} may not use this gateway", code="forbidden_origin")
        return Identity(TENANT)

    def _is_ours(self, origin: str, host: str) -> bool:
        return is_same_host(origin, host) if self._open else is_loopback(_name(origin))


def check_interface(host: str, *, allow_insecure: bool) -> None:
    """Raises Invalid: development mode would be served to other machines, and nobody said that it should."""
    if not allow_insecure and not is_loopback(host):
        raise Invalid(
            f"ANABRANCH_HOST={host!r} is reachable from other machines and this gateway asks nobody who they are; "
            "set ANABRANCH_JWT_KEYS to have it ask for tokens, or ANABRANCH_ALLOW_INSECURE=1 if that is what you want",
            code="invalid_setting",
        )


def is_same_host(origin: str, host: str) -> bool:
    """Whether a page of `origin` was served under the name and port in `Host`. The scheme is not compared: a proxy may have
    ended TLS.
    """
    return origin.partition("://")[2] == host != ""


def parse_origins(text: str) -> frozenset[str]:
    """The origins of a comma-separated list, each as browsers write it: another spelling would never equal theirs.

    Raises Invalid: one is written otherwise.
    """
    origins = frozenset(origin for one in text.split(",") if (origin := one.strip()))
    for origin in sorted(origins):
        if not _ORIGIN.fullmatch(origin) or _DEFAULT_PORT.fullmatch(origin):
            raise Invalid(
                f"ANABRANCH_ORIGINS: {origin[:80]!r} is not scheme://host[:port] as browsers write it: in lower case, "
                "without a path or a slash at the end, a port only if it is not the scheme's own, a name in ASCII (xn--)",
                code="invalid_setting",
            )
    return origins


def is_loopback(name: str) -> bool:
    """Whether an address or a name of a host is this machine, whoever resolves it."""
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
