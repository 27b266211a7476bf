"""What a tool is: a typed function, callable by a model or by code with arguments that are checked against its signature.

The JSON Schema that a model sees and the check of what it sends back come from the same signature, so they cannot differ.
"""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import structlog

from schemas.errors import AnabranchError
from schemas.ids import check_id
from services.agent_worker.models.port import ToolSpec

TOOL_S_MAX = 60.0
"""A tool that is silent for longer holds a worker slot for nothing. One that needs more says so: `@tool(timeout_s=…)`."""

log = structlog.get_logger()


class ToolError(AnabranchError):
    """The call failed; the message is written so that a model can read it and do better."""

    code = "tool_failed"
    http_status = 502


class Progress(Protocol):
    """How a tool shows that it is at work: the name of the step, how much is done, what was found."""

    async def __call__(self, step: str, percent: int, text: str = "") -> None: ...


class Tool:
    """`spec` is what a model sees of it. Raises Invalid: the function's name is no id, and upstreams refuse such a tool."""

    def __init__(self, function: Callable[..., Any], timeout_s: float | None = TOOL_S_MAX) -> None:
        self.function = function
        self.timeout_s = timeout_s
        self.name = check_id(function.__name__, "tool")
        self.title = self.name.replace("_", " ").capitalize()
        hints = typing.get_type_hints(function, include_extras=True)
        self._shows_progress = hints.pop("progress", None) is not None
        self._arguments = _struct_of(function, hints)
        description = inspect.cleandoc(function.__doc__ or "")
        if not description:
            raise TypeError(f"tool {self.name} has no docstring: it is what tells a model when to call it")
        self.spec = ToolSpec(self.name, description, _schema_of(self._arguments))

    async def __call__(self, args: dict[str, Any], progress: Progress) -> Any:
        """Check `args` and run. The result is made of JSON's types.

        Raises:
            ToolError: the arguments do not fit the signature, it took longer than `timeout_s`, or it failed.
        """
        try:
            checked = msgspec.convert(args, self._arguments)
        except msgspec.ValidationError as error:
            raise ToolError(f"{self.name}: {error}", code="tool_arguments") from error
        named = {name: getattr(checked, name) for name in self._arguments.__struct_fields__}
        if self._shows_progress:
            named["progress"] = progress
        deadline = asyncio.timeout(self.timeout_s)
        try:
            async with deadline:
                # Through JSON, as an attempt after a takeover reads it from the log: a tuple is a list, a key is a text.
                return msgspec.json.decode(msgspec.json.encode(await self._run(named)))
        except AnabranchError:
            raise
        except Exception as error:
            if self.timeout_s is not None and deadline.expired():
                text = f"{self.name} took longer than {self.timeout_s:g} s"
                raise ToolError(text, code="tool_timeout", retryable=True) from error
            # A tool is foreign code at a border: its bug ends the call, not the run. What it says may not be for everyone.
            log.warning("a tool failed", tool=self.name, exc_info=True)
            raise ToolError(f"{self.name} failed with {type(error).__name__}; the worker's log says more") from error

    async def _run(self, named: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**named)
        return await asyncio.to_thread(self.function, **named)


@typing.overload
def tool(function: Callable[..., Any], /) -> Tool: ...
@typing.overload
def tool(*, timeout_s: float | None) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(
    function: Callable[..., Any] | None = None, /, *, timeout_s: float | None = TOOL_S_MAX
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a function. Its name, its docstring and its signature are what a model sees; describe a parameter with
    `Annotated[str, msgspec.Meta(description=…, examples=[…])]`. A parameter `progress: Progress` is filled in by the run.
    `timeout_s=None`: it may take as long as the run.

    A function that is not `async` runs in a thread, so that a slow one holds up nobody else.
    """
    if function is None:
        return lambda found: Tool(found, timeout_s)
    return Tool(function, timeout_s)


def _struct_of(function: Callable[..., Any], hints: dict[str, Any]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "progress":
            continue
        if parameter.name not in hints:
            raise TypeError(f"tool {function.__name__}: parameter {parameter.name} has no type")
        field: tuple[Any, ...] = (parameter.name, hints[parameter.name])
        fields.append(field if parameter.default is parameter.empty else (*field, parameter.default))
    return msgspec.defstruct(function.__name__, fields, kw_only=True, forbid_unknown_fields=True)


def _schema_of(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    (_,), components = msgspec.json.schema_components([arguments], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = components.pop(arguments.__name__)
    schema.pop("title", None)
    return schema | ({"$defs": components} if components else {})
