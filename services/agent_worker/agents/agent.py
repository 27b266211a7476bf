"""What an agent is: an async function over a run, with a name by which it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from schemas.ids import check_id

Function = Callable[[Any, str], Awaitable[str | None]]


class Agent:
    """`description` is what a person, or the agent that hands over to it, reads about it."""

    def __init__(self, name: str, description: str, function: Function) -> None:
        self.name = check_id(name, "agent")
        self.description = description
        self.function = function

    async def __call__(self, run: Any, task: str) -> str:
        """Do `task`: the user's message at the root, what the parent asks for below. Returns the result, if it has one."""
        return await self.function(run, task) or ""


def agent(name: str, *, description: str = "") -> Callable[[Function], Agent]:
    """Make an agent of `async def function(run, task)`.

    Raises:
        Invalid: the name is no id; it becomes part of a subject and of a namespace.
    """
    return lambda function: Agent(name, description, function)
