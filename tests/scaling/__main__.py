"""`python -m tests.scaling [name=value …]`: the tables of docs/scaling.md, with other inputs; `--write`: into the page."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tests.scaling.inputs import Inputs, sources
from tests.scaling.tables import tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"
TABLE = re.compile(r"(?<=<!-- table: )(\w+)( -->\n)((?:\|.*\n)*)")


def filled(page: str, inputs: Inputs) -> str:
    """The page with its tables as the inputs make them."""
    made = tables(inputs)
    return TABLE.sub(lambda found: f"{found[1]}{found[2]}{made[found[1]]}\n", page)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.scaling", description="What runs cost, and what they fill.")
    parser.add_argument("inputs", nargs="*", metavar="name=value", help=f"of {', '.join(sources())}")
    parser.add_argument("--write", action="store_true", help="into docs/scaling.md, with the inputs as they are")
    chosen = parser.parse_args()
    given = dict(entry.partition("=")[::2] for entry in chosen.inputs)
    if unknown := set(given) - set(sources()):
        parser.error(f"there is no input {', '.join(sorted(unknown))}")
    try:
        values = {name: float(value) for name, value in given.items()}
    except ValueError as error:
        parser.error(str(error))
    if chosen.write and given:
        parser.error("--write takes the inputs as they are: change tests/scaling/inputs.py")
    if chosen.write:
        PAGE.write_text(filled(PAGE.read_text(), Inputs()))
    else:
        print("\n\n".join(tables(Inputs(**values)).values()))


if __name__ == "__main__":
    sys.exit(main())
