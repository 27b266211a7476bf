import asyncio
import contextlib
import socket

import pytest

from schemas import events as ev
from services.gateway import sse
from tests.gateway.http.sse import Stream, frames, text, types
from tests.gateway.http.worker import eventually

EVENTS = "/v1/conversations/c1/events"


@pytest.fixture
def listen(client):
    """Opens a stream: `async with listen(after=…) as stream`."""

    def listen(headers=None, **params):
        return _Listening(client.stream("GET", EVENTS, params=params, headers=headers or {}))

    return listen


class _Listening:
    def __init__(self, request):
        self._request = request

    async def __aenter__(self):
        response = await self._request.__aenter__()
        assert response.status_code == 200, await response.aread()
        stream = Stream(response)
        stream.headers = response.headers
        return stream

    async def __aexit__(self, *error):
        await self._request.__aexit__(*error)


async def test_the_first_event_says_that_the_stream_is_open_before_anything_happens(listen, conversation):
    async with listen() as stream:
        first = await stream.next()

    assert first.message["op"] == "subscribed"
    assert stream.retry == 1000
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-cache, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in stream.headers


async def test_tokens_come_as_they_are_made(listen, post, worker):
    await post("hello")
    run = await worker.take()
    async with listen() as stream:
        await stream.until("caught_up")
        await run.start()
        seen = [await stream.next()]
        await run.say("Hi ", "there")
        while "message.ended" not in types(seen):
            seen.append(await stream.next())

    assert text(seen) == "Hi there"
    assert b"\r" not in stream.raw


async def test_a_viewer_that_was_cut_gets_exactly_the_rest(listen, post, worker):
    posted = await post("hello")
    run = await worker.take()
    async with listen(after=posted["cursor"], mode="replay") as stream:
        await run.start()
        await run.say("Hi ")
        seen = []
        while "message.ended" not in types(seen):
            seen.append(await stream.next())
    last_id = [event.id for event in seen if event.id][-1]
    await run.say("there", count=2)
    await run.complete()

    async with listen(headers={"Last-Event-ID": last_id}, after=posted["cursor"], mode="replay") as stream:
        rest = await stream.until("caught_up")

    numbers = [(frame["run"], frame.get("lane", ""), frame["n"]) for frame in frames(seen) + frames(rest)]
    assert len(numbers) == len(set(numbers))
    assert text(seen) + text(rest) == "Hi there"
    assert types(rest)[-1] == "run.completed"


async def test_an_event_has_an_id_only_if_a_client_can_continue_from_it(listen, post, worker):
    await post("hello")
    await (await worker.take()).play("Hi")
    async with listen(mode="snapshot") as stream:
        events = await stream.until("caught_up")

    ids = {event.message["op"]: event.id for event in events}
    assert ids["subscribed"] is None
    assert ids["snapshot"] == events[-1].message["cursor"]


async def test_a_viewer_cut_before_its_snapshot_gets_it_when_it_comes_back(listen, post, worker):
    """An EventSource without an id comes back as it came first."""
    await post("hello")
    async with listen(mode="snapshot") as stream:
        assert (await stream.next()).id is None
    async with listen(mode="snapshot") as stream:
        assert (await stream.until("snapshot"))[-1].message["transcript"]["items"]


async def test_a_tail_that_was_cut_misses_nothing_although_its_url_says_from_now(listen, post, worker):
    await post("hello")
    run = await worker.take()
    async with listen(mode="tail") as stream:
        first = await stream.next()
    await run.play("Hi")

    async with listen(headers={"Last-Event-ID": first.id}, mode="tail") as stream:
        rest = await stream.until("caught_up")

    assert text(rest) == "Hi"


async def test_a_namespace_is_seen_alone(listen, post, worker):
    posted = await post("hello")
    run = await worker.take()
    await run.start()
    await run.say("not this")
    await run.write(*_message(run, "this"), ns="main/analysis:1")
    async with listen(after=posted["cursor"], mode="replay", namespaces="main/analysis:1") as stream:
        events = await stream.until("caught_up")

    assert text(events) == "this"


async def test_whole_messages_are_sent_instead_of_deltas_if_asked_for(listen, post, worker):
    posted = await post("hello")
    await (await worker.take()).play("Hi ", "there")
    async with listen(after=posted["cursor"], mode="replay", granularity="messages") as stream:
        events = await stream.until("caught_up")

    assert types(events).count("message.delta") == 1
    assert text(events) == "Hi there"


async def test_a_silent_stream_beats_steadily(listen, conversation, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.01)
    async with listen() as stream:
        await stream.until("caught_up")
        reading = asyncio.ensure_future(stream.next())
        await eventually(lambda: stream.comments >= 3)
        reading.cancel()

    assert b": beat\n\n: beat\n\n" in stream.raw


async def test_a_draining_gateway_ends_its_streams_in_peace(start, conversation):
    gateway = await start()
    async with gateway.client.stream("GET", EVENTS) as response:
        stream = Stream(response)
        await stream.until("caught_up")
        gateway.stop.set()
        rest = await stream.rest()

    assert rest == []


async def test_a_viewer_that_leaves_is_let_go(gateway, listen, conversation):
    async with listen() as stream:
        await stream.until("caught_up")

    await eventually(lambda: alone(gateway))


async def alone(gateway):
    """Whether no request is open but the one that asks this."""
    return "anabranch_http_requests_open 1.0\n" in (await gateway.client.get("/metrics")).text


@contextlib.contextmanager
def barely_listening(gateway):
    """A socket that has asked for the events and reads only what the test reads."""
    with socket.socket() as viewer:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        viewer.connect(("127.0.0.1", gateway.client.base_url.port))
        viewer.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        viewer.setblocking(False)
        yield viewer


async def asked(gateway, worker):
    """A run of the conversation, made through this gateway."""
    await gateway.client.post("/v1/conversations", json={"id": "c1"})
    assert (await gateway.client.post("/v1/conversations/c1/messages", json={"text": "hello"})).status_code == 202
    return await worker.take()


MORE_THAN_SOCKETS_TAKE = ["y" * 10_000] * 60


async def test_a_viewer_that_takes_nothing_at_all_is_cut(start, worker):
    gateway = await start(listening={"unread_s": 0.3})
    run = await asked(gateway, worker)
    with barely_listening(gateway):
        await run.start()
        await run.say(*MORE_THAN_SOCKETS_TAKE)
        assert not await alone(gateway)
        await eventually(lambda: alone(gateway))


async def test_a_viewer_that_takes_a_little_now_and_then_is_not_cut(start, worker):
    gateway = await start(listening={"unread_s": 1.0})
    run = await asked(gateway, worker)
    with barely_listening(gateway) as viewer:
        await run.start()
        await run.say(*MORE_THAN_SOCKETS_TAKE)
        for _ in range(10):
            await asyncio.sleep(0.2)
            assert await asyncio.get_running_loop().sock_recv(viewer, 32 * 1024)
        assert not await alone(gateway)


def _message(run, content):
    message = run.id("m", 2)
    return (
        ev.MessageStarted(id=message),
        ev.MessageDelta(id=message, at=0, text=content),
        ev.MessageEnded(id=message),
    )
