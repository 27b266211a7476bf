"""Column types that give back exactly what was put in, on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sqlalchemy import JSON, Dialect, Text
from sqlalchemy.types import TypeDecorator

_ESCAPE = "\x1a"
"""ASCII SUBSTITUTE: a character that PostgreSQL stores and that texts hardly ever contain."""

_ESCAPED = re.compile(_ESCAPE + "(.)", re.DOTALL)


def escape(text: str) -> str:
    """`text` without U+0000, which PostgreSQL refuses in any text; nothing is lost."""
    if "\x00" not in text and _ESCAPE not in text:
        return text
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("\x00", _ESCAPE + "0")


def unescape(text: str) -> str:
    """What `escape` was given."""
    if _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda found: "\x00" if found[1] == "0" else found[1], text)


class AnyText(TypeDecorator[str]):
    """A text with any Unicode characters in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class JsonOf(TypeDecorator[Any]):
    """A value of one type that msgspec knows, as the database's JSON.

    PostgreSQL's `json` and not `jsonb`, because `jsonb` cannot hold the escape of U+0000.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any = Any) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else msgspec.convert(value, self.kind)


def to_json(value: Any) -> str:
    """The serializer of an engine that has JsonOf columns."""
    return msgspec.json.encode(value).decode()


from_json = msgspec.json.decode
