"""Subscriptions that become level and fall behind at random: what they were sent still makes what the channel's fold is."""

import asyncio
import contextlib
import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import wire
from schemas.errors import AnabranchError
from services.broker.memory import MemoryBroker, MemoryCore
from services.gateway import encoding, feed
from services.gateway.hub import Hub
from services.gateway.project import view_of
from services.gateway.subscription import Subscription
from tests.broker.waiting import eventually
from tests.gateway.stream import kit
from tests.gateway.stream.kit import CONVERSATION, TENANT, Client, Log
from tests.gateway.stream.test_reader import shown
from tests.schemas import logs

decode = msgspec.json.Decoder(wire.AnyServerMessage).decode


class Outlet:
    """Takes everything that is written, and refuses a push now and then."""

    pushes = True

    def __init__(self, rng, client, refusals):
        self.rng = rng
        self.client = client
        self.refusals = refusals
        self.pushed = 0

    def push(self, frame):
        if self.rng.random() < self.refusals:
            return False
        self.client.take(decode(frame[{126: 4, 127: 10}.get(frame[1], 2) :]))
        self.pushed += 1
        return True

    async def write(self, payload):
        self.client.take(decode(payload))
        await asyncio.sleep(self.rng.choice([0, 0, 0.001]))


class Owner:
    """A session without a socket."""

    tenant = TENANT
    protocol = wire.JSON_PROTOCOL

    def __init__(self, hub, tasks, outlet):
        self.hub = hub
        self.outlet = outlet
        self.tasks = tasks
        self.errors = []

    def spawn(self, work):
        return self.tasks.create_task(work)

    async def failed(self, sub, error: AnabranchError):
        self.errors.append(error)

    def stalled(self):
        raise AssertionError


@given(st.integers(0, 2**32).map(random.Random))
@settings(max_examples=60, deadline=None)
def test_whoever_falls_behind_whenever_comes_to_the_same(rng):
    asyncio.run(scenario(rng))


async def scenario(rng):
    core = MemoryCore()
    frames = logs.conversation(rng, runs=rng.randint(1, 3), size=rng.randint(1, 3))
    log = Log(MemoryBroker(core))
    await log.write(frames.pop(0))
    views = [views_of(rng, frames) for _ in range(3)] * 2
    small = msgspec.structs.replace(kit.QUICK, ring_bytes_max=rng.choice([1, 500, 128 * 1024]))
    async with Hub(MemoryBroker(core), kit.Archive(), small) as hub, asyncio.TaskGroup() as tasks:
        clients, subscriptions = [], []
        for view in views:
            client = Client(dense=not view.namespaces)
            owner = Owner(hub, tasks, Outlet(rng, client, rng.choice([0, 0.1, 0.5])))
            subscription = Subscription(owner, CONVERSATION, CONVERSATION, view)
            subscription.start(None, rng.choice(["auto", "replay", "snapshot"]))
            clients.append((client, owner))
            subscriptions.append(subscription)
        for frame in frames:
            await log.write(frame)
            await asyncio.sleep(rng.choice([0, 0, 0.001]))
        for (client, owner), view in zip(clients, views, strict=True):
            end = shown(log.transcript(), view)
            with contextlib.suppress(TimeoutError):
                await eventually(lambda client=client, end=end: client.fold.snapshot() == end)
            assert client.fold.snapshot() == end, (view, client.ops)
            assert (owner.errors, client.gaps) == ([], [])
            assert client.ops.count("lagging") <= client.ops.count("caught_up")
        for subscription in subscriptions:
            subscription.close()


def views_of(rng, frames):
    spaces = sorted({event.ns or frame.ns for frame in frames for event in frame.events})
    return view_of(rng.sample(spaces, 1) if rng.random() < 0.4 else [], rng.choice(["deltas", "messages"]))


async def test_viewers_who_see_the_same_are_encoded_for_once(monkeypatch):
    core = MemoryCore()
    log = Log(MemoryBroker(core))
    await log.write_all([kit.created(), kit.asked(), kit.started()])
    async with Hub(MemoryBroker(core), kit.Archive(), kit.QUICK) as hub, asyncio.TaskGroup() as tasks:
        got = []

        class Same(Outlet):
            def push(self, frame):
                got.append(frame)
                return super().push(frame)

        owners = [Owner(hub, tasks, Same(random.Random(0), Client(), 0)) for _ in range(3)]
        subscriptions = [Subscription(owner, CONVERSATION, CONVERSATION, view_of([], "deltas")) for owner in owners]
        for subscription in subscriptions:
            subscription.start(None, "auto")
        await eventually(lambda: all(owner.outlet.client.caught_up for owner in owners))
        await log.write_all([kit.delta(0), kit.delta(1)])
        await eventually(lambda: len(got) >= 3)
        assert len({id(frame) for frame in got}) == 1, "one message for both frames of the turn, and the same bytes"
        for subscription in subscriptions:
            subscription.close()


async def test_a_feed_that_cannot_be_encoded_takes_nothing_from_others(monkeypatch):
    core = MemoryCore()
    conversations = [CONVERSATION, "d"]
    written = [Log(MemoryBroker(core), conversation) for conversation in conversations]
    for log in written:
        await log.write_all([kit.created(), kit.asked(), kit.started()])

    def encoder(protocol):
        return explode if protocol == wire.MSGPACK_PROTOCOL else encoding.encoder(protocol)

    def explode(message):
        raise RuntimeError("a bug")

    class Broken(Owner):
        protocol = wire.MSGPACK_PROTOCOL

    class Packed(Outlet):
        async def write(self, payload):
            self.client.take(msgspec.msgpack.decode(payload, type=wire.AnyServerMessage))

    monkeypatch.setattr(feed, "encoder", encoder)
    async with Hub(MemoryBroker(core), kit.Archive(), kit.QUICK) as hub, asyncio.TaskGroup() as tasks:
        owners = [Broken(hub, tasks, Packed(random.Random(0), Client(), 0))]
        owners += [Owner(hub, tasks, Outlet(random.Random(0), Client(), 0)) for _ in conversations]
        names = [CONVERSATION, *conversations]
        view = view_of([], "deltas")
        subscriptions = [Subscription(owner, name, name, view) for owner, name in zip(owners, names, strict=True)]
        for owner, subscription in zip(owners, subscriptions, strict=True):
            subscription.start(None, "auto")
            await eventually(lambda owner=owner: owner.outlet.client.caught_up)
        for log in written:
            await log.write_all([kit.delta(0), kit.delta(1)])
        for owner in owners:
            item = owner.outlet.client.fold.item
            await eventually(lambda item=item: item("m2-1").content == "xx")
        for subscription in subscriptions:
            subscription.close()


async def test_a_viewer_of_messages_sees_each_text_once_and_whole():
    core = MemoryCore()
    log = Log(MemoryBroker(core))
    await log.write_all([kit.created(), kit.asked()])
    async with Hub(MemoryBroker(core), kit.Archive(), kit.QUICK) as hub, hub.channel(TENANT, CONVERSATION) as channel:
        reader = channel.reader(granularity="messages", mode="tail")
        assert isinstance(await reader.next(), wire.Subscribed)
        assert isinstance(await reader.next(), wire.CaughtUp)
        await log.write_all([kit.started(), *map(kit.delta, range(50)), kit.ended(50)])
        frames = []
        while not any(event.__struct_config__.tag == "run.completed" for frame in frames for event in frame.events):
            frames += (await reader.next()).frames
        texts = [event.text for frame in frames for event in frame.events if hasattr(event, "at")]
        assert texts == ["x" * 50]
        assert frames[-1].last == log.stored[-1].last
