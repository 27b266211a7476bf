"""JSON Patch (RFC 6902) on plain JSON values, for `state.delta`.

Written here because `schemas` imports msgspec alone; tests/schemas/test_patch.py holds it to the `jsonpatch` library.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from schemas.errors import FoldError


def apply_patch(value: Any, patch: list[dict[str, Any]]) -> Any:
    """Return `value` with the operations applied in order; `value` itself is left as it is.

    Raises:
        FoldError: an operation is malformed, its path does not exist, or a `test` fails.
    """
    value = deepcopy(value)
    for operation in patch:
        try:
            value = _apply(value, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            raise FoldError(f"JSON Patch operation {operation!r} does not apply: {error}") from error
    return value


def _apply(value: Any, operation: dict[str, Any]) -> Any:
    path = _tokens(operation["path"])
    match operation["op"]:
        case "add":
            return _add(value, path, deepcopy(operation["value"]))
        case "remove":
            return _remove(value, path)
        case "replace":
            _get(value, path)
            return _add(_remove(value, path), path, deepcopy(operation["value"]))
        case "move":
            source = _tokens(operation["from"])
            if path[: len(source)] == source and path != source:
                raise ValueError("a value cannot move into itself")
            moved = _get(value, source)
            return _add(_remove(value, source), path, moved)
        case "copy":
            return _add(value, path, deepcopy(_get(value, _tokens(operation["from"]))))
        case "test":
            if not _equal(_get(value, path), operation["value"]):
                raise ValueError("test failed")
            return value
        case other:
            raise ValueError(f"unknown op {other!r}")


def _tokens(pointer: str) -> list[str]:
    """RFC 6901: `/a~1b/0` is ["a/b", "0"]."""
    if pointer and not pointer.startswith("/"):
        raise ValueError("a JSON pointer is empty or starts with '/'")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _get(value: Any, path: list[str]) -> Any:
    for token in path:
        value = value[_index(token, len(value) - 1)] if isinstance(value, list) else value[token]
    return value


def _add(value: Any, path: list[str], added: Any) -> Any:
    if not path:
        return added
    target = _get(value, path[:-1])
    if isinstance(target, list):
        target.insert(len(target) if path[-1] == "-" else _index(path[-1], len(target)), added)
    elif isinstance(target, dict):
        target[path[-1]] = added
    else:
        raise TypeError("neither an array nor an object")
    return value


def _remove(value: Any, path: list[str]) -> Any:
    if not path:
        return None
    target = _get(value, path[:-1])
    if isinstance(target, list):
        del target[_index(path[-1], len(target) - 1)]
    else:
        del target[path[-1]]
    return value


def _index(token: str, highest: int) -> int:
    if not (token.isascii() and token.isdecimal()) or (len(token) > 1 and token[0] == "0") or int(token) > highest:
        raise IndexError(f"{token!r} is no index up to {highest}")
    return int(token)


def _equal(left: Any, right: Any) -> bool:
    """JSON equality: unlike in Python, `1` is not `true`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
