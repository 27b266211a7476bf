"""Child: conversations of a given length in the log, and the raw read of them."""

from __future__ import annotations

import time

import msgspec

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame, encode_frame
from schemas.fold import fold_all
from tests.bench.child import Operation, serve
from tests.bench.lanes import PARTITION, TENANT, opening, run_of, subject, token
from tests.bench.raw import RawClient, connect, read_batches

SPEAKERS = 3
"""Agents that speak at the same time, one token of each in a frame."""

MESSAGE_TOKENS = 150


class Writer:
    """The frames of a run in which SPEAKERS agents say one message after another."""

    def __init__(self, conversation: str) -> None:
        self.subject = subject(conversation, run_of(conversation))
        self.frames = opening(conversation)
        self.events = 5
        self._run = run_of(conversation)
        self._n = 3
        self._messages = 0
        self._tokens = 0
        self._at = [0] * SPEAKERS

    def next(self) -> bytes:
        starts = self._tokens % MESSAGE_TOKENS == 0
        events: list[ev.AnyEvent] = self._start() if starts else [self._token(speaker) for speaker in range(SPEAKERS)]
        self._tokens += 1
        frame = ev.Frame(run=self._run, n=self._n, ts=time.time_ns() // 1_000_000, ns="main/writer:0", events=events)
        self._n += len(events)
        self.events += len(events)
        return encode_frame(frame)

    def _start(self) -> list[ev.AnyEvent]:
        """End the messages that there are and begin the next."""
        self._at = [0] * SPEAKERS
        ended = [ev.MessageEnded(id=self._id(i), ns=_ns(i)) for i in range(SPEAKERS) if self._messages]
        self._messages += 1
        return [*ended, *(ev.MessageStarted(id=self._id(i), ns=_ns(i)) for i in range(SPEAKERS))]

    def _token(self, speaker: int) -> ev.AnyEvent:
        text = token(self._tokens * 31)
        delta = ev.MessageDelta(id=self._id(speaker), at=self._at[speaker], text=text, ns=_ns(speaker))
        self._at[speaker] += len(text)
        return delta

    def _id(self, speaker: int) -> str:
        return f"m2-{self._messages * SPEAKERS + speaker}"


def _ns(speaker: int) -> str:
    """Of an event in a frame that names the first speaker's."""
    return f"main/writer:{speaker}" if speaker else ""


class History:
    def __init__(self) -> None:
        self._client: RawClient
        self._writers: dict[str, Writer] = {}

    async def open(self, url: str) -> None:
        self._client = await connect(url)

    async def write(self, conversation: str, events: int) -> None:
        """Begin a conversation of about `events` events; returns when the last of them is stored."""
        writer = self._writers[conversation] = Writer(conversation)
        for where, data in writer.frames:
            await self._client.request(where, data)
        while writer.events < events:
            await self._client.publish(writer.subject, writer.next())
        await self.write_more(conversation)

    async def write_more(self, conversation: str) -> None:
        """One more frame."""
        writer = self._writers[conversation]
        await self._client.request(writer.subject, writer.next(), timeout=30)

    async def read(self, conversation: str) -> dict[str, float]:
        """Read it raw: how long that took, and how large its transcript is, folded afterwards."""
        start = time.monotonic()
        where = subjects.conversation_events(PARTITION, TENANT, conversation)
        log = await read_batches(self._client, subjects.events_stream(PARTITION), where)
        ms = (time.monotonic() - start) * 1e3
        transcript = fold_all(conversation, map(decode_frame, log))
        return {"ms": ms, "frames": len(log), "transcript_bytes": len(msgspec.json.encode(transcript))}


async def setup() -> dict[str, Operation]:
    history = History()
    return {name: getattr(history, name) for name in ("open", "write", "write_more", "read")}


if __name__ == "__main__":
    serve(setup)
