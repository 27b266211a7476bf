import hashlib

import pytest

from schemas import events as ev
from services.gateway.artifacts import content_headers, disposition, matches, passive_type
from tests.gateway.http.worker import eventually

BODY = "a,b\n1,2\n"
DIGEST = hashlib.sha256(BODY.encode()).hexdigest()


@pytest.fixture
async def run(post, worker):
    await post("draw")
    run = await worker.take()
    await run.start()
    return run


async def create(client, run, name="t.csv", media_type="text/csv"):
    """An artifact half written; returns its path."""
    await run.write(ev.ArtifactCreated(id=run.id("a"), kind="table", name=name, media_type=media_type))
    await run.write(ev.ArtifactDelta(id=run.id("a"), at=0, text=BODY[:4]))
    path = f"/v1/artifacts/c1.{run.id('a')}"

    async def there():
        return (await client.get(path + "/versions/1/content")).text == BODY[:4]

    await eventually(there)
    return path


async def finish(client, run, path, **content):
    final = ev.ArtifactFinal(id=run.id("a"), version=1, digest=DIGEST, size=len(BODY), **content)
    await run.write(final)

    async def is_final():
        return (await client.get(path)).json()["versions"][0]["status"] == "final"

    await eventually(is_final)


async def test_an_artifact_can_be_read_while_it_grows_and_is_not_cached_then(client, run):
    path = await create(client, run)

    content = await client.get(f"{path}/versions/1/content")
    details = (await client.get(path)).json()

    assert content.text == BODY[:4]
    assert content.headers["cache-control"] == "no-store"
    assert "etag" not in content.headers
    assert (details["conversation"], details["name"], details["status"]) == ("c1", "t.csv", "open")


async def test_a_final_version_is_immutable_and_known_by_its_digest(client, run):
    path = await create(client, run)
    await run.write(ev.ArtifactDelta(id=run.id("a"), at=4, text=BODY[4:]))
    await finish(client, run, path)

    content = await client.get((await client.get(path)).json()["versions"][0]["content"])
    known = await client.get(f"{path}/versions/1/content", headers={"If-None-Match": f'"x", "{DIGEST}"'})

    assert content.text == BODY
    assert content.headers["etag"] == f'"{DIGEST}"'
    assert "immutable" in content.headers["cache-control"]
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", f'"{DIGEST}"')


async def test_large_content_comes_from_the_object_store_and_is_checked(client, run, broker):
    path = await create(client, run)
    await broker.put_object("big", BODY.encode())
    await finish(client, run, path, ref="big")
    whole = await client.get(f"{path}/versions/1/content")
    await broker.put_object("big", b"something else")

    broken = await client.get(f"{path}/versions/1/content")

    assert whole.content == BODY.encode()
    assert (broken.status_code, broken.json()["code"]) == (500, "artifact_corrupt")


async def test_html_is_bytes_to_be_saved_and_runs_nothing(client, run):
    path = await create(client, run, "page.html", "text/html")

    headers = (await client.get(f"{path}/versions/1/content")).headers

    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment;")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("media_type", "served"),
    [
        ("text/html", "text/html; charset=utf-8"),
        ("Text/HTML; charset=utf-7", "text/html; charset=utf-8"),
        ("image/svg+xml", "image/svg+xml; charset=utf-8"),
    ],
)
async def test_a_view_of_html_and_svg_may_do_nothing_but_be_seen(client, run, media_type, served):
    path = await create(client, run, "page", media_type)

    view = await client.get(f"{path}/versions/1/view")

    policy = dict((part.strip() + " ").split(" ", 1) for part in view.headers["content-security-policy"].split(";"))
    assert {name: values.strip() for name, values in policy.items()} == {
        "sandbox": "",
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
    }
    assert (view.text, view.headers["content-type"]) == (BODY[:4], served)
    assert view.headers["x-content-type-options"] == "nosniff"
    assert view.headers["content-disposition"].startswith("inline;")
    assert view.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif", "image/webp"])
async def test_an_image_is_viewed_as_what_it_is_called_and_not_as_what_it_looks_like(client, run, media_type):
    path = await create(client, run, "river", media_type)
    await finish(client, run, path, content=BODY)

    view = await client.get(f"{path}/versions/1/view")
    again = await client.get(f"{path}/versions/1/view", headers={"If-None-Match": view.headers["etag"]})

    assert (view.headers["content-type"], view.headers["x-content-type-options"]) == (media_type, "nosniff")
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xhtml+xml", "application/pdf", "text/xml", ""])
async def test_what_is_neither_markup_nor_an_image_has_no_view(client, run, media_type):
    path = await create(client, run, "t", media_type)

    view = await client.get(f"{path}/versions/1/view")

    assert (view.status_code, view.json()["code"]) == (404, "not_viewable")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("c1.a9-9", 404, "unknown_artifact"),
        ("nowhere.a1-1", 404, "unknown_conversation"),
        ("a1-1", 400, "invalid_id"),
        ("c1.a*1", 400, "invalid_id"),
        ("c1.a9-9/versions/0/content", 400, "invalid_request"),
        ("c1.a9-9/versions/one/content", 400, "invalid_request"),
        ("c1.a9-9/versions/1/view", 404, "unknown_artifact"),
    ],
)
async def test_what_is_no_artifact_is_refused(client, conversation, path, status, code):
    answer = await client.get(f"/v1/artifacts/{path}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_version_that_was_not_made_is_unknown(client, run):
    path = await create(client, run)

    answer = await client.get(f"{path}/versions/2/content")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_version")


# --- the rules alone


@pytest.mark.parametrize(
    ("declared", "served"),
    [
        ("text/plain", "text/plain; charset=utf-8"),
        ("Text/Markdown; charset=latin-1", "text/markdown; charset=utf-8"),
        ("application/vnd.vegalite.v5+json", "application/vnd.vegalite.v5+json"),
        ("image/png", "image/png"),
        ("image/svg+xml", ""),
        ("text/html", ""),
        ("application/xhtml+xml", ""),
        ("application/pdf", ""),
        ("text/html+json\r\nX-Evil: 1", ""),
        ("application/x\r\nX-Evil: 1+json", ""),
        ("", ""),
    ],
)
def test_only_known_passive_types_are_served_as_what_they_are(declared, served):
    assert passive_type(declared) == served


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("t.csv", "inline; filename=\"t.csv\"; filename*=UTF-8''t.csv"),
        ("Flüsse 1.md", "inline; filename=\"Fl_sse 1.md\"; filename*=UTF-8''Fl%C3%BCsse%201.md"),
        ('a"b\r\nSet-Cookie: x', "inline; filename=\"a_b__Set-Cookie_ x\"; filename*=UTF-8''a_b__Set-Cookie_%20x"),
        ("../../etc/passwd", "inline; filename=\"_.._etc_passwd\"; filename*=UTF-8''_.._etc_passwd"),
        ("", "inline; filename=\"artifact\"; filename*=UTF-8''artifact"),
    ],
)
def test_a_name_becomes_a_file_name_and_nothing_else(name, header):
    assert disposition("inline", name) == header


def test_a_version_without_a_digest_matches_no_etag():
    assert not matches("*", "")
    assert matches("*", DIGEST) and matches(f'W/"{DIGEST}"', DIGEST)
    assert "ETag" not in content_headers("a", "text/plain", digest="")
