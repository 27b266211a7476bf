"""Somebody whose link to the gateway is slow, and what the badge says to them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from tests.live.stack import Stack
from tests.web.balancer import Balancer, balancing
from tests.web.browser import Visitor

QUICK, SLOW, SLOWEST = 4_000_000.0, 400_000.0, 20_000.0
"""Links, in bytes a second: one for the page to come over, one that takes a moment for what is said, one that takes too long."""

WATCH = """() => {
  window.said = [];
  const badge = document.querySelector('[data-testid="badge"]');
  const look = () => {
    const now = [badge.dataset.status, badge.textContent];
    if (`${now}` !== `${window.said.at(-1)}`) window.said.push(now);
  };
  new MutationObserver(look).observe(badge, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
}"""


@contextlib.asynccontextmanager
async def over_a_slow_link(chromium: Any, stack: Stack, conversation: str) -> AsyncIterator[tuple[Visitor, Balancer]]:
    """Somebody who sees the conversation live; every change of what the badge says is noted from now on."""
    async with (
        balancing([stack.gateways[0].port], bytes_per_s=QUICK) as link,
        chromium.visitor(link.url) as visitor,
    ):
        await visitor.open(conversation)
        await visitor.has_badge("live", "ended")
        await visitor.page.evaluate(WATCH)
        yield visitor, link


async def said(visitor: Visitor) -> list[tuple[str, str]]:
    """What the badge has said since: each status with its words."""
    return [tuple(change) for change in await visitor.page.evaluate("window.said")]
