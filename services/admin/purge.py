"""`purge`: delete a conversation for good, as DELETE /v1/conversations/{c} does (docs/decisions/0009), without a gateway."""

from __future__ import annotations

import argparse
import asyncio
from typing import NamedTuple

from schemas import events as ev
from schemas import subjects
from schemas.codec import decode_frame
from schemas.cursor import Cursor
from schemas.errors import Conflict, Deleted
from schemas.fold import Fold
from schemas.transcript import Transcript
from services.admin.context import open_archive, open_broker, open_connection
from services.admin.printing import print_json
from services.admin.settings import Settings
from services.admin.slots import find_slot
from services.archive.port import ArchiveReader
from services.broker.burial import deletion_id, deletion_of
from services.broker.input_lane import append_input, lane_is_over
from services.broker.port import Broker, Record
from services.broker.stream_file import read_layout

ABOUT = """
Deletes a conversation: `conversation.deleted` becomes the last word of its log, whoever watches it is told, and a persister
removes it from the archive, the log, its mirror, the queues and the object store. Refused while a run is active: cancel it
first. Without --yes it only says what there is.
"""

REMOVED_S = 10.0
"""How long the command waits for a persister to have removed it."""

PAUSE_S = 0.1


class Place(NamedTuple):
    tenant: str
    conversation: str
    partition: int


class _Said(Exception):
    """The last word is there already, at this sequence."""

    def __init__(self, seq: int) -> None:
        super().__init__()
        self.seq = seq


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("conversation", help="id of the conversation")
    parser.add_argument("--tenant", default="default", help="whose it is (%(default)s)")
    parser.add_argument("--yes", action="store_true", help="do it: nothing brings it back")


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with open_archive(settings) as archive, open_connection(settings) as connection:
        try:
            found = await find_slot(connection, archive, read_layout(), chosen.tenant, chosen.conversation)
        except Deleted:
            _say(chosen, "gone", "it was deleted before")
            return 0
    place = Place(found.tenant, found.conversation, found.slot)
    async with open_archive(settings) as archive, open_broker(settings) as broker:
        if not chosen.yes:
            fold = await _read(broker, archive, place, 0)
            what = f"{fold.title!r}, {len(fold.runs)} runs, {found.messages} messages in {found.stream}"
            _say(chosen, "kept", f"{what}: --yes deletes it")
            return 1
        if await purge(broker, archive, place):
            _say(chosen, "gone", "deleted: the archive has forgotten it, and a persister empties log and object store")
        else:
            _say(chosen, "going", "its last word is said; it is removed as soon as a persister comes to it")
    return 0


async def purge(broker: Broker, archive: ArchiveReader, place: Place) -> bool:
    """Say the last word and have everything before it removed; whether the archive has forgotten it within REMOVED_S.

    Raises:
        Conflict: a run is active (code `conversation_busy`).
        Unavailable: call again.
    """
    fold = Fold(Transcript(conversation=place.conversation))

    async def decide(last: Record | None) -> list[ev.AnyEvent]:
        nonlocal fold
        if last is not None and isinstance(decode_frame(last.data).events[-1], ev.ConversationDeleted):
            raise _Said(last.seq)
        fold = await _read(broker, archive, place, last.seq if last is not None else 0)
        for active in fold.active_runs:
            if not await lane_is_over(broker, place.partition, place.tenant, place.conversation, active.id):
                raise Conflict(f"run {active.id} is active: cancel it first", code="conversation_busy")
        return [ev.ConversationDeleted()]

    epoch = (await broker.bounds(place.partition)).epoch
    try:
        stored = await append_input(
            broker, place.partition, place.tenant, place.conversation, "", decide, input_last=lambda: fold.input_last
        )
        seq = stored.seq
    except _Said as said:
        seq = said.seq
    fold = await _read(broker, archive, place, seq)  # all that the last run has stored is before this
    deletion = deletion_of(place, fold, Cursor(epoch, seq))
    await broker.publish_seal(deletion, deletion_id(deletion))
    return await _removed(archive, place)


async def _removed(archive: ArchiveReader, place: Place) -> bool:
    try:
        async with asyncio.timeout(REMOVED_S):
            while True:
                if await archive.is_deleted(place.tenant, place.conversation):
                    return True
                await asyncio.sleep(PAUSE_S)
    except TimeoutError:
        return False


async def _read(broker: Broker, archive: ArchiveReader, place: Place, upto: int) -> Fold:
    """The conversation, from archive and log, at least to stream sequence `upto`: what serves reads may be behind."""
    archived = await archive.conversation(place.tenant, place.conversation)
    if archived is None:
        fold, after = Fold(Transcript(conversation=place.conversation), dense=False), 0
    else:
        fold = Fold(archived.transcript, dense=False, beyond=archived.beyond)
        epoch = (await broker.bounds(place.partition)).epoch
        after = archived.cursor.seq if archived.cursor is not None and archived.cursor.epoch == epoch else 0
    lanes = subjects.conversation_events(place.partition, place.tenant, place.conversation)
    while True:
        batch = await broker.read(place.partition, lanes, after, holds=upto)
        for record in batch.records:
            fold.apply(decode_frame(record.data, record.seq))
        after = batch.last_seq
        if not batch.records and after >= upto:
            return fold
        if not batch.records:
            await asyncio.sleep(PAUSE_S)


def _say(chosen: argparse.Namespace, state: str, text: str) -> None:
    if chosen.json:
        print_json({"tenant": chosen.tenant, "conversation": chosen.conversation, "state": state, "what": text})
    else:
        print(f"{chosen.tenant}/{chosen.conversation}: {text}")
