import asyncio

from schemas import subjects
from schemas.codec import decode_frame
from services.broker.memory import MemoryBroker

MESSAGES = "/v1/conversations/c1/messages"
IN_LANE = subjects.event(0, "default", "c1", "in")


class _Together(MemoryBroker):
    """Holds back the first append of each until all of `barrier` are about to append: all have decided on the same lane."""

    def __init__(self, core, barrier):
        super().__init__(core)
        self._barrier = barrier
        self.fenced = 0

    async def append(self, subject, data, **fence):
        barrier, self._barrier = self._barrier, None
        if barrier is not None:
            await barrier.wait()
        try:
            return await super().append(subject, data, **fence)
        except Exception:
            self.fenced += 1
            raise


async def racing(core, start, *bodies):
    """Each body is posted through a gateway of its own, decided at the same time; returns the brokers and the answers."""
    first = await start()
    await first.client.post("/v1/conversations", json={"id": "c1"})
    barrier = asyncio.Barrier(len(bodies))
    brokers = [_Together(core, barrier) for _ in bodies]
    gateways = [await start(broker) for broker in brokers]
    posts = (gateway.client.post(MESSAGES, json=body) for gateway, body in zip(gateways, bodies, strict=True))
    return brokers, await asyncio.gather(*posts)


async def messages(broker):
    """(run, after) of each message on the `in` lane."""
    batch = await broker.read(0, IN_LANE, 0)
    frames = [decode_frame(record.data) for record in batch.records]
    return [(frame.run, frame.events[1].after) for frame in frames if len(frame.events) == 2]


async def test_one_message_posted_through_two_gateways_at_once_makes_one_run(core, start, broker, worker):
    body = {"id": "u1", "text": "hello"}

    brokers, answers = await racing(core, start, body, body)

    assert sum(broker.fenced for broker in brokers) == 1
    assert [answer.status_code for answer in answers] == [202, 202]
    assert sorted(answer.json()["attached"] for answer in answers) == [False, True]
    run = answers[0].json()["run"]
    assert answers[1].json()["run"] == run
    assert await messages(broker) == [(run, "")]
    assert (await worker.take()).command.run == run
    assert await worker.idle()


async def test_messages_racing_through_four_gateways_form_one_chain_and_one_starts(core, start, broker, worker):
    _, answers = await racing(core, start, *({"text": f"message {number}"} for number in range(4)))

    runs = {answer.json()["run"] for answer in answers}
    chain = await messages(broker)
    assert len(runs) == 4
    assert [after for _, after in chain] == ["", *(run for run, _ in chain[:-1])]
    assert {run for run, _ in chain} == runs
    assert (await worker.take()).command.run == chain[0][0]
    assert await worker.idle()


async def test_of_two_that_refuse_to_wait_one_is_refused(core, start, broker):
    body = {"text": "hello", "multitask": "reject"}

    _, answers = await racing(core, start, body, body)

    assert sorted(answer.status_code for answer in answers) == [202, 409]
    assert len(await messages(broker)) == 1


async def test_a_conversation_made_through_two_gateways_at_once_begins_once(core, start, broker):
    barrier = asyncio.Barrier(2)
    gateways = [await start(_Together(core, barrier)) for _ in range(2)]

    answers = await asyncio.gather(*(one.client.post("/v1/conversations", json={"id": "c1"}) for one in gateways))

    assert sorted(answer.status_code for answer in answers) == [200, 201]
    assert len((await broker.read(0, IN_LANE, 0)).records) == 1
