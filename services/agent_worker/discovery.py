"""Agents and tools are found, not listed: every module of a package is imported, and what it defines is taken."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Protocol, TypeVar

from schemas.errors import Invalid


class Named(Protocol):
    name: str


N = TypeVar("N", bound=Named)


def discover(package: ModuleType, kind: type[N]) -> dict[str, N]:
    """Every `kind` in the modules of `package`, by name. A module may import what another one defines.

    Raises:
        Invalid: two of them have the same name, or a module cannot be imported.
    """
    found: dict[str, N] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for thing in vars(_imported(module.name)).values():
            if not isinstance(thing, kind):
                continue
            if found.setdefault(thing.name, thing) is not thing:
                raise Invalid(
                    f"{module.name}: there is another {kind.__name__.lower()} {thing.name!r}", code="duplicate"
                )
    return dict(sorted(found.items()))


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise Invalid(f"{name} cannot be imported: {type(error).__name__}: {error}", code="invalid_module") from error
