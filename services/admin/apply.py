"""`apply`: make the streams, consumers and tables what they should be, and say first what that changes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from schemas.errors import Invalid
from services.admin.context import open_connection
from services.admin.printing import print_json
from services.admin.settings import Settings
from services.archive.migrate import migrate
from services.broker.plan import Change, allowed, refused
from services.broker.provision import carry_out, patiently, plan
from services.broker.stream_file import read_layout

ABOUT = """
Makes the server's streams and consumers those of deploy/streams.yaml (ANABRANCH_STREAMS, ANABRANCH_PROFILE), and the
archive's tables current. Prints one line for each difference first. Nothing at all is changed if one of them would lose
something: lower limits than what is stored, subjects no longer taken, another retention or storage. What is on the server
and not in the file stays.
"""

CODES = """
exit code: 0 the server is as the file says; 1 --dry-run found differences; 2 it could not be done (stderr says why), or
something would be lost, and then nothing was changed.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="print the differences and change nothing")
    parser.add_argument(
        "--allow-loss",
        metavar="NAME",
        action="append",
        default=[],
        help="carry out what loses something of this stream (or STREAM.CONSUMER), and delete it if it is not in the file; "
        "may be given several times",
    )


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    layout = read_layout()
    loss: list[str] = chosen.allow_loss
    async with open_connection(settings) as connection:
        changes = await patiently(lambda: plan(connection, layout))
        if strange := set(loss) - {change.name for change in changes}:
            raise Invalid(f"--allow-loss {sorted(strange)[0]}: nothing is to be changed there")
        stopped = refused(changes, loss)
        changes = allowed(changes, loss)
        _show(changes, stopped, chosen)
        if stopped:
            print("admin: nothing was changed: name what may be lost with --allow-loss", file=sys.stderr)
            return 2
        if chosen.dry_run:
            return 1 if any(change.kind != "keep" for change in changes) else 0
        await patiently(lambda: carry_out(connection, layout, loss))
    await migrate(settings.database_url)
    if not chosen.json:
        print("The streams are as the file says; the archive's tables are current.")
    return 0


def _show(changes: Sequence[Change], stopped: Sequence[Change], chosen: argparse.Namespace) -> None:
    if chosen.json:
        print_json(
            {"dry_run": chosen.dry_run, "refused": bool(stopped), "changes": [_row(one, stopped) for one in changes]}
        )
        return
    for change in changes:
        kind = "refuse" if change in stopped else change.kind
        for item in change.items:
            notes = [f"WARNING: {item.warning}"] if item.warning else []
            if item.loss:
                notes.append(f"it holds {item.loss}" if change.kind in {"keep", "delete"} else item.loss)
            print(f"{kind:8} {change.name}: {' -- '.join([item.text, *notes])}")


def _row(change: Change, stopped: Sequence[Change]) -> dict[str, object]:
    return {
        "do": "refuse" if change in stopped else change.kind,
        "name": change.name,
        "differences": [item._asdict() for item in change.items],
    }
