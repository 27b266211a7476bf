"""The shell around `client.Client`: one WebSocket at a time, to whichever gateway answers, for as long as it takes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from schemas import wire
from schemas.errors import ErrorBody, Invalid, Unavailable
from services.viewer.client import Client, Outgoing
from services.viewer.incoming import decode_server

OPEN_S_MAX = 5.0
PING_S = 10.0
"""A connection that has died without a word is noticed within two of these."""

SNAPSHOT_BYTES_MAX = 64 * 1024 * 1024
"""A snapshot is one message and holds the whole transcript; artifacts' contents above 256 KiB are only referenced in it."""

NOT_LET_IN = frozenset((401, 403))
"""Answers to a handshake or request that another try with the same token does not change."""

BACKOFF_S_MIN = 0.25
BACKOFF_S_MAX = 10.0

_encode = msgspec.json.Encoder().encode


class Comeback(NamedTuple):
    """What the end of a connection says about the next: `never`, or after so many seconds (None: as backing off says)."""

    delay_s: float | None = None
    never: bool = False
    why: str = ""


class Connection:
    """Keeps `client` connected until it fails. `changed` is called whenever there may be something new to show."""

    def __init__(self, client: Client, urls: Sequence[str], changed: Callable[[], None], token: str = "") -> None:
        self._client = client
        self._urls = urls
        self._headers = authorization(token)
        self._changed = changed
        self._outbox: asyncio.Queue[Outgoing] = asyncio.Queue()
        self._connected_once = False

    def post(self, messages: Iterable[Outgoing]) -> None:
        """Send when there is a connection. What must survive a cut is kept by the client, not here."""
        for message in messages:
            self._outbox.put_nowait(message)

    async def run(self) -> None:
        """Returns when the client has failed: `client.failure` says why.

        Raises:
            Unavailable: no gateway ever answered, at any of the addresses.
        """
        failures = turn = 0
        while not self._client.failure:
            url = self._urls[turn % len(self._urls)]
            turn += 1
            try:
                comeback = await self._visit(url)
                failures = 0 if self._client.link == "live" else failures + 1
            except (OSError, InvalidHandshake, InvalidMessage) as error:
                failures += 1
                comeback = self._after(error, failures)
            if comeback.never:
                self._client.fail(comeback.why)
            self._client.lost()
            self._changed()
            if not self._client.failure:
                await asyncio.sleep(backoff_s(failures) if comeback.delay_s is None else comeback.delay_s)

    def _after(self, error: Exception, failures: int) -> Comeback:
        """What the failure of a handshake says about the next. Raises Unavailable: no gateway ever answered."""
        if isinstance(error, InvalidStatus) and error.response.status_code in NOT_LET_IN:
            return Comeback(never=True, why=refusal(error.response.body))
        if not self._connected_once and failures >= len(self._urls):
            raise nobody_there(self._urls, str(error)) from error
        return Comeback(0.0 if failures < len(self._urls) else None)

    async def _visit(self, url: str) -> Comeback:
        """One connection, from the handshake to its end."""
        async with connect(
            websocket_url(url),
            subprotocols=[Subprotocol(wire.JSON_PROTOCOL)],
            additional_headers=self._headers,
            open_timeout=OPEN_S_MAX,
            close_timeout=1.0,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_size=SNAPSHOT_BYTES_MAX,
            proxy=None,
        ) as socket:
            self._connected_once = True
            while not self._outbox.empty():  # of the connection before; the client knows what still counts
                self._outbox.get_nowait()
            self.post(self._client.opened())
            self._changed()
            writer = asyncio.ensure_future(self._write(socket))
            try:
                return await self._read(socket)
            finally:
                writer.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await writer

    async def _read(self, socket: ClientConnection) -> Comeback:
        try:
            async for data in socket:
                message = decode_server(data)
                if isinstance(message, wire.Reconnect):
                    return Comeback(message.after_ms / 1000 * random.uniform(1.0, 1.5))
                if message is not None:
                    self.post(self._client.receive(message))
                self._changed()
                if self._client.failure:
                    return Comeback()
        except Invalid as error:
            return Comeback(never=True, why=str(error))
        except ConnectionClosed:
            pass
        return comeback_after(socket.close_code, socket.close_reason or "")

    async def _write(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message, delay_s = await self._outbox.get()
            if delay_s:
                loop.call_later(delay_s, self._outbox.put_nowait, Outgoing(message))
            else:
                await socket.send(_encode(message), text=True)


def authorization(token: str) -> dict[str, str]:
    """The header that says who is asking; nothing without a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def refusal(body: bytes | bytearray) -> str:
    """Why a gateway, or a proxy before it, does not let us in, and what may help."""
    try:
        said = msgspec.json.decode(body, type=ErrorBody).message
    except (msgspec.DecodeError, UnicodeDecodeError):  # a proxy's own words, in a form of its own
        said = "sign in"
    return f"not let in: {said}. ANABRANCH_TOKEN is the token that the viewer sends."


def nobody_there(urls: Sequence[str], why: str) -> Unavailable:
    return Unavailable(f"no gateway at {', '.join(urls)}: {why}. `make run` starts one; --url names another.")


def websocket_url(url: str) -> str:
    """The address of the stream at a gateway's `http(s)://host:port[/prefix]`."""
    scheme, _, rest = url.rstrip("/").partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/v1/ws"


def comeback_after(code: int | None, reason: str) -> Comeback:
    """What a close code asks of a client: 4000-4099 back at once, 4400-4499 not again, all others back later."""
    if code in wire.CLOSED_COME_BACK:
        return Comeback(delay_s=random.uniform(0.0, BACKOFF_S_MIN))
    if code in wire.CLOSED_FOR_GOOD:
        return Comeback(never=True, why=reason or f"the gateway closed the connection with {code}")
    return Comeback()


def backoff_s(failures: int) -> float:
    """How long to wait after so many failures in a row: doubling, and jittered so that viewers do not come back as one."""
    return min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2.0 ** min(failures, 16)) * random.uniform(0.5, 1.0)
