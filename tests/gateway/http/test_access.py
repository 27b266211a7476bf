"""A gateway that asks for tokens: every route does, no tenant sees another's, and nobody stays longer than a token lasts."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
import websockets

from schemas import events as ev
from schemas import wire
from services.broker.memory import MemoryBroker
from services.gateway.app import assemble
from services.gateway.hub import Hub
from services.gateway.identity import Development
from services.gateway.session import Close
from services.gateway.settings import Settings
from services.gateway.tokens import LEEWAY_S
from tests.gateway.http.issuer import AUDIENCE, ISSUER, bearer, jwks, token
from tests.gateway.http.sse import Stream, text
from tests.gateway.stream.kit import Archive

OPEN = {"/", "/assets", "/docs", "/docs/assets", "/openapi.json", "/healthz", "/readyz", "/metrics"}
"""What anybody may ask for who reaches a gateway: the page, the documentation, and what those who run it look at."""

SOCKET = ("/v1/ws", "GET")


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(jwks("EdDSA"))
    return str(path)


@pytest.fixture
async def gateway(start, keys):
    gateway = await start(jwt_keys=keys, jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
    gateway.client.headers.update(bearer("acme"))
    return gateway


@pytest.fixture
def connect(gateway):
    """Opens a WebSocket: `async with connect(token) as socket`."""

    @asynccontextmanager
    async def connect(token, *protocols, **headers):
        if token:
            headers["Authorization"] = f"Bearer {token}"
        protocols = protocols or (wire.JSON_PROTOCOL,)
        url = gateway.url.replace("http", "ws", 1) + "/v1/ws"
        async with websockets.connect(url, subprotocols=protocols, additional_headers=headers) as socket:
            yield socket

    return connect


async def say(socket, op, **fields):
    await socket.send(json.dumps({"op": op} | fields))


async def hear_until(socket, op):
    heard = []
    async with asyncio.timeout(5.0):
        while not heard or heard[-1]["op"] != op:
            heard.append(json.loads(await socket.recv()))
    return heard


# --- every route


def routes_of(routes):
    """(path, method) of all routes, those of included routers, too; WebSockets and mounted folders count as a GET."""
    for route in routes:
        if (included := getattr(route, "original_router", None)) is not None:
            yield from routes_of(included.routes)
        else:
            for method in getattr(route, "methods", None) or {"GET"}:
                yield route.path, method


@pytest.fixture
async def guarded():
    """The routes that must ask who is there."""
    async with Hub(MemoryBroker(), Archive()) as hub:
        app = assemble(Settings(), MemoryBroker(), Archive(), hub, Development())._app
    return sorted({(path, method) for path, method in routes_of(app.routes) if path not in OPEN})


def filled(path, run="r1", artifact="a1", interrupt="i1"):
    values = {
        "conversation": "c1",
        "run": f"c1.{run}",
        "artifact": f"c1.{artifact}",
        "version": 1,
        "interrupt": interrupt,
    }
    return path.format(**values)


async def test_every_route_but_the_open_ones_wants_a_token(gateway, connect, guarded):
    assert len(guarded) > 15 and all(path.startswith("/v1/") for path, _ in guarded)
    del gateway.client.headers["Authorization"]
    for path, method in set(guarded) - {SOCKET}:
        for headers, code in [({}, "unauthenticated"), (bearer(iss="https://evil.example"), "token_invalid")]:
            answer = await gateway.client.request(method, filled(path), headers=headers, content="{no json")
            assert (answer.status_code, answer.json()["code"]) == (401, code), (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
    with pytest.raises(websockets.InvalidStatus, match="401"):
        async with connect(""):
            raise AssertionError("was let in")


async def test_with_a_token_every_route_answers(gateway, guarded):
    for path, method in set(guarded) - {SOCKET}:
        answer = await gateway.client.request(method, filled(path))
        assert answer.status_code not in {401, 403, 405, 500}, (method, path)


async def test_what_is_open_needs_no_token(gateway):
    del gateway.client.headers["Authorization"]
    for path in sorted(OPEN - {"/assets", "/docs/assets"}):
        assert (await gateway.client.get(path)).status_code in {200, 503}, path  # 503: a page that is not built


async def test_a_cookie_or_a_token_in_the_url_is_no_token(gateway):
    del gateway.client.headers["Authorization"]
    for query in ("access_token", "token", "bearer"):
        answer = await gateway.client.get(
            "/v1/agents", params={query: token()}, headers={"Cookie": f"token={token()}; _oauth2_proxy={token()}"}
        )
        assert answer.status_code == 401


# --- WebSocket


async def test_a_browser_brings_its_token_as_a_subprotocol_which_is_not_echoed(connect, gateway):
    for protocols in [(wire.JSON_PROTOCOL, f"bearer.{token()}"), (f"bearer.{token()}", wire.MSGPACK_PROTOCOL)]:
        async with connect("", *protocols, Origin=gateway.url) as socket:
            assert socket.subprotocol in {wire.JSON_PROTOCOL, wire.MSGPACK_PROTOCOL}
            assert "bearer" not in str(socket.response.headers)


@pytest.mark.parametrize(
    ("token_", "protocols", "headers", "status"),
    [
        ("", (wire.JSON_PROTOCOL,), {}, 401),
        ("", (wire.JSON_PROTOCOL, "bearer.e30.e30.e30"), {}, 401),
        ("", (f"bearer.{token()}",), {}, 400),
        (token(), (wire.JSON_PROTOCOL,), {"Origin": "https://evil.example"}, 403),
        (token(), (wire.JSON_PROTOCOL,), {"Origin": "null"}, 403),
        (token(None), (wire.JSON_PROTOCOL,), {}, 403),
    ],
)
async def test_who_is_not_let_in_hears_it_in_the_handshake(connect, token_, protocols, headers, status):
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with connect(token_, *protocols, **headers):
            raise AssertionError("was let in")
    assert refused.value.response.status_code == status
    if status == 401:
        assert refused.value.response.headers["WWW-Authenticate"] == "Bearer"


# --- the end of a token


def brief():
    """A token that counts for two to three seconds more."""
    return token(exp=int(time.time()) - LEEWAY_S + 3)


async def read(gateway, last_id, until, headers):
    """What a stream of server-sent events gives after `last_id`, and its last id."""
    path = "/v1/conversations/c1/events"
    async with gateway.client.stream("GET", path, headers=headers | {"Last-Event-ID": last_id}) as response:
        events = await until(Stream(response))
    return events, [event.id for event in events if event.id][-1]


async def test_a_socket_and_a_stream_end_with_their_token_and_lose_nothing(gateway, connect, post, worker):
    await post("hello")
    run = await worker.take()
    await run.start()
    old = brief()

    async def watch(token_, after):
        heard = []
        async with connect(token_) as socket:
            await say(socket, "subscribe", conversation="c1", after=after, mode="replay")
            try:
                while not heard or heard[-1]["op"] != "caught_up" or after:
                    heard.append(json.loads(await socket.recv()))
                    if after and any("run.completed" in str(frame) for frame in heard[-1].get("frames", [])):
                        break
                await run.say("seen before ")
                while True:
                    heard.append(json.loads(await socket.recv()))
            except websockets.ConnectionClosed:
                assert (socket.close_code, "expired" in socket.close_reason) == (Close.EXPIRED, True)
        return heard

    (seen, (streamed, last_id)) = await asyncio.gather(
        watch(old, ""), read(gateway, "", lambda stream: stream.rest(), {"Authorization": f"Bearer {old}"})
    )
    assert streamed[-1].message["op"] == "error" and streamed[-1].message["code"] == "token_expired"
    await run.say("said meanwhile", count=2)
    await run.complete()
    cursor = [message["cursor"] for message in seen if message["op"] in {"events", "caught_up"}][-1]
    async with connect(token()) as socket:
        await say(socket, "subscribe", conversation="c1", after=cursor, mode="replay")
        seen += await hear_until(socket, "caught_up")
    rest, _ = await read(gateway, last_id, lambda stream: stream.until("caught_up"), {})
    numbers = [frame["seq"] for message in seen if message["op"] == "events" for frame in message["frames"]]
    assert numbers == sorted(set(numbers)) and numbers[-1] - numbers[0] == len(numbers) - 1
    assert text([*streamed, *rest]) == "seen before said meanwhile"


async def test_a_later_token_in_an_auth_message_keeps_the_socket(connect):
    async with connect(brief()) as socket, connect(brief()) as other:
        await say(socket, "auth", token=token())
        assert (await hear_until(socket, "ack"))[-1]["ref"] == "auth"
        for wrong, code in [
            (token("globex"), "tenant_changed"),
            (token(aud="another"), "token_invalid"),
            (token(exp=int(time.time()) - 60), "token_expired"),
        ]:
            await say(other, "auth", token=wrong)
            assert (await hear_until(other, "error"))[-1]["code"] == code
        with pytest.raises(websockets.ConnectionClosed):
            await hear_until(other, "nothing")
        assert other.close_code == Close.EXPIRED
        await say(socket, "ping")
        assert (await hear_until(socket, "pong"))[-1]["op"] == "pong"


# --- tenants

CANARY = "canary-of-acme"


@pytest.fixture
async def run_of_acme(gateway, post, worker):
    """A run of `acme` that asks something and has made an artifact, in the conversation `c1`."""
    await post(CANARY)
    run = await worker.take()
    await run.start()
    await run.write(ev.ArtifactCreated(id=run.id("a"), kind="table", name=CANARY, media_type="text/csv"))
    await run.write(ev.ArtifactDelta(id=run.id("a"), at=0, text=CANARY))
    await run.write(ev.InterruptRequested(id=run.id("i"), prompt=CANARY, kind="input"))
    return run


BODIES = {
    "/v1/conversations/{conversation}/messages": {"text": "x", "id": "mine"},
    "/v1/conversations/{conversation}/interrupts/{interrupt}/resolve": {"decision": "answered", "value": "x"},
    "/v1/conversations/{conversation}": {"title": "mine"},
}


async def test_no_verb_reaches_a_conversation_of_another_tenant(gateway, connect, guarded, run_of_acme):
    ids = {"run": run_of_acme.command.run, "artifact": run_of_acme.id("a"), "interrupt": run_of_acme.id("i")}
    before = (await gateway.client.get("/v1/conversations/c1")).json()
    mine = bearer("globex")
    for path, method in guarded:
        if "{" in path:
            answer = await gateway.client.request(method, filled(path, **ids), headers=mine, json=BODIES.get(path, {}))
            assert answer.status_code == 404 and CANARY not in answer.text, (method, path, answer.text)
            if "{run}" in path:  # by its bare id, which this gateway knows
                answer = await gateway.client.request(method, path.format(run=ids["run"]), headers=mine)
                assert answer.status_code == 404, (method, path, answer.text)
    async with connect(token("globex")) as socket:
        for op, fields in [
            ("subscribe", {}),
            ("send", {"id": "mine", "text": "x"}),
            ("cancel", {"run": ids["run"]}),
            ("resolve", {"interrupt": ids["interrupt"], "decision": "answered", "value": "x"}),
        ]:
            await say(socket, op, conversation="c1", **fields)
            assert (await hear_until(socket, "error"))[-1]["code"].startswith("unknown_"), op
    assert (await gateway.client.get("/v1/conversations", headers=mine)).json()["conversations"] == []
    assert (await gateway.client.get("/v1/conversations/c1")).json() == before


async def test_two_tenants_with_conversations_of_one_name_see_their_own_alone(gateway, connect, run_of_acme, worker):
    mine = bearer("globex")
    await gateway.client.post("/v1/conversations", json={"id": "c1"}, headers=mine)
    await gateway.client.post("/v1/conversations/c1/messages", json={"text": "of globex"}, headers=mine)
    run = await worker.take()
    assert run.command.tenant == "globex"
    async with connect(token("acme")) as theirs, connect(token("globex")) as socket:
        for one in (theirs, socket):
            await say(one, "subscribe", conversation="c1", mode="replay")
        stream = gateway.client.stream("GET", "/v1/conversations/c1/events?mode=replay", headers=mine)
        async with stream as response:
            events = Stream(response)
            heard = [*await hear_until(socket, "caught_up")]
            streamed = await events.until("caught_up")
            theirs_heard = [*await hear_until(theirs, "caught_up")]
            await run_of_acme.say(CANARY)
            await run.play("of globex, too")
            while "run.completed" not in json.dumps(heard[-1]):
                heard += await hear_until(socket, "events")
            while "run.completed" not in json.dumps(streamed[-1].message):
                streamed.append(await events.next())
            while "message.ended" not in json.dumps(theirs_heard[-1]):
                theirs_heard += await hear_until(theirs, "events")
    assert CANARY in json.dumps(theirs_heard) and "globex" not in json.dumps(theirs_heard)
    assert CANARY not in json.dumps(heard) and "of globex, too" in json.dumps(heard)
    assert CANARY.encode() not in events.raw and "of globex, too" in text(streamed)
    for path in (
        "/v1/conversations",
        "/v1/conversations/c1",
        f"/v1/conversations?q={CANARY}",
        "/v1/conversations/c1/export",
    ):
        assert CANARY not in (await gateway.client.get(path, headers=mine)).text


async def test_no_token_is_ever_logged(gateway, connect, capfd, conversation):
    good, bad = token(), token(iss="https://evil.example")
    for one in (good, bad, "e30.e30.e30"):
        headers = {"Authorization": f"Bearer {one}"}
        await gateway.client.get(f"/v1/conversations/{conversation}", headers=headers)
        try:
            async with connect("", wire.JSON_PROTOCOL, f"bearer.{one}") as socket:
                await say(socket, "auth", token=bad)
                await hear_until(socket, "error")
        except websockets.InvalidStatus as refused:
            assert one not in refused.response.body.decode()
    printed = "".join(capfd.readouterr())
    assert not any(part in printed for one in (good, bad) for part in one.split("."))
