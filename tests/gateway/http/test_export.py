import base64
import hashlib
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from schemas import events as ev
from schemas.errors import ErrorBody
from schemas.transcript import (
    Agent,
    Artifact,
    ArtifactVersion,
    Interrupt,
    LogEntry,
    Message,
    Plan,
    Reasoning,
    RunState,
    Source,
    State,
    Step,
    ToolCall,
    Transcript,
)
from services.gateway import api_export
from services.gateway.export import fenced, inline, markdown
from tests.gateway.http.worker import eventually

URL = "/v1/conversations/c1/export"

# --- the Markdown alone

PIECES = [
    "```",
    "````",
    "~~~",
    "`",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "> ",
    "# ",
    "## You",
    "- ",
    "    ",
    "\t",
    "---",
    "===",
    "<!--",
]
PIECES += [
    "-->",
    "<script>",
    "<div>",
    "</div>",
    "[a]: /b",
    "[a]",
    "](",
    "![",
    "**",
    "_",
    "|",
    "\\",
    "&lt;",
    "x",
    "é🌊",
    "\x00",
    "1. ",
]

texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20)
spaces = st.sampled_from(["main", "main/research:1", "main/research:1/reader:2"])


@st.composite
def transcripts(draw):
    run = {"run": "r1", "ns": draw(spaces)}
    items = draw(
        st.lists(
            st.one_of(
                st.builds(lambda t: Message(id="m", role="user", content=t, run="r1"), texts),
                st.builds(lambda t: Message(id="m", role="assistant", content=t, started=1, **run), texts),
                st.builds(lambda t: Reasoning(id="m", content=t, **run), texts),
                st.builds(
                    lambda a, b, c: ToolCall(
                        id="m", name=a, title=b, args={c: c}, result=c, error=ErrorBody(code="c", message=b), **run
                    ),
                    texts,
                    texts,
                    texts,
                ),
                st.builds(lambda a, b: ToolCall(id="m", name=a, args_text=b, result={a: b}, **run), texts, texts),
                st.builds(lambda a, b: Agent(id="m", name=a, description=b, **run), texts, texts),
                st.builds(
                    lambda a, b, c: Artifact(
                        id="m", kind="k", name=a, media_type=b, versions=[ArtifactVersion(version=1, content=c)], **run
                    ),
                    texts,
                    texts,
                    texts,
                ),
                st.builds(lambda a, b: Source(id="m", url=a, title=b, quote=a, **run), texts, texts),
                st.builds(lambda a: LogEntry(id="m", level=a, text=a, **run), texts),
                st.builds(lambda a: Step(id="m", name=a, **run), texts),
                st.builds(lambda a: Plan(id="m", items=[ev.PlanItem(text=a)], **run), texts),
                st.builds(lambda a: State(id="m", value={"a": a}, **run), texts),
                st.builds(lambda a: Interrupt(id="m", kind="choice", prompt=a, options=[a], value=a, **run), texts),
            ),
            max_size=5,
        )
    )
    title = draw(texts)
    return Transcript(conversation="c1", title=title, runs=[RunState(id="r1", agent=title or "a")], items=items)


def outline(text):
    """The headings outside all quotes, and the fences of the document with the quotes that each stands in."""
    quotes, headings, fences = 0, [], []
    for token, following in zip(tokens := MarkdownIt("commonmark").parse(text), [*tokens[1:], None], strict=True):
        match token.type:
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "heading_open" if quotes == 0:
                headings.append((token.tag, following.content))
            case "fence":
                fences.append((quotes, token.content))
    return headings, fences


@given(transcripts())
def test_no_text_ends_the_place_it_was_put_in(transcript):
    headings, _ = outline(markdown(transcript))

    spoken = [
        item for item in transcript.items if isinstance(item, Message) and (item.role == "user" or item.ns == "main")
    ]
    expected = [("h2", "You" if item.role == "user" else None) for item in spoken]
    assert len(headings) == len(expected) + 2
    assert (headings[0][0], headings[-1]) == ("h1", ("h2", "Runs"))
    for (tag, content), (wanted, who) in zip(headings[1:-1], expected, strict=True):
        assert tag == wanted
        assert who is None or content == who


@given(texts)
def test_the_content_of_an_artifact_is_one_fence_with_just_that_content(content):
    artifact = Artifact(
        id="a", run="r", ns="main/a:1/b:1", kind="k", name="n", media_type="text/html",
        versions=[ArtifactVersion(version=1), ArtifactVersion(version=2, content=content)],
    )  # fmt: skip
    _, fences = outline(markdown(Transcript(conversation="c", items=[artifact])))

    shown = content.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    assert fences == [(2, shown if shown.endswith("\n") or not shown else shown + "\n")]


@given(texts)
def test_a_name_is_one_line_that_says_itself(name):
    (paragraph,) = [t for t in MarkdownIt("commonmark").parse(f"x {inline(name)} y") if t.type == "inline"]

    assert {child.type for child in paragraph.children} <= {"text"}
    shown = "".join(child.content for child in paragraph.children)
    assert shown.split() == ["x", *re.sub("[\x00-\x1f\x7f-\x9f]", " ", name).split(), "y"]


