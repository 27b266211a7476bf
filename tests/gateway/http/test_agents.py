from schemas.commands import AgentCard


async def test_the_agents_are_those_that_workers_have_announced(client, broker):
    await broker.announce_agents([AgentCard(name="team", description="Several."), AgentCard(name="assistant")])

    answer = await client.get("/v1/agents")

    assert answer.json() == {
        "agents": [{"name": "assistant", "description": ""}, {"name": "team", "description": "Several."}],
        "default": "assistant",
    }


async def test_where_no_worker_has_been_the_list_is_empty_and_says_who_is_asked_by_default(client):
    assert (await client.get("/v1/agents")).json() == {"agents": [], "default": "assistant"}


async def test_a_message_that_names_nobody_asks_the_default(client, post, worker):
    await post("hello")

    assert (await worker.take()).command.agent == (await client.get("/v1/agents")).json()["default"]


async def test_agents_are_not_known_while_the_broker_is_away(gateway, client):
    gateway.broker.interrupt()
    answer = await client.get("/v1/agents")
    gateway.broker.restore()

    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
