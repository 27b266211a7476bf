"""The page as a person sees it: a real Chromium, driven by Playwright, and what of it tests look at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.web.chromium import ADVICE, find

ARGUMENTS = (
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WITHIN_S = 30.0

EXPECTED = ("net::ERR_", "WebSocket connection", "Framing 'http://127.0.0.1")
"""Chromium's own words about a gateway that is away, and about the page when it does not come into a frame."""

VIEW = "/view"
"""The end of the address of an artifact's web page, in which everything is refused; of the page itself nothing may be."""

REFUSALS = (
    "Blocked script execution",
    "Blocked form submission",
    "Unsafe attempt to initiate navigation",
    "violates the following Content Security Policy",
    "Refused to execute the redirect",
)

TALL_PX = 16_000
"""A window in which a whole conversation has room: what is out of sight is not in the document."""

WHOLE = """
async () => {
  // Whether all of the conversation is drawn: nothing to scroll, nothing parked, and no change for some frames.
  const list = document.querySelector('[data-testid="conversation"]');
  const seen = () => `${list.querySelectorAll('*').length} ${list.scrollHeight}`;
  const frames = (n) => new Promise((done) => requestAnimationFrame(() => (n ? frames(n - 1).then(done) : done())));
  const before = seen();
  await frames(5);
  return seen() === before && list.scrollHeight <= list.clientHeight + 1 && !list.querySelector('[data-holds]');
}
"""

FOLDED = '[data-testid="conversation"] section[data-key] > div > button[aria-expanded="false"]'
"""What opens a panel: a deep one is folded for who came when its agent had ended, and may not be for who saw it work."""

CONTENT = """
() => {
  const drawn = '[data-item], [data-key], [data-run]'; // items, panels with their further parts, run rows and summaries
  // The words of each text by itself: `textContent` would glue what stands beside each other, `35 ms` and `values: …`.
  const words = (root) => {
    root.normalize();
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) found.push(texts.currentNode.data);
    return found.join(' ').replace(/\\s+/g, ' ').trim();
  };
  const idOf = ({ key, item, run, summary }) => key ?? item ?? `${run} ${summary ?? 'row'}`;
  const typeOf = ({ type, key, summary }) => type ?? (key ? 'part' : summary === undefined ? 'run' : 'summary');
  const elements = [...document.querySelector('[data-testid="conversation"]').querySelectorAll(drawn)];
  return elements.map((element) => {
    const copy = element.cloneNode(true);
    for (const other of copy.querySelectorAll(`${drawn}, time`)) other.remove();
    return {
      id: idOf(element.dataset),
      type: typeOf(element.dataset),
      status: element.dataset.status ?? '',
      ns: element.closest('[data-ns]')?.dataset.ns ?? 'main',
      within: elements.indexOf(element.parentElement.closest(drawn)),
      text: words(copy),
    };
  });
}
"""


class Chromium:
    """One browser for a module; every viewer has a context (cookies, storage, cache) of its own."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = [*ARGUMENTS, *arguments]

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        executable = await asyncio.to_thread(find)
        assert executable is not None, ADVICE
        playwright = await self._stack.enter_async_context(async_playwright())
        self.browser: Browser = await playwright.chromium.launch(executable_path=executable, args=self._arguments)
        self._stack.push_async_callback(self.browser.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @contextlib.asynccontextmanager
    async def visitor(self, url: str, **options: Any) -> Any:
        """Somebody who opens pages of the gateway at `url`. On leaving, fails if the page broke or asked another origin."""
        options.setdefault("viewport", {"width": 1280, "height": 900})
        options.setdefault("reduced_motion", "reduce")
        context = await self.browser.new_context(**options)
        visitor = Visitor(context, await context.new_page(), url)
        try:
            yield visitor
        finally:
            await context.close()
        visitor.check()


class Visitor:
    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context = context
        self.page = page
        self.url = url
        self.requests: list[str] = []
        self.broken: list[str] = []
        page.on("request", self._on_request)
        page.on("pageerror", lambda error: self.broken.append(f"exception: {error}"))
        page.on("console", self._on_console)
        page.on("dialog", lambda dialog: self.broken.append(f"dialog: {dialog.message}"))

    def _on_request(self, request: Request) -> None:
        """Playwright also tells of what a frame's policy refuses: whether something left is for a listener there to say."""
        if request.is_navigation_request() or not request.frame.url.endswith(VIEW):
            self.requests.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        expected = any(words in message.text for words in EXPECTED)
        in_a_frame = message.location["url"].endswith(VIEW) or f"{VIEW}'" in message.text
        if message.type == "error" and not expected and not (in_a_frame and _is_refusal(message.text)):
            self.broken.append(f"console: {message.text} ({message.location['url']})")

    def check(self) -> None:
        assert self.broken == [], self.broken
        foreign = [url for url in self.requests if not url.startswith((self.url, "data:", "blob:", "about:"))]
        assert foreign == [], foreign

    async def open(self, conversation: str = "", extra: str = "") -> None:
        await self.page.goto(f"{self.url}/#{f'c={conversation}' if conversation else ''}{extra}")
        await self.page.get_by_test_id("composer").wait_for()

    async def badge(self) -> str:
        return await self.page.get_by_test_id("badge").get_attribute("data-status") or ""

    async def has_badge(self, *statuses: str, within_s: float = WITHIN_S) -> None:
        await self.eventually(lambda: self._badge_in(statuses), f"the badge says {' or '.join(statuses)}", within_s)

    async def _badge_in(self, statuses: tuple[str, ...]) -> bool:
        return await self.badge() in statuses

    async def items(self) -> int:
        return await self.page.locator('[data-testid="conversation"] [data-item]').count()

    async def content(self) -> list[dict[str, Any]]:
        """Everything in the conversation in the order of the page, all unfolded: id, type (of an item; or `part` of an agent's
        work, `run`, `summary`), status, namespace, visible text, and `within`, the index of what it stands in, or -1.
        """
        size = self.page.viewport_size
        assert size is not None
        await self.page.set_viewport_size({"width": size["width"], "height": TALL_PX})
        try:
            await self.eventually(self._unfolded, "the whole conversation is drawn")
            content: list[dict[str, Any]] = await self.page.evaluate(CONTENT)
        finally:
            await self.page.set_viewport_size(size)
        return content

    async def _unfolded(self) -> bool:
        if not await self.page.evaluate(WHOLE):
            return False
        folded = await self.page.locator(FOLDED).all()
        for button in folded[:1]:
            await button.click()
        return not folded

    async def eventually(self, condition: Callable[[], Awaitable[bool]], what: str, within_s: float = WITHIN_S) -> None:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    if await condition():
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not so within {within_s:g} s: {what} (badge: {await self.badge()})") from None


def _is_refusal(text: str) -> bool:
    return any(words in text for words in REFUSALS)
