"""`verify`: every archived conversation against the fold of its log, as far as the log still has it."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from typing import NamedTuple

from schemas import subjects
from schemas.codec import decode_frame
from schemas.errors import Invalid, NotFound
from schemas.events import Frame
from services.admin.compare import Comparison, compare
from services.admin.context import open_archive, open_broker
from services.admin.printing import print_json
from services.admin.settings import Settings
from services.archive.port import ArchiveReader
from services.broker.port import Broker

PAGE_ROWS = 200


ABOUT = """
Compares every archived conversation with the fold of its log, as far as the log still has it, and names what differs.
"""


class Verified(NamedTuple):
    """`differences` name tenant and conversation."""

    conversations: int
    checked: int
    gone: int
    waiting: int
    differences: list[str]


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    async with open_archive(settings) as archive, open_broker(settings) as broker:
        found = await verify(archive, broker)
    if chosen.json:
        print_json(found._asdict())
    else:
        for difference in found.differences:
            print(difference)
        print(
            f"{found.conversations} conversations; runs: {found.checked} checked, {found.gone} whose log is gone, "
            f"{found.waiting} not archived yet; {len(found.differences)} differences"
        )
    return 1 if found.differences else 0


async def verify(archive: ArchiveReader, broker: Broker) -> Verified:
    """Raises Unavailable if archive or broker do not answer."""
    conversations = checked = gone = waiting = 0
    differences: list[str] = []
    async for tenant, conversation in _conversations(archive):
        found = await _verify_one(archive, broker, tenant, conversation)
        conversations += 1
        checked += found.checked
        gone += found.gone
        waiting += found.waiting
        differences += [f"{tenant}/{conversation}: {difference}" for difference in found.differences]
    return Verified(conversations, checked, gone, waiting, differences)


async def _conversations(archive: ArchiveReader) -> AsyncIterator[tuple[str, str]]:
    for tenant in await archive.tenants():
        page = ""
        while True:
            found = await archive.conversations(tenant, limit=PAGE_ROWS, page=page)
            for one in found.conversations:
                yield tenant, one.id
            page = found.next
            if not page:
                break


async def _verify_one(archive: ArchiveReader, broker: Broker, tenant: str, conversation: str) -> Comparison:
    archived = await archive.conversation(tenant, conversation)
    if archived is None:
        return Comparison(0, 0, 0, [])
    try:
        log = await _read_log(broker, archived.partition, tenant, conversation)
        epoch = (await broker.bounds(archived.partition)).epoch
    except NotFound:
        return Comparison(0, len(archived.transcript.runs), 0, [])
    except Invalid as error:
        return Comparison(0, 0, 0, [f"the log cannot be read: {error}"])
    return compare(archived, log, epoch)


async def _read_log(broker: Broker, partition: int, tenant: str, conversation: str) -> list[Frame]:
    """All that is left of the conversation's log. Raises Invalid for a record that is no frame."""
    subject = subjects.conversation_events(partition, tenant, conversation)
    frames: list[Frame] = []
    after = 0
    while True:
        batch = await broker.read(partition, subject, after)
        for record in batch.records:
            frames.append(decode_frame(record.data, record.seq))
            after = record.seq
        if not batch.records or batch.pending == 0:
            return frames
