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

CONTENT = """
async () => {
  // What the conversation holds, from its first row to its last: the rows that are out of sight are not in the document.
  const scroller = document.querySelector('[data-testid="conversation"]');
  const found = new Map();
  const take = () => {
    for (const element of scroller.querySelectorAll('[data-item]')) {
      const inner = [...element.querySelectorAll('[data-item]')];
      const copy = element.cloneNode(true);
      for (const other of copy.querySelectorAll('[data-item], time')) other.remove();
      found.set(element.dataset.item, {
        type: element.dataset.type,
        status: element.dataset.status,
        ns: element.closest('[data-ns]')?.dataset.ns ?? 'main',
        text: words(copy),
        inside: inner.length,
      });
    }
  };
  // Of each text by itself: `textContent` would glue what stands beside each other, `35 ms` and `values: …`, to one word.
  const words = (root) => {
    root.normalize();
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) found.push(texts.currentNode.data);
    return found.join(' ').replace(/\\s+/g, ' ').trim();
  };
  const settle = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  scroller.dispatchEvent(new WheelEvent('wheel', { deltaY: -1, bubbles: true })); // as who scrolls up: it lets go of the end
  scroller.scrollTop = 0;
  await settle();
  const atEnd = () => scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 2;
  for (let step = 0; step < 1000; step++) {
    take();
    if (atEnd()) break;
    scroller.scrollTop += scroller.clientHeight / 3; // rows that are measured on the way may move it
    await settle();
    await settle();
  }
  take();
  return [...found.entries()].map(([id, item]) => ({ id, ...item }));
}
"""


class Chromium:
    """One browser for a module; every viewer has a context (cookies, storage, cache) of its own."""

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        executable = await asyncio.to_thread(find)
        assert executable is not None, ADVICE
        playwright = await self._stack.enter_async_context(async_playwright())
        self.browser: Browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
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
        self.requests.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "net::ERR_" not in message.text and "WebSocket connection" not in message.text:
            self.broken.append(f"console: {message.text}")

    def check(self) -> None:
        assert self.broken == []
        assert [url for url in self.requests if not url.startswith((self.url, "data:", "blob:"))] == []

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
        """Every item of the conversation in the order of the page: id, type, status, namespace, visible text."""
        content: list[dict[str, Any]] = await self.page.evaluate(CONTENT)
        return content

    async def eventually(self, condition: Callable[[], Awaitable[bool]], what: str, within_s: float = WITHIN_S) -> None:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    if await condition():
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not so within {within_s:g} s: {what} (badge: {await self.badge()})") from None
