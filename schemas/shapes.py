"""The shapes of the wire as data: what the generated types and documents are made from, read from the structs themselves.

A shape is a struct as msgspec sees it. Nothing here lists them: they are found by walking from the messages that travel.
"""

from __future__ import annotations

import inspect as python_inspect
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import inspect

from schemas import commands, errors, events, seal, transcript, wire

PAGE: tuple[Any, ...] = (
    wire.AnyServerMessage,
    wire.AnyClientMessage,
    transcript.Transcript,
    errors.ErrorBody,
    commands.AgentCard,
)
"""What a client reads and writes, on WebSocket, SSE and HTTP. Frames and events are inside."""

SERVICES: tuple[Any, ...] = (commands.RunCommand, commands.Control, commands.DeadLetter, seal.SealMessage)
"""What only the services say to each other, on NATS."""

_MODULES = (errors, events, transcript, commands, wire, seal)


def structs(roots: tuple[Any, ...]) -> dict[str, inspect.StructType]:
    """Every struct that the roots contain, by name, in the order of the first meeting.

    Raises:
        ValueError: two structs have one name.
    """
    found: dict[str, inspect.StructType] = {}
    for info in inspect.multi_type_info(roots):
        for shape in _walk(info):
            known = found.setdefault(shape.cls.__name__, shape)
            if known.cls is not shape.cls:
                raise ValueError(f"two structs are called {shape.cls.__name__}")
    return found


def _walk(info: inspect.Type) -> Iterator[inspect.StructType]:
    match info:
        case inspect.StructType():
            yield info
            for field in info.fields:
                yield from _walk(field.type)
        case inspect.UnionType():
            for member in info.types:
                yield from _walk(member)
        case inspect.ListType():
            yield from _walk(info.item_type)
        case inspect.DictType():
            yield from _walk(info.value_type)


def choices() -> dict[str, tuple[str, ...]]:
    """The named `Literal`s, in the order in which they are written."""
    return {name: typing.get_args(value) for name, value in _named() if typing.get_origin(value) is Literal}


def unions() -> dict[str, tuple[str, ...]]:
    """The named unions of structs, as the names of their members."""
    return {
        name: tuple(member.__name__ for member in value.__args__)
        for name, value in _named()
        if isinstance(value, types.UnionType) and all(_is_struct(member) for member in value.__args__)
    }


def _named() -> Iterator[tuple[str, Any]]:
    for module in _MODULES:
        yield from vars(module).items()


def _is_struct(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, msgspec.Struct)


def doc(shape: inspect.StructType) -> str:
    """What the struct's own docstring says, or an empty text."""
    return python_inspect.cleandoc(vars(shape.cls).get("__doc__") or "")


def default(field: inspect.Field) -> Any:
    """The value, as JSON would carry it, of a field that the wire leaves out. Only for fields that are not required."""
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return _whole(value)


def _whole(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _whole(item) for name, item in msgspec.structs.asdict(value).items()}
    return value
