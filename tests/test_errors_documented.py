"""docs/errors.md names every code that the product uses, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "errors.md"
SOURCES = [path for package in ("schemas", "services") for path in (ROOT / package).rglob("*.py")]
TREES = [ast.parse(path.read_text()) for path in SOURCES]


def error_classes() -> set[str]:
    """The names of AnabranchError and of all classes below it."""
    bases = {node.name: {getattr(base, "id", "") for base in node.bases} for tree in TREES for node in classes(tree)}
    found = {"AnabranchError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def constants() -> dict[str, str]:
    """Module constants that are texts, by name."""
    return {
        node.targets[0].id: node.value.value
        for tree in TREES
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def texts(value: ast.AST, named: dict[str, str]) -> Iterator[str]:
    """The texts that an expression may be."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in named:
            yield named[name]
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body, named)
            yield from texts(orelse, named)


def used_codes() -> set[str]:
    """`code = "…"` of error classes, `code="…"` of any call, and the first argument of `Failed(…)`."""
    errors, named = error_classes(), constants()
    found: set[str] = set()
    for tree in TREES:
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(name=name, body=body) if name in errors:
                    for line in body:
                        if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "code":
                            found.update(texts(line.value, named))
                case ast.Call(func=ast.Name(id="Failed"), args=[code, *_]):
                    found.update(texts(code, named))
                case ast.keyword(arg="code", value=value):
                    found.update(texts(value, named))
    return found


def documented_codes() -> list[str]:
    """The first cell of each row of the page's tables."""
    return re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text(), re.MULTILINE)


def test_every_code_that_is_used_is_documented_and_no_other():
    assert used_codes() == set(documented_codes())


def test_every_code_is_documented_once():
    documented = documented_codes()
    assert len(documented) == len(set(documented))
