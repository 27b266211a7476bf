"""Four scenes on the page, and what it shows of them: undisturbed, in the midst, at the end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx2
import pytest

from services.runtime import new_id
from tests.live.stack import Stack
from tests.web.balancer import Balancer
from tests.web.browser import Visitor

SETTINGS = {"ANABRANCH_SCRIPTED_TOKENS_PER_S": "60", "ANABRANCH_ACK_WAIT_S": "1.5"}
"""Fast enough that a scene takes seconds, slow enough that what disturbs it comes in its midst."""

DURATION = re.compile(r"\d+(\.\d+)? (ms|s|min)\b")

MESSAGES = 10
"""Of the long conversation: sent at once, so that all but the first wait."""


class Scene(NamedTuple):
    name: str
    agent: str
    text: str
    messages: int
    midst: int
    """Items on the page when the disturbance comes."""
    namespaces: set[str]


SCENES = [
    Scene("one agent", "assistant", "Explain the values of the river rehearse:tokens=120", 1, 2, {"main"}),
    Scene("two at once", "debate", "Should the river be dammed?", 1, 3, {"main", "main/advocate:1", "main/sceptic:1"}),
    Scene(
        "nested agents",
        "team",
        "Why does the river split? rehearse:tokens=40",
        1,
        7,
        {"main", "main/analysis:1", "main/research:1", "main/research:1/reader:1", "main/visualisation:1"},
    ),
    Scene("a long conversation", "scribe", "What the river did rehearse:tokens=40", MESSAGES, 9, {"main"}),
]
"""The scripted model says the same to the same question, so that a disturbed run can be compared with another; and about
as many tokens as a question asks for.
"""

ENDED = {"completed", "failed", "cancelled", "superseded"}


class World(NamedTuple):
    stack: Stack
    balancer: Balancer
    uncut: dict[str, list[tuple[Any, ...]]]
    """What the page showed of each scene that nothing disturbed."""

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Of the gateway that no test kills."""
        async with httpx2.AsyncClient(base_url=self.stack.gateways[-1].url) as api:
            yield api

    async def begin(self) -> str:
        """A conversation in which nothing has been said."""
        conversation = new_id("c_")
        async with self.api() as api:
            assert (await api.post("/v1/conversations", json={"id": conversation})).status_code == 201
        return conversation

    async def play(self, scene: Scene, conversation: str) -> None:
        path = f"/v1/conversations/{conversation}/messages"
        async with self.api() as api:
            for number in range(scene.messages):
                body = {"id": f"{conversation}-{number}", "text": f"{scene.text} {number}", "agent": scene.agent}
                response = await api.post(path, json=body)
                assert response.status_code == 202, response.text

    async def runs(self, conversation: str) -> list[dict[str, Any]]:
        async with self.api() as api:
            found = (await api.get(f"/v1/conversations/{conversation}")).json()
        runs: list[dict[str, Any]] = found["transcript"]["runs"]
        return runs

    async def over(self, conversation: str) -> list[dict[str, Any]]:
        """Wait until every run of it has ended; returns the runs."""
        async with asyncio.timeout(60):
            while True:
                runs = await self.runs(conversation)
                if all(run.get("status") in ENDED for run in runs):
                    return runs
                await asyncio.sleep(0.1)


def shown(content: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What is to be equal: everything that was said and done, in order, without ids and without how long it took."""
    return [(item["type"], item["status"], item["ns"], DURATION.sub("…", item["text"])) for item in content]


async def in_the_midst(world: World, visitor: Visitor, scene: Scene) -> str:
    """Play the scene to the visitor until some of it is on the page and something is being said; returns its conversation."""
    conversation = await world.begin()
    await visitor.open(conversation)
    await visitor.has_badge("live", "ended")
    await world.play(scene, conversation)
    open_item = visitor.page.locator('[data-item][data-status="open"]')

    async def begun() -> bool:
        return await visitor.items() >= scene.midst and await open_item.count() > 0

    await visitor.eventually(begun, f"{scene.midst} items of {scene.name} are on the page")
    return conversation


async def at_the_end(world: World, visitor: Visitor, conversation: str, scene: Scene) -> list[tuple[Any, ...]]:
    """Wait until all is over; returns what the page shows."""
    runs = await world.over(conversation)
    assert [run["status"] for run in runs] == ["completed"] * scene.messages
    await visitor.has_badge("ended")
    seen = await visitor.content()
    assert {item["ns"] for item in seen} == scene.namespaces
    assert [item for item in seen if item["status"] == "open"] == []
    assert len({item["id"] for item in seen}) == len(seen)
    return shown(seen)


async def as_uncut(chromium, world: World, scene: Scene) -> list[tuple[Any, ...]]:
    """What a page shows that watched the scene from before it began, and that nothing disturbed."""
    if scene.name not in world.uncut:
        async with chromium.visitor(world.balancer.url) as visitor:
            conversation = await in_the_midst(world, visitor, scene)
            world.uncut[scene.name] = await at_the_end(world, visitor, conversation, scene)
    return world.uncut[scene.name]


scenes = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
