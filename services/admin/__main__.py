"""`python -m services.admin`: what a person, or a deployment, does to the broker and the archive.

Exit code 0: done; 1: it was done and something is wrong (differences, a letter that cannot be replayed); 2: it could not be
done, and one line on stderr says why.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from schemas.errors import AnabranchError
from services.admin import commands
from services.admin.settings import Settings
from services.runtime import configure_logging, read_settings


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.admin", description=__doc__.partition("\n")[0])
    todo = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(todo, "apply", commands.apply, "make the streams and the archive's tables, or bring them up to date")
    _add(todo, "verify", commands.check, "compare the archive with the fold of the log")
    _add(todo, "lag", commands.lag, "what waits in the queues, and since when")
    letters = todo.add_parser("dead", help="what could not be done").add_subparsers(required=True, metavar="COMMAND")
    listed = _add(letters, "list", commands.dead_list, "show dead letters")
    listed.add_argument("seq", type=int, nargs="*", help="number of a letter; all without one")
    for name, command, what in (
        ("replay", commands.dead_replay, "put the messages back into their queue"),
        ("drop", commands.dead_drop, "give the messages up for good"),
    ):
        chosen = _add(letters, name, command, what).add_mutually_exclusive_group(required=True)
        chosen.add_argument("seq", type=int, nargs="*", default=[], help="number of a letter")
        chosen.add_argument("--all", action="store_true", help="every letter")
    return parser.parse_args(arguments)


def _add(
    group: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: commands.Command, what: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(name, help=what, description=what)
    parser.set_defaults(command=command)
    return parser


async def _run(arguments: argparse.Namespace) -> int:
    code: int = await arguments.command(read_settings(Settings), arguments)
    return code


def main() -> int:
    arguments = parse()
    configure_logging(commands.NAME, "WARNING")
    try:
        return asyncio.run(_run(arguments))
    except AnabranchError as error:
        print(f"admin: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        pass
    return 2


if __name__ == "__main__":
    sys.exit(main())
