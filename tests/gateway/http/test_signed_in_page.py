"""The page behind a proxy that signs people in."""

import pytest
from playwright.async_api import expect

from tests.gateway.http.issuer import AUDIENCE, ISSUER, bearer, jwks
from tests.gateway.http.signing_in import SigningIn
from tests.gateway.http.worker import eventually
from tests.web.browser import Chromium

COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"
"""What a browser says when a person looks at the page again."""


@pytest.fixture
async def gateway(start, tmp_path):
    (tmp_path / "keys.json").write_bytes(jwks("EdDSA"))
    gateway = await start(jwt_keys=str(tmp_path / "keys.json"), jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
    gateway.client.headers.update(bearer("acme"))
    return gateway


async def test_the_page_outlives_its_tokens_and_says_when_its_viewer_is_signed_out(gateway, post, worker):
    await post("Why do rivers branch?")
    run = await worker.take()
    await run.start()
    port = int(gateway.url.rpartition(":")[2])
    async with Chromium() as chromium, SigningIn(port) as proxy:
        proxy.token_s = 4
        page = await chromium.browser.new_page()
        await page.goto(f"{proxy.url}/#c=c1")
        badge, conversation = page.get_by_test_id("badge"), page.get_by_test_id("conversation")
        await expect(badge).to_have_text("Live")
        await run.say("Said before. ")
        await expect(conversation).to_contain_text("Said before.")
        await eventually(lambda: proxy.sockets == 2, 10.0)  # the token has expired, and there is another
        proxy.token_s = 600
        await run.say("Said after.", count=2)
        await expect(conversation).to_contain_text("Said after.")
        await expect(badge).to_have_text("Live")
        assert await conversation.get_by_text("Said before.").count() == 1

        proxy.signed_in = False
        proxy.cut()
        await expect(badge).to_have_text("Signed out")
        await expect(page.get_by_role("alert")).to_have_text("You are not signed in, or your sign-in has expired.")
        assert proxy.sockets == 2
        await page.get_by_role("button", name="More", exact=True).click()
        await page.get_by_role("button", name="Copy as Markdown").click()
        await expect(page.get_by_text("Conversation not copied. You are not signed in")).to_be_visible()
        proxy.signed_in = True  # in another tab
        await page.evaluate(COME_BACK)
        await expect(badge).to_have_text("Live")
        await expect(page.get_by_role("alert")).to_have_count(0)
        await run.say("Said to who is back.", count=3)
        await expect(conversation).to_contain_text("Said to who is back.")

        proxy.tenant = None
        proxy.cut()
        await expect(badge).to_have_text("Offline")
        await expect(badge).to_have_attribute("title", "the token has no claim 'tenant' that names a tenant")
        proxy.tenant = "acme"
        await page.evaluate(COME_BACK)
        await expect(badge).to_have_text("Live")

        proxy.signed_in = False
        proxy.cut()
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("Who are you?")).to_be_visible()
