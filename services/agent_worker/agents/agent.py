"""What an agent is: an async function over a run, with a name by which it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from schemas.ids import check_id
from services.agent_worker.run import Run
from services.agent_worker.tools.tool import Tool, tool

Function = Callable[[Run, str], Awaitable[str | None]]
Task = Annotated[str, msgspec.Meta(description="What to do, in words.", examples=["Find out why rivers split."])]


class Agent:
    """`description` is what a person, or the agent that hands over to it, reads about it."""

    def __init__(self, name: str, description: str, function: Function) -> None:
        self.name = check_id(name, "agent")
        self.description = description
        self.function = function

    async def __call__(self, run: Run, task: str) -> str:
        """Do `task`: the user's message at the root, what the parent asks for below. Returns the result, if it has one."""
        return await self.function(run, task) or ""

    async def under(self, run: Run, task: str) -> str:
        """Do `task` inside `run`, in a namespace of its own. Several at once is what `asyncio.TaskGroup` is for."""
        async with run.agent(self.name, input=task, description=self.description) as own:
            own.result = await self(own, task)
        return own.result

    def as_tool(self, run: Run) -> Tool:
        """The tool `ask_<name>`, which hands a task to this agent as `under` does, for `run` alone: a model chooses it, or
        code calls it. Pages show the agent under the call. The run's deadline is the only one it has.

        Raises Invalid: the agent's name has more than 60 characters, and its tool's would have more than 64.
        """

        async def ask(task: Task) -> str:
            return await self.under(run, task)

        ask.__name__ = f"ask_{self.name}"
        ask.__doc__ = self.description or f"Hand a task to the agent {self.name}."
        return tool(timeout_s=None)(ask)


def agent(name: str, *, description: str = "") -> Callable[[Function], Agent]:
    """Make an agent of `async def function(run, task)`.

    Raises:
        Invalid: the name is no id; it becomes part of a subject and of a namespace.
    """
    return lambda function: Agent(name, description, function)
