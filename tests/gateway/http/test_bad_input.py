import asyncio
import json
import shutil

import pytest

from schemas.cursor import Cursor
from services.broker.memory import MemoryBroker
from services.gateway.settings import Settings
from tests.gateway.http.conftest import running
from tests.gateway.http.sse import Stream
from tests.gateway.http.worker import eventually

MESSAGES = "/v1/conversations/c1/messages"
EVENTS = "/v1/conversations/c1/events"
RESOLVE = "/v1/conversations/c1/interrupts/i1-1/resolve"
DEEP = "[" * 100_000

BAD = [
    ("GET", "/v1/conversations/nowhere", None, 404, "unknown_conversation"),
    ("POST", "/v1/conversations/nowhere/messages", {"text": "hello"}, 404, "unknown_conversation"),
    ("PATCH", "/v1/conversations/nowhere", {"title": "x"}, 404, "unknown_conversation"),
    ("GET", "/v1/conversations/nowhere/events", None, 404, "unknown_conversation"),
    ("GET", "/v1/runs/nowhere.r1", None, 404, "unknown_conversation"),
    ("GET", "/v1/conversations/a.b", None, 400, "invalid_id"),
    ("GET", "/v1/conversations/*", None, 400, "invalid_id"),
    ("GET", "/v1/conversations/%3E", None, 400, "invalid_id"),
    ("GET", "/v1/conversations/" + "x" * 65, None, 400, "invalid_id"),
    ("GET", "/v1/conversations/%00", None, 400, "invalid_id"),
    ("GET", "/v1/runs/a.b.c", None, 400, "invalid_id"),
    ("POST", "/v1/conversations", {"id": "a b"}, 400, "invalid_request"),
    ("POST", "/v1/conversations", {"title": "x" * 201}, 400, "invalid_request"),
    ("POST", "/v1/conversations", {"titel": "x"}, 400, "invalid_request"),
    ("POST", MESSAGES, "{", 400, "malformed"),
    ("POST", MESSAGES, b"\xff\xfe", 400, "malformed"),
    ("POST", MESSAGES, b'{"text": "\xff"}', 400, "malformed"),
    ("POST", MESSAGES, DEEP, 400, "invalid_request"),
    ("POST", RESOLVE, f'{{"decision": "answered", "value": {DEEP}', 400, "malformed"),
    ("POST", MESSAGES, f'{{"text": {DEEP}', 400, "invalid_request"),
    ("POST", MESSAGES, "[]", 400, "invalid_request"),
    ("POST", MESSAGES, {}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": ""}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": 1}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": "x", "agent": "a/b"}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": "x", "multitask": "later"}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": "x", "id": "a.b"}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": "x" * 200_001}, 400, "invalid_request"),
    ("POST", MESSAGES, {"text": "\0" * 60_000}, 413, "too_large"),
    ("POST", MESSAGES, "x" * 10_000_000, 413, "too_large"),
    ("GET", EVENTS + "?after=yesterday", None, 400, "invalid_cursor"),
    ("GET", EVENTS + "?after=zz-1", None, 400, "invalid_cursor"),
    ("GET", EVENTS + "?after=a-99999999999999999999", None, 400, "invalid_cursor"),
    ("GET", EVENTS + "?namespaces=other", None, 400, "invalid_namespace"),
    ("GET", EVENTS + "?namespaces=main/a", None, 400, "invalid_namespace"),
    ("GET", EVENTS + "?namespaces=main" + "/a:1" * 8, None, 400, "invalid_namespace"),
    ("GET", EVENTS + "?" + "&".join(["namespaces=main"] * 17), None, 400, "invalid_request"),
    ("GET", EVENTS + "?mode=backwards", None, 400, "invalid_request"),
    ("GET", EVENTS + "?granularity=words", None, 400, "invalid_request"),
    ("GET", EVENTS + "?wait=3600", None, 400, "invalid_request"),
    ("GET", EVENTS + "?wait=soon", None, 400, "invalid_request"),
    ("GET", "/v1/conversations?limit=0", None, 400, "invalid_request"),
    ("GET", "/v1/conversations?page=garbage", None, 400, "invalid_page"),
    ("GET", "/v1/conversations?page=WzFlMzAsIngiXQ", None, 400, "invalid_page"),
    ("GET", "/v1/conversations?page=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJ4Il0", None, 400, "invalid_page"),
    ("GET", "/v1/nothing", None, 404, "unknown_route"),
    ("GET", "/static/../app.py", None, 404, "unknown_route"),
    ("GET", "/static/%2e%2e/app.py", None, 404, "unknown_route"),
    ("GET", "/static/", None, 404, "unknown_route"),
    ("PUT", "/v1/conversations/c1", None, 405, "method_not_allowed"),
    ("PUT", "/v1/conversations", None, 405, "method_not_allowed"),
]


