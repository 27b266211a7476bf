"""What a real browser makes of an artifact's view that tries to run and to fetch all it can."""

import asyncio

import pytest
from playwright.async_api import async_playwright

from schemas import events as ev
from tests.gateway.http.worker import eventually
from tests.web.chromium import find


def hostile(url):
    return f"""<!doctype html><html><head>
<meta http-equiv="refresh" content="0;url={url}/refresh">
<link rel="stylesheet" href="{url}/sheet"><link rel="preload" href="{url}/preload" as="script">
<link rel="preconnect" href="{url}"><link rel="prefetch" href="{url}/prefetch">
<style>@import url({url}/import); h1 {{ color: rgb(1, 2, 3) }} body {{ background: url({url}/background) }}
@font-face {{ font-family: f; src: url({url}/font) }} h1 {{ font-family: f }}</style>
<script>document.title = "ran"; fetch("{url}/fetch")</script><script src="{url}/script"></script></head>
<body onload="document.title = 'ran'"><h1>Rivers</h1>
<img src="{url}/image" onerror="document.title = 'ran'"><img src="x" onerror="document.title = 'ran'">
<iframe src="{url}/frame"></iframe><object data="{url}/object"></object><embed src="{url}/embed">
<video src="{url}/video" autoplay></video><form action="{url}/form"><input autofocus onfocus="this.form.submit()"></form>
<svg><script>document.title = "ran"</script><image href="{url}/svg"/></svg></body></html>"""


@pytest.fixture
async def elsewhere():
    """The URL of a server of another origin, and what it was asked."""
    asked = []

    async def answer(reader, writer):
        asked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@pytest.fixture
async def page():
    executable = await asyncio.to_thread(find)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])  # may be root
        yield await browser.new_page()
        await browser.close()


@pytest.fixture
async def view(gateway, client, post, worker, elsewhere):
    await post("draw")
    run = await worker.take()
    await run.start()
    artifact = run.id("a")
    await run.write(ev.ArtifactCreated(id=artifact, kind="html", name="page.html", media_type="text/html"))
    await run.write(ev.ArtifactDelta(id=artifact, at=0, text=hostile(elsewhere[0])))
    path = f"/v1/artifacts/c1.{artifact}/versions/1/view"
    await eventually(lambda: _is_there(client, path))
    return path


async def _is_there(client, path):
    return (await client.get(path)).status_code == 200


async def test_opened_by_itself_it_shows_its_markup_runs_nothing_and_asks_nobody(gateway, page, view, elsewhere):
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    await page.goto(gateway.url + view, wait_until="load")
    heading = page.locator("h1")

    assert await heading.inner_text() == "Rivers"
    assert await heading.evaluate("heading => getComputedStyle(heading).color") == "rgb(1, 2, 3)"
    assert await page.title() == ""
    assert page.url == gateway.url + view
    assert elsewhere[1] == []
    for kind in ("script", "stylesheet", "image", "frame", "font"):
        assert any(f"/{kind}" in text or kind in text for text in refused), kind


async def test_in_a_frame_of_the_page_it_is_shown_and_asks_nobody(gateway, page, view, elsewhere):
    await page.goto(gateway.url + "/")
    await page.evaluate(
        """path => {
            const frame = document.createElement("iframe");
            frame.setAttribute("sandbox", "");
            frame.src = path;
            document.body.append(frame);
        }""",
        view,
    )

    assert await page.frame_locator("iframe").locator("h1").inner_text() == "Rivers"
    assert elsewhere[1] == []
