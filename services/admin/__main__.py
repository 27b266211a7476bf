"""`python -m services.admin`: what a person, or a deployment, does to the broker and the archive.

Exit code 0: done; 1: it was done and something is wrong (differences, a letter that cannot be replayed, a run that is stuck);
2: it could not be done, and one line on stderr says why.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import TypeAlias

from schemas.errors import AnabranchError
from services.admin import apply, dead, exporter, lag, permissions, purge, slots, stuck, verify, wait
from services.admin.context import NAME, Command
from services.admin.settings import Settings
from services.runtime import configure_logging, read_settings

CODES = "exit code: 0 done; 1 done, and something is wrong; 2 it could not be done, and stderr says why."

WHERE = "Reads ANABRANCH_NATS_URL, ANABRANCH_DATABASE_URL and what docs/settings.md says of streams and queues."

Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    head = "What a person, or a deployment, does to the broker and the archive."
    parser = argparse.ArgumentParser(prog="python -m services.admin", description=head, epilog=f"{WHERE} {CODES}")
    todo = parser.add_subparsers(required=True, metavar="COMMAND")
    apply.arguments(
        _add(todo, "apply", apply.run, "make streams and tables what they should be", apply.ABOUT, codes=apply.CODES)
    )
    _add(todo, "wait", wait.run, "end when `apply` of this version has been done", wait.ABOUT)
    _add(todo, "lag", lag.run, "what waits in the streams, and how full they are", lag.ABOUT)
    _add(todo, "verify", verify.run, "compare the archive with the fold of the log", verify.ABOUT)
    _letters(todo)
    slots.arguments(_add(todo, "slots", slots.run, "where conversations lie", slots.ABOUT))
    stuck.arguments(_add(todo, "stuck", stuck.run, "what should go on and does not", stuck.ABOUT))
    purge.arguments(_add(todo, "purge", purge.run, "delete a conversation for good", purge.ABOUT))
    _add(todo, "metrics", exporter.run, "serve what lies in the streams to Prometheus", exporter.ABOUT)
    _add(todo, "permissions", permissions.run, "what each service's NATS user may do", permissions.ABOUT)
    return parser.parse_args(arguments)


def _letters(todo: Parsers) -> None:
    what = "what could not be done"
    parser = todo.add_parser("dead", help=what, description=dead.ABOUT, epilog=CODES)
    letters = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = _add(letters, "list", dead.run_list, "show dead letters", dead.ABOUT)
    listed.add_argument("seq", type=int, nargs="*", help="number of a letter; all without one")
    for name, command, done in (
        ("replay", dead.run_replay, "put the messages back into their queue"),
        ("drop", dead.run_drop, "give the messages up for good"),
    ):
        chosen = _add(letters, name, command, done, done).add_mutually_exclusive_group(required=True)
        chosen.add_argument("seq", type=int, nargs="*", default=[], help="number of a letter")
        chosen.add_argument("--all", action="store_true", help="every letter")


def _add(
    group: Parsers, name: str, command: Command, what: str, about: str, *, codes: str = CODES
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(name, help=what, description=about, epilog=codes)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(command=command)
    return parser


async def _run(arguments: argparse.Namespace) -> int:
    code: int = await arguments.command(read_settings(Settings), arguments)
    return code


def main() -> int:
    arguments = parse()
    configure_logging(NAME, "WARNING")
    try:
        return asyncio.run(_run(arguments))
    except AnabranchError as error:
        print(f"admin: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        pass
    return 2


if __name__ == "__main__":
    sys.exit(main())
