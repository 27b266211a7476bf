import msgspec
import pytest
import websockets

from schemas import events as ev
from schemas import wire
from schemas.commands import InputAppended
from tests.gateway.http.worker import eventually


async def ask(client, post, worker, **question):
    """A run that asks; returns it when the gateway knows."""
    await post("hello")
    run = await worker.take()
    await run.start()
    await run.write(ev.InterruptRequested(id=run.id("i"), prompt="May I?", **question))

    async def known():
        items = (await client.get("/v1/conversations/c1")).json()["transcript"]["items"]
        return any(item["type"] == "interrupt" for item in items)

    await eventually(known)
    return run


def url(run):
    return f"/v1/conversations/c1/interrupts/{run.id('i')}/resolve"


async def test_an_answer_is_stored_and_the_run_is_told(client, post, worker, broker):
    run = await ask(client, post, worker, kind="approval", tool="delete", args={"path": "a"})
    heard = []
    await broker.on_control(run.command.run, heard.append)

    answer = await client.post(url(run), json={"decision": "approved", "value": {"path": "b"}})
    again = await client.post(url(run), json={"decision": "approved", "value": {"path": "b"}})

    expected = {"conversation": "c1", "interrupt": run.id("i"), "run": run.command.run}
    assert (answer.status_code, again.status_code, answer.json()) == (202, 202, expected)
    assert heard == [InputAppended(), InputAppended()]
    items = (await client.get("/v1/conversations/c1")).json()["transcript"]["items"]
    assert [(i["decision"], i["value"]) for i in items if i["type"] == "interrupt"] == [("approved", {"path": "b"})]


async def test_another_answer_comes_too_late(client, post, worker):
    run = await ask(client, post, worker, kind="approval")
    await client.post(url(run), json={"decision": "approved"})

    late = await client.post(url(run), json={"decision": "denied"})

    assert (late.status_code, late.json()["code"]) == (409, "already_resolved")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ({"kind": "approval"}, {"decision": "answered", "value": "yes"}),
        ({"kind": "input"}, {"decision": "approved"}),
        ({"kind": "choice", "options": ["red", "blue"]}, {"decision": "answered", "value": "green"}),
    ],
)
async def test_an_answer_must_be_one_to_the_question(client, post, worker, question, answer):
    run = await ask(client, post, worker, **question)

    refused = await client.post(url(run), json=answer)

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ('"' + "x" * 50_000 + '"', (413, "too_large")),
        ("[" * 65 + "]" * 65, (400, "invalid_request")),
        ('{"a":' * 900 + "1" + "}" * 900, (400, "invalid_request")),
    ],
    ids=["large", "deep", "very deep"],
)
async def test_an_answer_that_no_event_could_carry_is_refused(client, post, worker, value, refusal):
    run = await ask(client, post, worker, kind="input")

    refused = await client.post(url(run), content=f'{{"decision": "answered", "value": {value}}}')
    deepest = await client.post(url(run), content=f'{{"decision": "answered", "value": {"[" * 64}1{"]" * 64}}}')

    assert (refused.status_code, refused.json()["code"]) == refusal
    assert deepest.status_code == 202


@pytest.mark.parametrize(
    ("value", "code"), [(msgspec.msgpack.Ext(5, b"x"), "invalid_request"), (b"bytes", None), (float("nan"), None)]
)
async def test_an_answer_in_messagepack_is_stored_as_json_has_it_or_refused(gateway, post, worker, value, code):
    run = await ask(gateway.client, post, worker, kind="input")
    answer = wire.Resolve(conversation="c1", interrupt=run.id("i"), decision="answered", value=value)
    socket = websockets.connect(f"ws{gateway.url[4:]}/v1/ws", subprotocols=[wire.MSGPACK_PROTOCOL])
    async with socket as connection:
        said = []
        for _ in range(2):
            await connection.send(msgspec.msgpack.encode(answer))
            said.append(msgspec.msgpack.decode(await connection.recv()))

    assert [one.get("code") for one in said] == [code, code]


async def test_an_unknown_interrupt_cannot_be_answered(client, conversation):
    answer = await client.post("/v1/conversations/c1/interrupts/i1-1/resolve", json={"decision": "approved"})

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_interrupt")
