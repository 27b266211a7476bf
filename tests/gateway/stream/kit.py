"""What the tests of the streaming core share: a hub on a memory broker, who writes to its log, and a client that folds."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable

from schemas import events as ev
from schemas import subjects, wire
from schemas.codec import encode_frame
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.archive.port import Archived
from services.broker.memory import MemoryBroker, MemoryCore
from services.broker.port import Broker
from services.gateway.hub import Hub, HubSettings
from tests.schemas import logs

TENANT = "t"
CONVERSATION = "c"

QUICK = HubSettings(check_first_s=0.01, check_active_s=0.05, check_idle_s=0.05, linger_s=0.2, reconnect_spread_s=0.02)


class Archive:
    """An archive of which a test says what it has. Only what the hub asks of one."""

    def __init__(self) -> None:
        self.rows: dict[str, Archived] = {}

    async def conversation(self, tenant: str, conversation: str) -> Archived | None:
        row = self.rows.get(conversation)
        return None if row is None else row._replace(transcript=Fold(row.transcript).snapshot())


class Log:
    """Writes the frames of a conversation to its log, and keeps them as stored."""

    def __init__(self, broker: Broker, conversation: str = CONVERSATION, partition: int = 0) -> None:
        self.broker = broker
        self.conversation = conversation
        self.partition = partition
        self.stored: list[ev.Frame] = []

    async def write(self, frame: ev.Frame) -> int:
        subject = subjects.event(self.partition, TENANT, self.conversation, frame.in_lane)
        data = encode_frame(logs.replace(frame, seq=0))
        msg_id = f"{self.conversation}:{frame.in_lane}:{frame.attempt}:{frame.n}"
        seq = (await self.broker.append(subject, data, msg_id=msg_id)).seq
        self.stored.append(logs.replace(frame, seq=seq))
        return seq

    async def write_all(self, frames: Iterable[ev.Frame]) -> int:
        seq = 0
        for frame in frames:
            seq = await self.write(frame)
        return seq

    def transcript(self) -> Transcript:
        state = Fold(Transcript(conversation=self.conversation))
        for frame in self.stored:
            state.apply(frame)
        return state.snapshot()


def created(title: str = "") -> ev.Frame:
    return ev.Frame(run="", lane="in", n=1, ts=1, events=[ev.ConversationCreated(title=title)])


def asked(run: str = "r1", n: int = 2) -> ev.Frame:
    message = ev.UserMessage(id=f"u-{run}", text="go", agent="a")
    return ev.Frame(run=run, lane="in", n=n, ts=2, events=[message, ev.RunQueued(agent="a", message=message.id)])


def started(run: str = "r1", item: str = "m2-1") -> ev.Frame:
    return ev.Frame(run=run, n=1, ts=3, events=[ev.RunStarted(agent="a"), ev.MessageStarted(id=item)])


def delta(number: int, run: str = "r1", item: str = "m2-1", text: str = "x") -> ev.Frame:
    """The number-th delta (from 0) of the message that `started` opens; all texts must be as long as this one."""
    return ev.Frame(
        run=run, n=3 + number, ts=4 + number, events=[ev.MessageDelta(id=item, at=number * len(text), text=text)]
    )


def ended(deltas: int, run: str = "r1", item: str = "m2-1") -> ev.Frame:
    return ev.Frame(run=run, n=3 + deltas, ts=9, events=[ev.MessageEnded(id=item), ev.RunCompleted()])


class Client:
    """Folds what it is sent, and is strict about it: every frame brings something new, and every `prev` fits."""

    def __init__(self, *, dense: bool = True) -> None:
        self.fold = Fold(Transcript(conversation=CONVERSATION), dense=dense)
        self.dense = dense
        self.cursor = ""
        self.ops: list[str] = []
        self.gaps: list[str] = []
        self.seqs: list[int] = []
        self.caught_up = False
        self.promised = 0
        """Events that the conversation had when it subscribed."""

    def reconnected(self) -> None:
        self.caught_up = False

    def take(self, message: wire.AnyServerMessage) -> None:
        self.ops.append(message.__struct_config__.tag)
        match message:
            case wire.Subscribed():
                self.cursor = message.cursor
                self.promised = message.events
            case wire.Snapshot():
                self.fold = Fold(Fold(message.transcript).snapshot(), dense=self.dense)
                self.cursor = message.cursor
                self.seqs = []
            case wire.Events():
                assert message.prev == self.cursor, (message.prev, self.cursor)
                for frame in message.frames:
                    assert not self.seqs or frame.seq > self.seqs[-1], (frame.seq, self.seqs)
                    assert self.fold.apply(frame), frame
                    self.seqs.append(frame.seq)
                self.cursor = message.cursor
            case wire.Gap():
                self.gaps.append(message.reason)
            case wire.CaughtUp():
                assert self.fold.events >= self.promised or not self.dense
                self.cursor = message.cursor
                self.caught_up = True


@contextlib.asynccontextmanager
async def hub_on(core: MemoryCore, archive: Archive | None = None, settings: HubSettings = QUICK) -> AsyncIterator[Hub]:
    async with Hub(MemoryBroker(core), archive or Archive(), settings) as hub:
        yield hub
