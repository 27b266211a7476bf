"""Logs that no writer would write: every event with any values, about few things, so that they meet.

What makes most random logs dull is put right most of the time: the number of a frame, and the place of a delta.
"""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from schemas import events as ev
from schemas.errors import FoldError
from schemas.fold import Fold
from schemas.patch import apply_patch
from schemas.transcript import Artifact, Message, Reasoning, ToolCall, Transcript

EVENTS: tuple[type[msgspec.Struct], ...] = ev.KnownEvent.__args__

IDS = ["x1", "x2", "x3", "__proto__", "constructor", "r1/main/state", "r1/main/a:1"]
NAMESPACES = ["", "", "main", "main/a:1", "main/a:1/b:2", "main/a:10", "main/__proto__:1"]
KEYS = ["k", "a/b", "a~b", "0", "-", "", "__proto__", "constructor", "length", "toString", "é"]
POINTERS = [
    "",
    "/",
    "/k",
    "/k/0",
    "/k/1",
    "/k/-",
    "/k/00",
    "/k/-1",
    "/k/1e0",
    "/k/\u0663",
    "/k/length",
    "/a~1b",
    "/a~0b",
    "/~01",
    "k",
]
POINTERS += ["/__proto__", "/__proto__/k", "/constructor", "/constructor/prototype/k", "/toString", "/é"]
PIECES = ["", "a", "🌊", "👩‍👩‍👧", "e\u0301", "\u2028", "\x00", "\ufeff", "\x85", "\x1c", "\n", " ", "<b>", "x" * 79]
PIECES += ["\U0010ffff", "\ufffd"]

texts = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(0, 2) | numbers | texts
keys = st.sampled_from(KEYS)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "add", "add", "remove", "replace", "move", "copy", "test", "invent"])},
    optional={"path": st.sampled_from(POINTERS), "from": st.sampled_from(POINTERS), "value": values},
)


Patched = tuple[Any, list[list[dict[str, Any]]]]


@st.composite
def patched_states(draw: st.DrawFn) -> Patched:
    """A state and patches of it, one operation each, whose pointers lead where something is or could be."""
    state = draw(values)
    operation = st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])
    patches = []
    for _ in range(draw(st.integers(1, 6))):
        (path, there), (source, _) = _pointer(draw, state), _pointer(draw, state)
        value = draw(st.just(there) | values)
        patches.append([{"op": draw(operation), "path": path, "from": source, "value": value}])
        with contextlib.suppress(FoldError):
            state = apply_patch(state, patches[-1])
    return state, patches


def _pointer(draw: st.DrawFn, value: Any) -> tuple[str, Any]:
    """A JSON pointer into the value, or just beside what it holds, and what is there."""
    pointer = ""
    while draw(st.integers(0, 4)):
        match value:
            case dict():
                key = draw(st.sampled_from([*value, *KEYS]))
                pointer, value = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", value.get(key)
            case list():
                inside = {str(index): item for index, item in enumerate(value)}
                token = draw(st.sampled_from([*inside, *inside, str(len(value)), "-", "01", "-1", "\u0660", "1.0", ""]))
                pointer, value = f"{pointer}/{token}", inside.get(token)
            case _:
                break
    return pointer, value


_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(IDS),
    "message": st.sampled_from(IDS),
    "ns": st.sampled_from(NAMESPACES),
    "dt": st.integers(0, 5),
    "at": st.integers(0, 3),
    "version": st.sampled_from([1, 1, 1, 2, 2, 3]),
    "patch": st.lists(operations, max_size=4),
    "model": st.sampled_from(["small", "large", "__proto__"]),
}


