"""docs/settings.md names every environment variable that is read, with its default."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from pathlib import Path

import msgspec

from services.broker.credentials import Credentials
from services.broker.stream_file import layout
from services.broker.streams import Deployment
from services.runtime import Logging, _variable

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "settings.md"
SOURCES = {path: path.read_text() for path in (ROOT / "services").rglob("*.py")}


def settings() -> list[type[msgspec.Struct]]:
    """Every Struct that a process fills from the environment: called `Settings`, and for deployment, credentials and log."""
    defining = [path for path, text in SOURCES.items() if re.search(r"^class Settings\(", text, re.MULTILINE)]
    modules = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in defining)
    return [Deployment, Credentials, Logging, *(importlib.import_module(module).Settings for module in modules)]


def documented() -> dict[str, set[str]]:
    """The defaults that the page's tables name for each variable."""
    found = defaultdict(set)
    for name, default in re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", PAGE.read_text(), re.MULTILINE):
        found[name].add(default)
    return found


def default_of(kind: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> str:
    """As the page shows it. The variables of deploy/streams.yaml have their values there."""
    default = getattr(layout().deployment, field.name) if kind is Deployment else field.default
    return str(int(default)) if isinstance(default, bool) else str(default)


def test_every_field_of_every_settings_struct_is_documented_with_its_default():
    page = documented()
    fields = [(kind, field) for kind in settings() for field in msgspec.structs.fields(kind)]
    missing = {
        _variable(field): default_of(kind, field)
        for kind, field in fields
        if default_of(kind, field) not in page[_variable(field)]
    }
    assert not missing


def test_every_variable_that_the_code_names_is_documented_and_no_other():
    read = {_variable(field) for kind in settings() for field in msgspec.structs.fields(kind)}
    named = {name for text in SOURCES.values() for name in re.findall(r"\bANABRANCH_[A-Z_]*[A-Z]\b", text)}
    assert set(documented()) == read | named