@pytest.fixture(scope="module")
async def place(empty_archive, tmp_path_factory, ending):
    """A client of a gateway with the conversation c1, the same for all mistakes: none of them changes anything."""
    path = shutil.copy(empty_archive, tmp_path_factory.mktemp("place") / "archive.sqlite3")
    settings = Settings(database_url=f"sqlite+aiosqlite:///{path}")
    async with running(MemoryBroker(), settings, ending, [], {}) as gateway:
        await gateway.client.post("/v1/conversations", json={"id": "c1"})
        yield gateway.client


def _name(value):
    return str(value)[:40] if not isinstance(value, bytes) else value.hex()[:20]


@pytest.mark.parametrize("mistake", BAD, ids=lambda mistake: " ".join(map(_name, mistake)))
async def test_each_mistake_has_its_own_answer(place, mistake):
    method, path, body, status, code = mistake
    content = json.dumps(body) if isinstance(body, dict) else body

    answer = await place.request(method, path, content=content)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(answer.json()) <= {"code", "message", "retryable"}
    assert 0 < len(answer.json()["message"]) < 400
    assert answer.headers["content-type"] == "application/json"


async def test_a_wrong_field_is_named(client, conversation):
    in_body = await client.post(MESSAGES, json={"text": "x", "multitask": 1})
    in_query = await client.get("/v1/conversations", params={"limit": "many"})

    assert "multitask" in in_body.json()["message"]
    assert "limit" in in_query.json()["message"]


async def test_a_cursor_from_the_future_is_refused(client, post):
    cursor = Cursor(*(await post("hello"))["cursor"].rsplit("-", 1))
    future = f"{cursor.epoch}-{int(cursor.seq) + 1000}"

    answer = await client.get(EVENTS, params={"after": future})

    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_from_future")


async def test_nobody_else_notices(client, conversation, worker):
    """All of it at once, beside a stream that goes on unharmed."""
    async with client.stream("POST", MESSAGES, json={"text": "hello"}, headers={"Accept": "text/event-stream"}) as one:
        stream = Stream(one)
        await stream.until("caught_up")
        run = await worker.take()
        contents = [json.dumps(body) if isinstance(body, dict) else body for _, _, body, _, _ in BAD]
        requests = (
            client.request(method, path, content=content)
            for (method, path, *_), content in zip(BAD, contents, strict=True)
        )
        answers, _ = await asyncio.gather(asyncio.gather(*requests), run.play("still ", "here"))
        events = await stream.rest()

    assert [answer.status_code for answer in answers] == [status for *_, status, _ in BAD]
    assert events[-1].message["frames"][-1]["events"][-1]["type"] == "run.completed"


async def test_a_body_without_a_length_is_cut_at_the_limit_and_the_connection_lives(gateway, conversation):
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {MESSAGES} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(40):  # 2.5 MiB, whatever has been answered meanwhile
        writer.write(chunk)
        await writer.drain()
    writer.write(b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    first = await _response(reader)
    second = await _response(reader)
    writer.close()

    assert first[0].startswith(b"HTTP/1.1 413")
    assert json.loads(first[1])["code"] == "too_large"
    assert second[0].startswith(b"HTTP/1.1 200")


async def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(gateway, conversation):
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {MESSAGES} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10000000\r\n\r\n".encode())
    status, body = await _response(reader)
    writer.close()

    assert status.startswith(b"HTTP/1.1 413")
    assert json.loads(body)["code"] == "too_large"


async def test_who_leaves_in_the_middle_of_a_body_is_no_error_of_ours(gateway, client, conversation, capsys):
    async def answering(requests):
        return f"anabranch_http_requests_open {requests}.0" in (await client.get("/metrics")).text

    host, port = gateway.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {MESSAGES} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n{{".encode())
    await eventually(lambda: answering(2))
    writer.close()
    await eventually(lambda: answering(1))

    assert "error" not in "".join(capsys.readouterr())


async def test_what_nobody_expected_is_logged_and_not_told(client, gateway, conversation, monkeypatch, capsys):
    async def explode(*_, **__):
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(gateway.broker, "append", explode)

    answer = await client.post(MESSAGES, json={"text": "hello"})

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "secret of the house" in "".join(capsys.readouterr())


async def _response(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    return head.split(b"\r\n")[0], await reader.readexactly(length)
