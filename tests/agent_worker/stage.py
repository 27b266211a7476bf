"""A stage for agents: a broker, workers in this process, and somebody who posts messages as a gateway does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.commands import RunCommand
from schemas.fold import Fold
from schemas.seal import ConversationRecord, Seal
from schemas.transcript import Transcript
from services.agent_worker.attempt import Limits
from services.agent_worker.publisher import Publisher
from services.agent_worker.turn import Retry
from services.agent_worker.worker import Worker
from services.broker.input_lane import append_input, lane_is_over
from services.broker.port import Broker, Record
from services.runtime import new_id

TENANT = "default"
QUICK = Limits(ack_wait_s=1.0, deadline_s=30.0, retry=Retry(tries=3, pause_s=0.01))


class Said:
    """What an agent under test may tell the test: that it is at a place, and to go on."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def here(self) -> None:
        self.reached.set()
        await self.go_on.wait()


class Stage:
    def __init__(self, broker: Broker, conversation: str = "c1") -> None:
        self.broker = broker
        self.conversation = conversation
        self.agents: dict[str, Any] = {}

    def agent(self, function: Any) -> Any:
        self.agents[function.__name__] = function
        return function

    @contextlib.asynccontextmanager
    async def worker(
        self,
        *,
        broker: Broker | None = None,
        limits: Limits = QUICK,
        slots: int = 8,
        drain_s: float = 5.0,
        model: Any = None,
    ) -> AsyncIterator[Worker]:
        """A worker for as long as the context is open; leaving it drains."""
        stop = asyncio.Event()
        broker = broker or self.broker
        async with Publisher(broker) as publisher, asyncio.TaskGroup() as tasks:
            worker = Worker(
                broker,
                publisher,
                self.agents,
                name=new_id("w_"),
                model=model,
                limits=limits,
                slots=slots,
                drain_s=drain_s,
            )
            tasks.create_task(worker.run(stop))
            try:
                yield worker
            finally:
                stop.set()

    async def post(self, agent: str, text: str = "go", *, publish: bool = True) -> RunCommand:
        """Append a message, as a gateway does; its command is published unless a run is before it."""
        run, message = new_id("r"), new_id("m_")
        fold = Fold(Transcript(conversation=self.conversation))

        async def decide(last: Record | None) -> list[ev.AnyEvent]:
            nonlocal fold
            fold = await self.fold()
            events = [
                ev.UserMessage(id=message, text=text, agent=agent),
                ev.RunQueued(agent=agent, message=message, after=next(reversed(fold.runs), "")),
            ]
            return events if last is not None else [ev.ConversationCreated(), *events]

        stored = await append_input(self.broker, 0, TENANT, self.conversation, run, decide)
        command = RunCommand(
            tenant=TENANT,
            conversation=self.conversation,
            partition=0,
            run=run,
            agent=agent,
            message=message,
            text=text,
            ordinal=stored.n + (0 if fold.input_last else 1),
            seq=stored.seq,
            sent=stored.ts,
            after=next(reversed(fold.runs), ""),
            title=fold.title,
        )
        over = not command.after or await lane_is_over(self.broker, 0, TENANT, self.conversation, command.after)
        if publish and over:
            await self.broker.publish_command(command)
        return command

    async def input(self, run: str, *events: ev.AnyEvent) -> None:
        async def decide(_: Record | None) -> list[ev.AnyEvent]:
            return list(events)

        await append_input(self.broker, 0, TENANT, self.conversation, run, decide)

    async def frames(self) -> list[ev.Frame]:
        subject = subjects.conversation_events(0, TENANT, self.conversation)
        frames: list[ev.Frame] = []
        after = 0
        while (batch := await self.broker.read(0, subject, after)).records:
            frames += [decode_frame(record.data, record.seq) for record in batch.records]
            after = frames[-1].seq
        return frames

    async def fold(self) -> Fold:
        fold = Fold(Transcript(conversation=self.conversation))
        for frame in await self.frames():
            fold.apply(frame)
        return fold

    async def events(self, run: str) -> list[ev.AnyEvent]:
        """The events of a run's lane."""
        return [event for frame in await self.frames() if frame.in_lane == run for event in frame.events]

    async def until(self, condition: Callable[[Fold], Any], within_s: float = 10.0) -> Fold:
        """The conversation, once `condition` holds."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    fold = await self.fold()
                    if condition(fold):
                        return fold
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise TimeoutError(
                msgspec.json.format(msgspec.json.encode((await self.fold()).snapshot())).decode()
            ) from None

    async def ended(self, run: str, within_s: float = 10.0) -> Fold:
        return await self.until(lambda fold: run in fold.runs and fold.runs[run].over, within_s)

    async def seal(self, run: str, within_s: float = 5.0) -> Seal:
        """The seal of a run, taken from the queue."""
        decoder = msgspec.json.Decoder(Seal | ConversationRecord)
        async with asyncio.timeout(within_s):
            while True:
                for delivery in await self.broker.fetch_seals(1, 0.1):
                    await delivery.ack()
                    found = decoder.decode(delivery.data)
                    if isinstance(found, Seal) and found.run.id == run:
                        return found


async def tokens(text: str) -> AsyncIterator[str]:
    """A text as a model streams it: word by word."""
    for index, word in enumerate(text.split(" ")):
        yield word if index == 0 else f" {word}"
        await asyncio.sleep(0)