def _of(name: str, info: inspect.Type) -> st.SearchStrategy[Any]:
    if name in _BY_NAME:
        return _BY_NAME[name]
    match info:
        case inspect.StrType():
            return texts
        case inspect.IntType():
            return st.integers(0, 9)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType():
            return st.sampled_from(info.values)
        case inspect.UnionType():
            return st.one_of(*(_of("", one) for one in info.types))
        case inspect.ListType():
            return st.lists(_of("", info.item_type), max_size=2)
        case inspect.DictType():
            return st.dictionaries(keys, values, max_size=3)
        case inspect.StructType():
            return _struct(info)
    return values


def _struct(info: inspect.StructType) -> st.SearchStrategy[Any]:
    """Of the fields with defaults, any are left out."""
    given = {field.name: _of(field.name, field.type) for field in info.fields}
    required = {field.name: given.pop(field.name) for field in info.fields if field.required}
    return st.fixed_dictionaries(required, optional=given).map(lambda fields: info.cls(**fields))


_BY_FAMILY: dict[str, st.SearchStrategy[Any]] = {}
"""Events by the first word of their type, which is the type of the item they are about, where they are about one."""
for _cls in EVENTS:
    _family = str(_cls.__struct_config__.tag).partition(".")[0]
    _of_class = _struct(inspect.type_info(_cls))
    _BY_FAMILY[_family] = _BY_FAMILY[_family] | _of_class if _family in _BY_FAMILY else _of_class

_any_event = st.one_of(*(_struct(inspect.type_info(cls)) for cls in EVENTS))


@st.composite
def histories(draw: st.DrawFn) -> list[ev.Frame]:
    """Up to 24 frames of two runs and the `in` lane, most of which a fold takes."""
    fold = Fold(Transcript(conversation="c"), dense=False)
    frames = []
    for seq in range(1, draw(st.integers(1, 24)) + 1):
        frame = _frame(draw, fold, seq)
        frames.append(frame)
        before = msgspec.json.encode(fold.snapshot())
        try:
            fold.apply(frame)
        except FoldError:
            fold = Fold(msgspec.json.decode(before, type=Transcript), dense=False)
    return frames


def _frame(draw: st.DrawFn, fold: Fold, seq: int) -> ev.Frame:
    lane = draw(st.sampled_from(["", "", "", "in"]))
    run = draw(st.sampled_from(["r1", "r1", "r1", "r2", "__proto__"]))
    known = fold.runs.get(run)
    attempt = known.attempt if known is not None and known.attempt else 1
    last = fold.input_last if lane else known.last if known is not None else 0
    events = [_event(draw, fold) for _ in range(draw(st.integers(0, 4)))]
    return ev.Frame(
        run=run,
        lane=lane,
        n=max(1, last + draw(st.sampled_from([1] * 12 + [0, -1, 2, -3]))),
        attempt=max(1, attempt + draw(st.sampled_from([0] * 12 + [1, 1, -1]))),
        count=draw(st.sampled_from([0] * 8 + [1, 6])),
        ts=draw(st.integers(1, 9)),
        seq=seq,
        ns=draw(st.sampled_from(["main", "main/a:1"])),
        events=events,
    )


def _event(draw: st.DrawFn, fold: Fold) -> Any:
    """Any event, or half of the time one about something that is open; a delta mostly where the text that is there ends."""
    opened = [item for item in fold.items() if item.status == "open"]
    if not opened or draw(st.booleans()):
        return draw(_any_event)
    item = draw(st.sampled_from(opened))
    event = draw(_BY_FAMILY[str(item.__struct_config__.tag)])
    if not hasattr(event, "id"):  # an agent is known by its namespace
        return msgspec.structs.replace(event, ns=item.ns)
    placed = {"at": len(_text_of(item))} if isinstance(event, ev.TEXT_DELTAS) and draw(st.integers(0, 9)) else {}
    return msgspec.structs.replace(event, id=item.id, **placed)


def _text_of(item: Any) -> str:
    match item:
        case Message(content=text) | Reasoning(content=text) | ToolCall(args_text=text):
            return text
        case Artifact(versions=[*_, version]):
            return version.content or ""
    return ""
