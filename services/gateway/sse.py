"""Server-sent events: a conversation's messages on one HTTP response, as every stock client of SSE can read them.

LF alone ends a line (some parsers stop at CR), every event is one `data:` line of JSON with its `op` inside, and `id:` is
the cursor to come back with. The first event is `subscribed`, sent at once, so that a client knows that it is connected.
A comment every 15 s, on a steady beat because some clients measure it, keeps proxies from cutting an idle stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator
from typing import Any, NamedTuple

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schemas import events as ev
from schemas import wire
from schemas.cursor import Cursor
from schemas.errors import AnabranchError, TooLarge, Unauthenticated
from services.gateway.api_json import encode
from services.gateway.channel import Channel
from services.gateway.counts import Counts
from services.gateway.hub import Hub
from services.gateway.reader import Closed, Reader

HEARTBEAT_S = 15.0
HEARTBEAT = b": beat\n\n"
RETRY_MS = 1000
"""How long an EventSource waits before it comes back."""

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class Subscription(NamedTuple):
    """What a viewer asked for. `until_run`: the stream ends with this run. `expires`: as in `Identity`; it ends then, too."""

    tenant: str
    conversation: str
    after: Cursor | None = None
    mode: wire.Mode = "auto"
    namespaces: tuple[str, ...] = ()
    granularity: wire.Granularity = "deltas"
    until_run: str = ""
    expires: float | None = None


def event(message: wire.AnyServerMessage, cursor: str = "", *, retry: bool = False) -> bytes:
    """One event. `cursor` becomes its id: what a client that is cut off after it comes back with."""
    parts = [b"retry: %d\n" % RETRY_MS] if retry else []
    if cursor:
        parts.append(b"id: %s\n" % cursor.encode())
    return b"".join([*parts, b"data: ", encode(message), b"\n\n"])


def event_id(message: wire.AnyServerMessage) -> str:
    """The cursor up to which a client that folds what it gets has everything, if the message changes it.

    `subscribed` before a snapshot, and `gap`, have none: whoever is cut off there has nothing to continue from.
    """
    match message:
        case wire.Subscribed(mode="replay" | "tail") | wire.Snapshot() | wire.Events() | wire.CaughtUp():
            return message.cursor
    return ""


def ends_run(message: wire.AnyServerMessage, run: str) -> bool:
    """Whether a reader of this message has seen the end of `run`."""
    match message:
        case wire.Events(frames=frames):
            return any(
                frame.run == run and isinstance(event, ev.RUN_ENDS) for frame in frames for event in frame.events
            )
        case wire.Snapshot(transcript=transcript):
            return any(state.id == run and state.over for state in transcript.runs)
    return False


class EventStream(Response):
    """The response. What is wrong with the subscription is raised before it starts and answered as any other error."""

    def __init__(self, hub: Hub, subscription: Subscription, status_code: int = 200) -> None:
        super().__init__(None, status_code, HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._asked = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._asked
        async with self._hub.channel(asked.tenant, asked.conversation) as channel:
            reader = channel.reader(
                after=asked.after,
                mode=_mode(channel, asked),
                namespaces=asked.namespaces,
                granularity=asked.granularity,
            )
            first = await reader.next()
            with _counted(self._hub.counts):
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await _write(send, event(first, event_id(first), retry=True))
                parts = [_pump(reader, self._hub.counts, send, asked.until_run), _beat(send), _until_gone(receive)]
                if (lifetime_s := self._hub.lifetime_s()) is not None:
                    parts.append(asyncio.sleep(lifetime_s))
                if asked.expires is not None:
                    parts.append(_until_expired(send, asked.expires))
                await _first_of(*parts)
        await send({"type": "http.response.body", "body": b""})


@contextlib.contextmanager
def _counted(counts: Counts) -> Iterator[None]:
    counts.streams += 1
    try:
        yield
    finally:
        counts.streams -= 1


def _mode(channel: Channel, asked: Subscription) -> wire.Mode:
    """A stream that is to end with a run which ended at or before its cursor shows the run in a snapshot."""
    run = channel.fold.runs.get(asked.until_run)
    over = run is not None and run.over and asked.after is not None and asked.after.seq >= run.end_seq
    return "snapshot" if over else asked.mode


async def _pump(reader: Reader, counts: Counts, send: Send, until_run: str) -> None:
    while True:
        try:
            message = await reader.next()
        except Closed:  # the client comes back, to another gateway, with the last id
            return
        except AnabranchError as error:
            await _write(send, event(wire.error_message(error.body())))
            return
        data = event(message, event_id(message))
        counts.bytes += len(data)
        await _write(send, data)
        if until_run and ends_run(message, until_run):
            return


async def _beat(send: Send) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await _write(send, HEARTBEAT)


async def _until_expired(send: Send, expires: float) -> None:
    await asyncio.sleep(expires - time.time())
    expired = Unauthenticated("the token has expired: come back with a new one, and the last id", code="token_expired")
    await _write(send, event(wire.error_message(expired.body())))


async def _until_gone(receive: Receive) -> None:
    with contextlib.suppress(TooLarge):  # whoever sends a body without end instead of reading is let go, too
        while (await receive())["type"] != "http.disconnect":
            pass


async def _first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all until one returns; the others are cancelled. Raises what the first one raises."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in parts]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def _write(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
