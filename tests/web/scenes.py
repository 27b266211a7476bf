"""Four scenes on the page, and what it shows of them: undisturbed, in the midst, at the end."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import httpx2
import pytest

from services.agent_worker.agents.tour import scribe
from services.agent_worker.models.scripted import Scripted
from services.agent_worker.open_run import open_run
from services.broker.jetstream import connect
from services.runtime import new_id
from tests.live.stack import Stack
from tests.web.balancer import Balancer
from tests.web.browser import Visitor

SETTINGS = {"ANABRANCH_SCRIPTED_TOKENS_PER_S": "60", "ANABRANCH_ACK_WAIT_S": "1.5"}
"""Fast enough that a scene takes seconds, slow enough that what disturbs it comes in its midst."""

DURATION = re.compile(r"\d+(\.\d+)? (ms|s|min)\b")
CALLED = re.compile(r" (?=ask_)")
"""What comes before it on a tool call's card is its title, behind it is its name."""
PART = re.compile(r"^[^/]+/")
"""Of a panel's id: the run."""

PAST = 50
"""Runs of the long conversation before somebody comes, each with a question and its answer: ten screens of them."""


class Scene(NamedTuple):
    name: str
    agent: str
    texts: tuple[str, ...]
    """Sent at once, so that all but the first wait."""
    midst: int
    """Items on the page when the disturbance comes."""
    panels: frozenset[str] = frozenset()
    """The panels on the final page, each with what it stands in."""
    past: int = 0
    """Runs before all that."""


ASKED = "tool Ask research, main/research:1"
SCENES = [
    Scene("one agent", "assistant", ("Explain the course of the river rehearse:tokens=120",), 2),
    Scene(
        "two at once",
        "debate",
        ("Should the river be dammed?",),
        3,
        frozenset({"main/advocate:1", "main/sceptic:1", "main/advocate:1#2", "main/sceptic:1#2"}),
    ),
    Scene(
        "nested agents",
        "team",
        ("Why does the river split?",),
        7,
        frozenset(
            {"tool Ask analysis, main/analysis:1", ASKED, f"{ASKED}, main/research:1/reader:1", "main/visualisation:1"}
        ),
    ),
    Scene(
        "a long conversation",
        "scribe",
        tuple(f"{text} rehearse:tokens=60" for text in ("The ferry at noon", "The weir at dusk", "The sea at last")),
        9,
        past=PAST,
    ),
]
"""The scripted model says the same to the same question, so that a disturbed run can be compared with another; and about
as many tokens as a question asks for.
"""

PLACES = (
    "The source",
    "The first bridge",
    "The mill",
    "The ford",
    "The old lock",
    "The island",
    "The harbour",
    "The bend",
)
HOURS = ("at dawn", "in the morning", "at noon", "in the afternoon", "at dusk", "by night")

ENDED = {"completed", "failed", "cancelled", "superseded"}


class Shown(NamedTuple):
    """Something on a page: without ids, and without how long it took."""

    type: str
    status: str
    ns: str
    within: tuple[str, ...]
    """What it stands in, from the outside in: tool calls by their names, panels by their namespaces and parts."""
    text: str


class World(NamedTuple):
    stack: Stack
    balancer: Balancer
    uncut: dict[str, list[Shown]]
    """What the page showed of each scene that nothing disturbed."""

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Of the gateway that no test kills."""
        async with httpx2.AsyncClient(base_url=self.stack.gateways[-1].url) as api:
            yield api

    async def begin(self, past: int = 0) -> str:
        """A conversation in which nothing has been said but `past` questions, each with its answer."""
        conversation = new_id("c_")
        async with self.api() as api:
            assert (await api.post("/v1/conversations", json={"id": conversation})).status_code == 201
        if past:
            await tell_past(self.stack.nats.url, conversation, past)
        return conversation

    async def play(self, scene: Scene, conversation: str) -> list[str]:
        """Returns the runs that answer."""
        path = f"/v1/conversations/{conversation}/messages"
        runs: list[str] = []
        async with self.api() as api:
            for number, text in enumerate(scene.texts):
                body = {"id": f"{conversation}-{number}", "text": text, "agent": scene.agent}
                response = await api.post(path, json=body)
                assert response.status_code == 202, response.text
                runs.append(response.json()["run"])
        return runs

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


async def tell_past(nats_url: str, conversation: str, runs: int) -> None:
    """Have the scribe write as many lines, here and as fast as it goes."""
    broker = await connect(nats_url, "past")
    for number in range(runs):
        text = f"{PLACES[number % len(PLACES)]} {HOURS[number % len(HOURS)]}"
        opened = open_run(broker, agent="scribe", message=text, conversation=conversation, model=Scripted(0))
        async with opened as run:
            await scribe(run, text)
    await broker.close()


def shown(content: list[dict[str, Any]]) -> list[Shown]:
    """What is to be equal: everything that was said and done, in order, and what it stands in."""
    return [
        Shown(one["type"], one["status"], one["ns"], tuple(around(content, one)), DURATION.sub("…", one["text"]))
        for one in content
    ]


def around(content: list[dict[str, Any]], one: dict[str, Any]) -> Iterator[str]:
    if one["within"] >= 0:
        outer = content[one["within"]]
        yield from around(content, outer)
        yield place(outer)


def place(one: dict[str, Any]) -> str:
    """A panel by its namespace and part, a tool call by its name."""
    if one["type"] == "tool":
        return f"tool {CALLED.split(one['text'])[0]}"
    return PART.sub("", one["id"])


def panels(content: list[dict[str, Any]]) -> set[str]:
    """Every panel with what it stands in, as `Scene.panels` says it."""
    return {", ".join([*around(content, one), place(one)]) for one in content if one["type"] in {"agent", "part"}}


async def in_the_midst(world: World, visitor: Visitor, scene: Scene, *others: Visitor) -> str:
    """Play the scene to the visitors until some of it is on the page of the first and something is being said; returns its
    conversation.
    """
    conversation = await world.begin(scene.past)
    for one in (visitor, *others):
        await one.open(conversation)
        await one.has_badge("live", "ended")
    first, *_ = runs = await world.play(scene, conversation)
    open_item = visitor.page.locator('[data-item][data-status="open"]')
    answered = visitor.page.locator(f'[data-run="{first}"][data-summary]')

    async def begun() -> bool:
        behind = len(runs) == 1 or await answered.count() > 0
        return behind and await visitor.items() >= scene.midst and await open_item.count() > 0

    await visitor.eventually(begun, f"{scene.midst} items of {scene.name} are on the page")
    return conversation


async def at_the_end(world: World, visitor: Visitor, conversation: str, scene: Scene) -> list[Shown]:
    """Wait until all is over; returns what the page shows."""
    runs = await world.over(conversation)
    assert [run["status"] for run in runs] == ["completed"] * (scene.past + len(scene.texts))
    await visitor.has_badge("ended")
    seen = await visitor.content()
    assert panels(seen) == scene.panels, panels(seen)
    assert [item for item in seen if item["status"] == "open"] == []
    assert len({item["id"] for item in seen}) == len(seen)
    assert len([item for item in seen if item["type"] == "summary"]) == len(runs)
    return shown(seen)


async def as_uncut(chromium, world: World, scene: Scene) -> list[Shown]:
    """What a page shows that watched the scene from before it began, and that nothing disturbed."""
    if scene.name not in world.uncut:
        async with chromium.visitor(world.balancer.url) as visitor:
            conversation = await in_the_midst(world, visitor, scene)
            world.uncut[scene.name] = await at_the_end(world, visitor, conversation, scene)
    return world.uncut[scene.name]


scenes = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
