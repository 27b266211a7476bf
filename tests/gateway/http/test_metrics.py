"""What a gateway exports of its viewers."""

import asyncio
import re

import websockets

from schemas import wire

JSON = {"Accept": "application/json"}
WEBSOCKETS = 'anabranch_connections_open{kind="websocket"}'
STREAMS = 'anabranch_connections_open{kind="sse"}'
READING = 'anabranch_viewers{state="reading"}'


def values(text):
    """Every sample by its name and labels."""
    return {name: float(value) for name, value in re.findall(r"^(anabranch_\S+) (\S+)$", text, re.MULTILINE)}


async def scrape(client):
    return values((await client.get("/metrics")).text)


async def until(client, name, value):
    """What is exported once it says at least this, or for 0 just this."""
    async with asyncio.timeout(10):
        while True:
            found = await scrape(client)
            if found[name] == value or 0 < value <= found[name]:
                return found
            await asyncio.sleep(0.01)


async def test_what_is_replayed_is_counted_in_frames_and_bytes_with_the_time_it_took(client, post, worker):
    posted = await post("hello")
    await (await worker.take()).play("a", "b")
    before = await scrape(client)
    replay = {"after": posted["cursor"], "mode": "replay"}
    await client.get("/v1/conversations/c1/events", headers=JSON, params=replay)
    after = await scrape(client)

    def added(name):
        return after[name] - before[name]

    assert added("anabranch_delivered_frames_total") >= 4
    assert added("anabranch_delivered_bytes_total") > 400
    assert after['anabranch_caught_up_seconds_count{by="replay"}'] == 1.0


async def test_a_cursor_of_another_epoch_is_counted_as_a_gap(client, conversation):
    await client.get("/v1/conversations/c1/events", headers=JSON, params={"after": "ffff-1"})

    assert (await scrape(client))['anabranch_gaps_total{reason="epoch"}'] == 1.0


async def test_who_is_level_is_pushed_to_and_counted_so(gateway, client, post, worker):
    url = gateway.url.replace("http", "ws")
    async with websockets.connect(f"{url}/v1/ws", subprotocols=[wire.JSON_PROTOCOL]) as socket:
        await post("hello")
        await socket.send('{"op": "subscribe", "conversation": "c1"}')
        await until(client, 'anabranch_viewers{state="level"}', 1.0)
        await (await worker.take()).play("a", "b")
        told = await until(client, "anabranch_pushed_events_total", 5.0)
    left = await until(client, 'anabranch_viewers{state="level"}', 0.0)

    assert told['anabranch_caught_up_seconds_count{by="snapshot"}'] == 1.0
    assert told['anabranch_replayed_bytes_count{by="snapshot"}'] == 1.0
    assert told["anabranch_delivery_delay_seconds_count"] > 0
    assert (told[WEBSOCKETS], left[WEBSOCKETS], told[STREAMS]) == (1.0, 0.0, 0.0)


async def test_a_connection_that_came_back_is_counted(gateway, client):
    gateway.broker.interrupt()
    cut = await scrape(client)
    gateway.broker.restore()
    back = await scrape(client)

    assert (cut["anabranch_broker_connected"], back["anabranch_broker_connected"]) == (0.0, 1.0)
    assert (cut["anabranch_broker_reconnects_total"], back["anabranch_broker_reconnects_total"]) == (0.0, 1.0)


async def test_who_reads_server_sent_events_is_a_viewer_and_a_connection_as_long_as_he_does(client, conversation):
    async with client.stream("GET", "/v1/conversations/c1/events"):
        watching = await until(client, STREAMS, 1.0)
    await until(client, STREAMS, 0.0)
    await until(client, READING, 0.0)

    assert watching[READING] == 1.0
