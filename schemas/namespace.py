"""Namespaces: who speaks inside a run, as a path such as `main/supervisor:1/writer:2`.

The root is `main`. Every further element is `agent:invocation`, so the same agent called twice has two namespaces.
"""

from __future__ import annotations

import re

from schemas.errors import Invalid

ROOT = "main"
DEPTH_MAX = 8

_ELEMENT = re.compile(r"^[A-Za-z0-9_-]{1,64}:[A-Za-z0-9_-]{1,64}\Z")


def check(ns: str) -> str:
    """Return `ns` if it is a namespace.

    Raises:
        Invalid: it does not start at `main`, is deeper than 8, or has an element that is not `agent:invocation`.
    """
    root, *elements = ns.split("/")
    if root != ROOT:
        raise Invalid(f"namespace {ns[:80]!r} does not start with 'main'", code="invalid_namespace")
    if len(elements) >= DEPTH_MAX:
        raise Invalid(f"namespace is {len(elements) + 1} deep, the limit is {DEPTH_MAX}", code="invalid_namespace")
    for element in elements:
        if not _ELEMENT.match(element):
            raise Invalid(
                f"namespace element {element[:80]!r} is not 'agent:invocation', each 1 to 64 of A-Z a-z 0-9 _ -",
                code="invalid_namespace",
            )
    return ns


def child(parent: str, agent: str, invocation: str) -> str:
    """The namespace of `agent`'s `invocation` under `parent`. Raises Invalid as `check` does; a name that cannot be one is
    called so.
    """
    if not _ELEMENT.match(f"{agent}:1"):
        raise Invalid(f"{agent[:80]!r} is no name for an agent: 1 to 64 of A-Z a-z 0-9 _ -", code="invalid_namespace")
    return check(f"{parent}/{agent}:{invocation}")


def parent(ns: str) -> str | None:
    """The namespace that `ns` was opened in; None for the root."""
    head, slash, _ = ns.rpartition("/")
    return head if slash else None


def agent_of(ns: str) -> str:
    """The name of the agent that speaks in `ns`; `main` at the root."""
    return ns.rpartition("/")[2].partition(":")[0]


def depth(ns: str) -> int:
    return ns.count("/") + 1


def within(ns: str, subtree: str) -> bool:
    """Whether `ns` is `subtree` or below it."""
    return ns == subtree or ns.startswith(subtree + "/")