def test_a_fence_is_longer_than_any_in_it():
    assert fenced("a\n````\nb", "csv") == ["`````csv", "a", "````", "b", "`````"]
    assert fenced("")[0] == "```"


def test_who_is_called_by_another_is_quoted_below_what_called_it():
    text = markdown(
        Transcript(
            conversation="c1",
            title="Rivers",
            created=1_000,
            runs=[
                RunState(id="r1", agent="team", status="failed", error=ErrorBody(code="model_failed", message="No."))
            ],
            items=[
                Message(id="u1", run="r1", role="user", content="Why?\nTell *me*.", started=61_000),
                Message(id="m1", run="r1", ns="main/research:1", role="assistant", content="Because."),
                ToolCall(
                    id="t1", run="r1", ns="main/research:1/reader:1", name="search", args={"q": "river"}, result=2
                ),
                Message(id="m2", run="r1", role="assistant", content="So."),
            ],
        )
    )

    assert text == (
        "# Rivers\n\nConversation c1, begun 1970-01-01 00:00:01 UTC.\n\n"
        "## You (1970-01-01 00:01:01 UTC)\n\n> Why?\n> Tell *me*.\n\n"
        "> ### research\n>\n> > Because.\n\n"
        "> > **research / reader · Tool search** (open)\n>>\n"
        '> > ```json\n> > {\n> >   "q": "river"\n> > }\n> > ```\n>>\n> > Result:\n>>\n'
        "> > ```json\n> > 2\n> > ```\n\n"
        "## team\n\n> So.\n\n"
        "## Runs\n\n- team: failed. Error model\\_failed: No.\n"
    )


# --- over HTTP


@pytest.fixture
async def run(client, post, worker, broker):
    """A run with a streamed, a referred text and a binary artifact."""
    await post("Draw\nit", id="u1")
    run = await worker.take()
    await run.start()
    await run.say("Here ", "it is.")
    for number, data in enumerate([b"a,b\n", b"x" * 10, b"\xff\xfe"], start=1):
        name = run.id("a", number)
        await run.write(ev.ArtifactCreated(id=name, kind="table", name=f"t{number}", media_type="text/csv"))
        content = {"content": data.decode()} if number == 1 else {"ref": f"o{number}"}
        digest = hashlib.sha256(data).hexdigest()
        await broker.put_object(f"o{number}", data)
        await run.write(ev.ArtifactFinal(id=name, version=1, digest=digest, size=len(data), **content))
    await run.complete()

    async def over():
        return (await client.get("/v1/conversations/c1")).json()["transcript"]["runs"][0]["status"] == "completed"

    await eventually(over)
    return run


async def test_the_json_is_the_transcript_with_all_contents_in_it(client, run):
    answer = await client.get(URL)
    state = (await client.get("/v1/conversations/c1")).json()

    export = answer.json()
    assert (export["version"], export["id"], export["cursor"]) == (1, "c1", state["cursor"])
    assert export["objects"] == {"o3": base64.b64encode(b"\xff\xfe").decode()}
    transcript = msgspec.convert(export["transcript"], Transcript)
    contents = [item.versions[0].content for item in transcript.items if isinstance(item, Artifact)]
    assert contents == ["a,b\n", "x" * 10, None]
    before = msgspec.convert(state["transcript"], Transcript)
    assert [item.id for item in transcript.items] == [item.id for item in before.items]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"].startswith('attachment; filename="Draw.json"')


async def test_the_markdown_is_a_file_to_be_saved_under_the_title(client, run):
    await client.patch("/v1/conversations/c1", json={"title": '../Flüsse "1"\n<x>'})
    answer = await client.get(URL, params={"format": "markdown"})

    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_Fl_sse _1___x_.md\"; filename*=UTF-8''_Fl%C3%BCsse%20_1___x_.md"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "## assistant" in answer.text and "> Here it is." in answer.text
    assert "```csv\nxxxxxxxxxx\n```" in answer.text


async def test_a_content_that_is_gone_or_too_much_is_left_a_reference(monkeypatch, client, core, run):
    del core.objects["o2"]
    gone = (await client.get(URL)).json()
    monkeypatch.setattr(api_export, "OBJECTS_BYTES_MAX", 1)
    small = (await client.get(URL)).json()

    assert gone["objects"] and not small["objects"]
    for export in (gone, small):
        versions = [item["versions"][0] for item in export["transcript"]["items"] if item["type"] == "artifact"]
        assert versions[1]["ref"] == "o2" and versions[1]["content"] is None


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/conversations/nowhere/export", 404, "unknown_conversation"),
        (URL + "?format=pdf", 400, "invalid_request"),
    ],
)
async def test_what_cannot_be_exported_is_refused(client, conversation, path, status, code):
    answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
