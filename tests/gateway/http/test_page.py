import gzip

import httpx2
import pytest
from fastapi import FastAPI

from services.gateway import errors, page

SCRIPT = b"console.log('rivers')" * 20


@pytest.fixture
def web(tmp_path):
    """The folder of a page that is built."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<!doctype html><script src=/assets/a-1f.js></script>")
    (assets / "a-1f.js").write_bytes(SCRIPT)
    (assets / "a-1f.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "a-1f.js.br").write_bytes(b"what brotli makes of it")
    (assets / "plain.css").write_text("p {}")
    (assets / "letters.woff2").write_bytes(b"wOF2")
    return tmp_path


@pytest.fixture
async def client(web):
    app = FastAPI(redirect_slashes=False)
    errors.install(app)
    page.install(app, web)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


async def test_the_page_is_asked_for_each_time_and_its_named_files_once_for_good(client):
    index = await client.get("/")
    script = await client.get("/assets/a-1f.js")

    assert (index.status_code, index.headers["cache-control"]) == (200, "no-cache")
    assert index.headers["content-type"].startswith("text/html")
    assert script.content == SCRIPT
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (
        script.headers["content-type"].startswith("text/javascript") or "javascript" in script.headers["content-type"]
    )
    assert (await client.get("/assets/letters.woff2")).headers["content-type"] == "font/woff2"


@pytest.mark.parametrize("path", ["/", "/assets/a-1f.js", "/assets/plain.css"])
async def test_all_of_the_page_is_under_one_strict_policy(client, path):
    headers = (await client.get(path)).headers

    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br; q=0.00, gzip; q=0", None),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
async def test_a_file_leaves_as_the_smallest_form_that_the_client_takes(client, accepted, coding):
    request = client.build_request("GET", "/assets/a-1f.js", headers={"Accept-Encoding": accepted})
    answer = await client.send(request, stream=True)
    sent = b"".join([part async for part in answer.aiter_raw()])

    forms = {"br": b"what brotli makes of it", None: SCRIPT}
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "javascript" in answer.headers["content-type"]
    assert (gzip.decompress(sent) if coding == "gzip" else sent) == forms.get(coding, SCRIPT)


async def test_a_file_without_a_compressed_form_leaves_as_it_is(client):
    answer = await client.get("/assets/plain.css", headers={"Accept-Encoding": "br, gzip"})

    assert (answer.text, answer.headers.get("content-encoding")) == ("p {}", None)


async def test_a_file_that_a_browser_has_in_one_form_is_not_sent_again_in_that_form(client):
    plain = await client.get("/assets/a-1f.js")
    again = await client.get("/assets/a-1f.js", headers={"If-None-Match": plain.headers["etag"]})
    other = await client.head(
        "/assets/a-1f.js", headers={"If-None-Match": plain.headers["etag"], "Accept-Encoding": "br"}
    )

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/", "/assets/../index.html", "/assets/%2e%2e/index.html"])
async def test_what_is_not_among_the_files_is_not_found_and_not_kept(client, path):
    answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_route")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_page_that_is_not_built_says_in_a_sentence_how_to_build_it(client, web):
    (web / "dist").rename(web / "gone")
    index, script = await client.get("/"), await client.get("/assets/a-1f.js")
    (web / "gone").rename(web / "dist")

    assert (index.status_code, index.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert "make web" in index.text and index.text.count("\n") == 1
    assert index.headers["cache-control"] == "no-store"
    assert script.status_code == 404
    assert (await client.get("/")).status_code == 200


async def test_the_source_of_the_page_is_not_served(client, web):
    (web / "package.json").write_text("{}")

    for path in ("assets/../package.json", "assets/%2e%2e/%2e%2e/package.json", "package.json", "dist/index.html"):
        assert (await client.get(f"/{path}")).status_code == 404
