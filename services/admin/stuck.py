"""`stuck`: what should go on and does not."""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict

import msgspec

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.admin.context import open_archive, open_connection
from services.admin.printing import print_json, print_table
from services.admin.settings import Settings
from services.admin.stalling import Conversation, Finding, stalled
from services.archive.port import ArchiveReader
from services.broker import api, direct
from services.broker.connection import Connection
from services.broker.input_lane import queued_run
from services.broker.port import READ_MESSAGES_MAX, Record
from services.broker.stream_file import read_layout
from services.broker.units import seconds_text
from services.runtime import now_ms

ABOUT = """
Looks through the whole log for runs that began and have not said anything for a while (those that wait for a person do not
count), queued runs whose predecessor is over, and runs that have ended and are not in the archive. Costs a few requests for each
conversation in the log: not for a loop. Exit code 1 if there are any.
"""

FOR_S = 60.0
"""Above an ack_wait and a takeover: shorter silences mend themselves."""

CONVERSATIONS_AT_ONCE = 16

ADVICE = {
    "silent": {True: "its command waits or is held: is there a worker?", False: "no command: cancel the run"},
    "queued": {True: "its command waits: is there a worker?", False: "no command: send the message again, or cancel"},
    "unsealed": {True: "its command waits: a worker will seal it", False: "look at `lag` and `dead list`"},
}


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: as in `stalling`. `command`: whether the queue has a command of the conversation."""

    kind: str
    tenant: str
    conversation: str
    run: str
    slot: int
    idle_s: float
    command: bool
    advice: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for", dest="for_s", type=float, default=FOR_S, metavar="S", help="seconds without a movement (%(default)g)"
    )


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with open_archive(settings) as archive, open_connection(settings) as connection:
        found = await stuck(connection, archive, read_layout().deployment.partitions, chosen.for_s)
    if chosen.json:
        print_json(found)
    elif found:
        print_table(
            ("KIND", "TENANT/CONVERSATION", "RUN", ">SLOT", ">FOR", "WHAT TO DO"),
            [
                (
                    one.kind,
                    f"{one.tenant}/{one.conversation}",
                    one.run,
                    str(one.slot),
                    seconds_text(one.idle_s),
                    one.advice,
                )
                for one in found
            ],
        )
    else:
        print(f"Nothing has stood still for {chosen.for_s:g} s.")
    return 1 if found else 0


async def stuck(connection: Connection, archive: ArchiveReader, partitions: int, for_s: float) -> list[Stuck]:
    """The longest silence first. Raises Unavailable, NotFound."""
    names = await api.stream_names(connection)
    older = (int(name.rpartition("_")[2]) for name in names if name.startswith("AB_EVENTS_"))
    found: list[Stuck] = []
    for slot in sorted({*range(partitions), *older}):
        found += await _Look(connection, archive, slot, for_s).everywhere()
    return sorted(found, key=lambda one: -one.idle_s)


class _Look:
    """Through one slot."""

    def __init__(self, connection: Connection, archive: ArchiveReader, slot: int, for_s: float) -> None:
        self._connection = connection
        self._archive = archive
        self._slot = slot
        self._stream = subjects.events_stream(slot)
        self._for_s = for_s
        self._room = asyncio.Semaphore(CONVERSATIONS_AT_ONCE)

    async def everywhere(self) -> list[Stuck]:
        lanes: dict[tuple[str, str], list[str]] = defaultdict(list)
        for subject in await api.subject_counts(self._connection, self._stream, f"ab.evt.{self._slot}.>"):
            place = subjects.parse_event(subject)
            if place.lane != subjects.IN_LANE:
                lanes[place.tenant, place.conversation].append(subject)
            else:
                lanes[place.tenant, place.conversation] += []
        async with asyncio.TaskGroup() as tasks:
            looking = [tasks.create_task(self._at(*place, own)) for place, own in lanes.items()]
        return [one for task in looking for one in task.result()]

    async def _at(self, tenant: str, conversation: str, lanes: list[str]) -> list[Stuck]:
        async with self._room:
            inputs = await self._records(subjects.event(self._slot, tenant, conversation, subjects.IN_LANE))
            if inputs and isinstance(decode_frame(inputs[-1].data).events[-1], ev.ConversationDeleted):
                return []
            state = await self._state(tenant, inputs, lanes)
            found = stalled(state, now_ms(), self._for_s)
            if any(one.kind == "silent" for one in found):
                waiting = await self._waiting(tenant, conversation)
                found = [one for one in found if one.run not in waiting]
            return await self._named(tenant, conversation, found) if found else []

    async def _state(self, tenant: str, inputs: list[Record], lanes: list[str]) -> Conversation:
        lasts = await direct.last_messages(self._connection, self._stream, lanes)
        frames = {subjects.parse_event(subject).lane: decode_frame(data) for subject, data in lasts.items()}
        queued = [run for record in inputs if (run := queued_run(record)) is not None]
        known = {*frames, *(one.run for one in queued), *(one.after for one in queued if one.after)}
        return Conversation(queued, frames, await self._archive.archived_runs(tenant, sorted(known)))

    async def _waiting(self, tenant: str, conversation: str) -> set[str]:
        """The runs that wait for a person."""
        fold = Fold(Transcript(conversation=conversation), dense=False)
        for record in await self._records(subjects.conversation_events(self._slot, tenant, conversation)):
            fold.apply(decode_frame(record.data, record.seq))
        return {run.id for run in fold.active_runs if run.status == "waiting"}

    async def _records(self, matching: str) -> list[Record]:
        found: list[Record] = []
        while True:
            after = found[-1].seq if found else 0
            batch = await direct.read(self._connection, self._stream, matching, after, READ_MESSAGES_MAX)
            found += batch.records
            if not batch.records or not batch.pending:
                return found

    async def _named(self, tenant: str, conversation: str, found: list[Finding]) -> list[Stuck]:
        asked = subjects.commands_of(tenant, conversation)
        commands = bool(await api.subject_counts(self._connection, subjects.COMMANDS, asked))
        return [
            Stuck(
                kind=one.kind,
                tenant=tenant,
                conversation=conversation,
                run=one.run,
                slot=self._slot,
                idle_s=round(one.idle_s, 1),
                command=commands,
                advice=ADVICE[one.kind][commands],
            )
            for one in found
        ]
