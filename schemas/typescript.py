"""TypeScript of the wire, for the page: types, defaults of the fields that the wire leaves out, and constants."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec import inspect

from schemas import events, ids, namespace, shapes, transcript, wire

_HEAD = "// Generated from schemas/ by `make generate`. Do not edit.\n\n"
_WIDTH = 120

_RENAMED = {
    "Error": "ErrorMessage",  # must not shadow JavaScript's own
    "KnownEvent": "AnyEvent",  # what a reader may meet beside them has no shape
}

_NOTES = {
    "AnyEvent": "An event of a type that is not in this list may come: carry it through and pass over it.",
}


def _ts(name: str) -> str:
    return _RENAMED.get(name, name)


# --- types.ts


def types() -> str:
    """The interfaces, unions and choices of everything that a client reads or writes."""
    found = shapes.structs(shapes.PAGE)
    parts = [_alias(_ts(name), map(_quoted, values)) for name, values in shapes.choices().items()]
    parts += [_alias(_ts(name), map(_ts, members)) for name, members in _page_unions(found).items()]
    parts += [_interface(shape) for shape in found.values()]
    names = "".join(f"  {_ts(name)}: {_ts(name)};\n" for name in found)
    parts.append(f"/** Every shape by its name. */\nexport interface Shapes {{\n{names}}}\n")
    return _HEAD + "\n".join(parts)


def _page_unions(found: Iterable[str]) -> dict[str, tuple[str, ...]]:
    names = set(found)
    return {name: members for name, members in shapes.unions().items() if names.issuperset(members)}


def _alias(name: str, members: Iterable[str]) -> str:
    note = f"/** {_NOTES[name]} */\n" if name in _NOTES else ""
    return note + _member(f"export type {name}", " =", list(members), 0)


def _interface(shape: inspect.StructType) -> str:
    lines = [f"export interface {_ts(shape.cls.__name__)} {{\n"]
    if shape.tag_field is not None:
        lines.append(f"  {shape.tag_field}: {_quoted(str(shape.tag))};\n")
    for field in shape.fields:
        mark = ":" if field.required else "?:"
        lines.append("  " + _member(field.encode_name, mark, _members(field.type), 2))
    return _comment(shapes.doc(shape)) + "".join(lines) + "}\n"


def _member(name: str, mark: str, members: list[str], indent: int) -> str:
    """`name: a | b;`, one member a line if it is too wide."""
    line = f"{name}{mark} {' | '.join(members)};\n"
    if indent + len(line) - 1 <= _WIDTH:
        return line
    return f"{name}{mark}\n" + "\n".join(f"{' ' * indent}  | {member}" for member in members) + ";\n"


def _members(info: inspect.Type) -> list[str]:
    """The type as the members of a union."""
    match info:
        case inspect.UnionType():
            members = tuple(one.cls.__name__ if isinstance(one, inspect.StructType) else "" for one in info.types)
            named = [_ts(name) for name, others in shapes.unions().items() if others == members]
            return named or [member for one in info.types for member in _members(one)]
        case inspect.LiteralType():
            named = [_ts(name) for name, values in shapes.choices().items() if set(values) == set(info.values)]
            return named or [_quoted(value) for value in info.values]
        case inspect.ListType():
            items = _members(info.item_type)
            return [f"{items[0]}[]" if len(items) == 1 else f"({' | '.join(items)})[]"]
        case inspect.DictType():
            return [f"Record<string, {' | '.join(_members(info.value_type))}>"]
        case inspect.StructType():
            return [_ts(info.cls.__name__)]
    return [_SCALARS[type(info)]]


_SCALARS: dict[type[inspect.Type], str] = {
    inspect.AnyType: "unknown",
    inspect.StrType: "string",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
}


def _comment(text: str) -> str:
    lines = text.splitlines()
    if len(lines) < 2:
        return f"/** {text} */\n" if text else ""
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- defaults.ts


def defaults() -> str:
    """What the wire leaves out: the defaults of each shape, and which of its fields hold shapes of their own."""
    found = shapes.structs(shapes.PAGE)
    made = "".join(f"  {_ts(name)}: () => ({_object(_defaults(shape), 2)}),\n" for name, shape in found.items())
    ours = {_ts(name) for name in [*found, *shapes.unions()]}
    nested = {_ts(name): inner for name, shape in found.items() if (inner := _nested(shape, ours))}
    tagged = {
        _ts(name): {str(found[member].tag): _ts(member) for member in members}
        for name, members in _page_unions(found).items()
        if all(found[member].tag is not None for member in members)
    }
    return _HEAD + "\n".join(
        [
            "/** New values, by shape, of the fields that are absent on the wire when they have them. */\n"
            f"export const DEFAULTS = {{\n{made}}} as const;\n",
            "/** The fields that hold shapes: one, a list of them, or null; a union where it is named so. */\n"
            f"export const NESTED = {_object(nested, 0)} as const;\n",
            f"/** The shape behind each tag of a union. */\nexport const TAGGED = {_object(tagged, 0)} as const;\n",
        ]
    )


def _defaults(shape: inspect.StructType) -> dict[str, Any]:
    return {field.encode_name: shapes.default(field) for field in shape.fields if not field.required}


def _nested(shape: inspect.StructType, ours: set[str]) -> dict[str, str]:
    """Field → the shape or union that it holds, alone, in a list, or beside null."""
    return {
        field.encode_name: name
        for field in shape.fields
        for name in (member.removesuffix("[]") for member in _members(field.type))
        if name in ours
    }


def _object(value: Any, indent: int) -> str:
    if not isinstance(value, dict) or not value:
        return _quoted(value)
    pad = " " * indent
    rows = "".join(f"{pad}  {_key(key)}: {_object(item, indent + 2)},\n" for key, item in value.items())
    return f"{{\n{rows}{pad}}}"


def _key(key: str) -> str:
    return key if key.isidentifier() else _quoted(key)


# --- constants.ts

_CONSTANTS: tuple[tuple[Any, str, str], ...] = (
    (wire, "JSON_PROTOCOL", "The WebSocket subprotocol with JSON in text messages."),
    (wire, "MSGPACK_PROTOCOL", "The WebSocket subprotocol with MessagePack in binary messages."),
    (wire, "TEXT_CHARS_MAX", "Characters (code points) of one message of a user."),
    (wire, "NAMESPACES_MAX", "Subtrees that one subscription may name."),
    (wire, "SUBSCRIPTIONS_MAX", "Subscriptions of one connection."),
    (wire, "MESSAGE_BYTES_MAX", "Bytes of one message to the gateway."),
    (wire, "CLOSED_COME_BACK", "Close codes (first, last) after which a client comes back at once."),
    (wire, "CLOSED_COME_BACK_LATER", "Close codes (first, last) after which a client comes back later."),
    (wire, "CLOSED_FOR_GOOD", "Close codes (first, last) after which a client does not come back."),
    (ids, "ID_CHARS_MAX", "Characters of an id."),
    (events, "IN_LANE", "The lane of the gateways in every conversation."),
    (events, "CONTENT_BYTES_MAX", "Bytes of artifact content above which it is referenced."),
    (namespace, "ROOT", "The namespace of the agent that answers."),
    (namespace, "DEPTH_MAX", "Elements of a namespace."),
    (transcript, "ENDED", "The statuses of a run that is over."),
)


def constants() -> str:
    """Limits and names that the page shares with the gateway."""
    return _HEAD + "\n".join(
        f"/** {note} */\nexport const {name} = {_constant(getattr(module, name))};\n"
        for module, name, note in _CONSTANTS
    )


def _constant(value: Any) -> str:
    match value:
        case frozenset():
            return f"new Set<string>([{', '.join(map(_quoted, sorted(value)))}]) as ReadonlySet<string>"
        case range():
            return f"[{value[0]}, {value[-1]}] as const"
    return f"{value:_}" if isinstance(value, int) else _quoted(value)
