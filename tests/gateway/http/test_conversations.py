from tests.gateway.http.worker import eventually


async def test_a_conversation_without_an_id_gets_one(client):
    made = await client.post("/v1/conversations", json={})

    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/conversations/{made.json()['id']}"
    assert (await client.get(made.headers["location"])).json()["transcript"]["conversation"] == made.json()["id"]


async def test_a_body_may_be_left_out_where_nothing_is_required(client):
    assert (await client.post("/v1/conversations")).status_code == 201


async def test_making_a_conversation_twice_leaves_the_first_as_it_is(client):
    first = await client.post("/v1/conversations", json={"id": "c1", "title": "Rivers"})
    second = await client.post("/v1/conversations", json={"id": "c1", "title": "Lakes"})

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {"id": "c1", "title": "Rivers"}


async def test_a_new_conversation_is_in_the_list_before_it_has_a_run(client, persister):
    await client.post("/v1/conversations", json={"id": "c1", "title": "Rivers"})

    async def listed():
        return (await client.get("/v1/conversations")).json()["conversations"]

    rows = await eventually(listed)
    assert [(row["id"], row["title"], row["runs"]) for row in rows] == [("c1", "Rivers", 0)]


async def test_the_list_is_paged_and_searched_by_title(client, persister):
    for number in range(5):
        await client.post("/v1/conversations", json={"id": f"c{number}", "title": f"Part {number}"})

    async def listed():
        return len((await client.get("/v1/conversations")).json()["conversations"]) == 5

    await eventually(listed)
    first = (await client.get("/v1/conversations", params={"limit": 3})).json()
    second = (await client.get("/v1/conversations", params={"limit": 3, "page": first["next"]})).json()
    found = (await client.get("/v1/conversations", params={"q": "part 4"})).json()
    assert {row["id"] for row in first["conversations"] + second["conversations"]} == {f"c{n}" for n in range(5)}
    assert (len(first["conversations"]), second["next"]) == (3, "")
    assert [row["id"] for row in found["conversations"]] == ["c4"]


async def test_the_first_message_gives_the_title_and_a_rename_another(client, conversation, post, persister):
    async def title():
        rows = (await client.get("/v1/conversations")).json()["conversations"]
        return rows[0]["title"] if rows else None

    await post("Where do rivers fork?\nTell me.")
    await eventually(lambda: _is(title, "Where do rivers fork?"))
    renamed = await client.patch(f"/v1/conversations/{conversation}", json={"title": "Rivers"})

    assert renamed.json() == {"id": conversation, "title": "Rivers"}
    await eventually(lambda: _is(title, "Rivers"))


async def test_a_transcript_comes_with_the_cursor_it_stands_at(client, conversation, post, worker):
    posted = await post("hello", id="u1")
    last = await (await worker.take()).play("Hi ", "there")

    async def over():
        state = (await client.get(f"/v1/conversations/{conversation}")).json()
        return state if state["cursor"].endswith(f"-{last}") else None

    state = await eventually(over)
    contents = [(item["id"], item["role"], item["content"]) for item in state["transcript"]["items"]]
    assert contents == [("u1", "user", "hello"), ("m2-1", "assistant", "Hi there")]
    assert [(run["id"], run["status"]) for run in state["transcript"]["runs"]] == [(posted["run"], "completed")]


async def _is(read, wanted):
    return await read() == wanted
