"""Server-sent events, parsed by hand and to the letter: what a strict client makes of the bytes."""

import json
from typing import NamedTuple


class Event(NamedTuple):
    id: str | None
    message: dict


class Stream:
    """Reads a streaming httpx2 response event by event; keeps the raw bytes."""

    def __init__(self, response):
        self._chunks = response.aiter_raw()
        self._buffer = b""
        self.raw = b""
        self.comments = 0
        self.retry = None

    async def next(self):
        """The next event; None at the end of the stream."""
        while True:
            block, found, rest = self._buffer.partition(b"\n\n")
            if found:
                self._buffer = rest
                event = self._parse(block)
                if event is not None:
                    return event
                continue
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                assert not self._buffer, "the stream ended inside an event"
                return None
            self.raw += chunk
            self._buffer += chunk

    async def until(self, op):
        """Events up to and including the first with this `op`."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
            if event.message["op"] == op:
                return events
        raise AssertionError(f"the stream ended before {op!r}: {[event.message for event in events]}")

    async def rest(self):
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events

    def _parse(self, block):
        fields = {}
        for line in block.split(b"\n"):
            if line.startswith(b":"):
                self.comments += 1
                continue
            name, colon, value = line.partition(b": ")
            assert colon and name.decode() not in fields, line
            fields[name.decode()] = value.decode()
        if "retry" in fields:
            self.retry = int(fields.pop("retry"))
        if not fields:
            return None
        assert set(fields) <= {"id", "data"}, fields
        return Event(fields.get("id"), json.loads(fields["data"]))


def frames(events):
    """The frames of all `events` messages, in order."""
    return [frame for event in events if event.message["op"] == "events" for frame in event.message["frames"]]


def types(events):
    return [event["type"] for frame in frames(events) for event in frame["events"]]


def text(events):
    """All message deltas, joined."""
    return "".join(
        event["text"] for frame in frames(events) for event in frame["events"] if event["type"] == "message.delta"
    )
