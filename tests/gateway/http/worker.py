"""A worker played by the test: takes commands, writes frames to lanes through the port, ends runs.

A write returns when the hubs it was given show it, so that a test can ask its gateway right after.
"""

import asyncio
import contextlib

import msgspec

from schemas import events as ev
from schemas import subjects
from schemas.codec import encode_frame
from schemas.commands import RunCommand
from schemas.errors import AnabranchError
from schemas.ids import item_id


class PlayedRun:
    def __init__(self, broker, command, hubs=()):
        self.command = command
        self._broker = broker
        self._hubs = hubs
        self._n = 0
        self._last = 0
        self.subject = subjects.event(command.partition, command.tenant, command.conversation, command.run)

    async def write(self, *events, ns="main"):
        """One frame; returns its stream sequence."""
        frame = ev.Frame(run=self.command.run, n=self._n + 1, ts=1, ns=ns, events=list(events))
        msg_id = f"{self.command.run}:1:{frame.n}"
        stored = await self._broker.append(self.subject, encode_frame(frame), msg_id=msg_id, expected_last=self._last)
        self._n, self._last = frame.last, stored.seq
        for hub in self._hubs:
            with contextlib.suppress(AnabranchError):  # a gateway that this test has stopped or cut off
                async with hub.channel(self.command.tenant, self.command.conversation) as channel:
                    await channel.reached(stored.seq, 5.0)
        return stored.seq

    def id(self, kind, count=1):
        return item_id(self.command.ordinal, kind, count)

    async def start(self):
        return await self.write(ev.RunStarted(agent=self.command.agent))

    async def say(self, *chunks, count=1):
        """A message, a frame per chunk."""
        message, at = self.id("m", count), 0
        await self.write(ev.MessageStarted(id=message))
        for chunk in chunks:
            await self.write(ev.MessageDelta(id=message, at=at, text=chunk))
            at += len(chunk)
        await self.write(ev.MessageEnded(id=message))

    async def complete(self):
        return await self.write(ev.RunCompleted())

    async def play(self, *chunks):
        await self.start()
        await self.say(*chunks)
        return await self.complete()


class Worker:
    def __init__(self, broker, hubs=()):
        self._broker = broker
        self._hubs = hubs

    async def take(self, within_s=5.0):
        """The next command, acknowledged."""
        delivery = await self._broker.fetch_command(within_s)
        assert delivery is not None, "no command came"
        await delivery.ack()
        return PlayedRun(self._broker, msgspec.json.decode(delivery.data, type=RunCommand), self._hubs)

    async def idle(self):
        """Whether no command waits."""
        return await self._broker.fetch_command(0.01) is None


async def eventually(condition, deadline_s=5.0):
    """Await until `condition()` (may be async) is true."""
    async with asyncio.timeout(deadline_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.005)
