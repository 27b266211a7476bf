"""`slots`: where conversations lie. A slot is a partition of the log: one stream, and its mirror if there is one."""

from __future__ import annotations

import argparse

import msgspec

from schemas import subjects
from schemas.errors import NotFound
from schemas.ids import check_id
from services.admin.context import open_archive, open_connection
from services.admin.printing import print_json, print_table
from services.admin.settings import Settings
from services.archive.port import ArchiveReader
from services.broker import api
from services.broker.connection import Connection
from services.broker.stream_file import read_layout
from services.broker.streams import Layout
from services.broker.units import bytes_text

ABOUT = """
One row for each slot: its stream and who leads it, how many conversations the log and the archive have of it, what the stream
holds, and whether new conversations go there. They are spread by a hash of tenant and conversation over the slots 0 to
ANABRANCH_PARTITIONS - 1; a conversation keeps the slot it was born in. With a conversation: its slot alone.
"""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """`conversations`: with anything in the log; `archived`: in the archive. `new`: whether new ones are born here."""

    slot: int
    stream: str
    mirror: str | None
    leader: str
    conversations: int
    archived: int
    messages: int
    bytes: int
    bytes_max: int
    new: bool


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """`hashed`: where it would be born today. `messages`: of it, in the log."""

    tenant: str
    conversation: str
    slot: int
    stream: str
    hashed: int
    messages: int
    archived: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("conversation", nargs="?", default="", help="say where this one lies")
    parser.add_argument("--tenant", default="default", help="whose conversation (%(default)s)")


async def run(settings: Settings, chosen: argparse.Namespace) -> int:
    layout = read_layout()
    async with open_archive(settings) as archive, open_connection(settings) as connection:
        if chosen.conversation:
            return await _show_one(connection, archive, layout, chosen)
        found = await slots(connection, archive, layout)
    if chosen.json:
        print_json(found)
    else:
        titles = (
            ">SLOT",
            "STREAM",
            "MIRROR",
            "LEADER",
            ">CONVERSATIONS",
            ">ARCHIVED",
            ">MESSAGES",
            ">BYTES",
            ">LIMIT",
            "NEW",
        )
        print_table(titles, [_cells(slot) for slot in found])
    return 0


async def slots(connection: Connection, archive: ArchiveReader, layout: Layout) -> list[Slot]:
    """Those of the layout and, after them, older ones that the server still has. Raises NotFound, Unavailable."""
    archived = await archive.partitions()
    names = set(await api.stream_names(connection))
    assigned = layout.deployment.partitions
    older = sorted(int(name.rpartition("_")[2]) for name in names if name.startswith("AB_EVENTS_"))
    found = []
    for slot in [*range(assigned), *(slot for slot in older if slot >= assigned)]:
        stream, mirror = subjects.events_stream(slot), subjects.replay_stream(slot)
        if stream not in names:
            raise NotFound(f"there is no stream {stream}: run `python -m services.admin apply`")
        answer = await api.call(connection, f"STREAM.INFO.{stream}")
        lanes = await api.subject_counts(connection, stream, f"ab.evt.{slot}.>")
        found.append(
            Slot(
                slot=slot,
                stream=stream,
                mirror=mirror if mirror in names else None,
                leader=answer.cluster.leader,
                conversations=len({lane.rpartition(".")[0] for lane in lanes}),
                archived=archived.get(slot, 0),
                messages=answer.held.messages,
                bytes=answer.held.bytes,
                bytes_max=int(answer.config["max_bytes"]),
                new=slot < assigned,
            )
        )
    return found


async def find_slot(
    connection: Connection, archive: ArchiveReader, layout: Layout, tenant: str, conversation: str
) -> Whereabouts:
    """Where a conversation lies: as the archive says, or else wherever the log has it.

    Raises:
        Invalid: it is no id.
        NotFound: neither has it. Deleted.
    """
    check_id(tenant, "tenant")
    check_id(conversation, "conversation")
    hashed = subjects.partition_of(tenant, conversation, layout.deployment.partitions)
    row = await archive.conversation(tenant, conversation)
    for slot in [row.partition] if row is not None else dict.fromkeys([hashed, *range(layout.deployment.partitions)]):
        stream = subjects.events_stream(slot)
        lanes = await api.subject_counts(connection, stream, subjects.conversation_events(slot, tenant, conversation))
        if lanes or row is not None:
            return Whereabouts(
                tenant=tenant,
                conversation=conversation,
                slot=slot,
                stream=stream,
                hashed=hashed,
                messages=sum(lanes.values()),
                archived=row is not None,
            )
    raise NotFound(f"neither log nor archive has a conversation {tenant}/{conversation}")


async def _show_one(connection: Connection, archive: ArchiveReader, layout: Layout, chosen: argparse.Namespace) -> int:
    found = await find_slot(connection, archive, layout, chosen.tenant, chosen.conversation)
    if chosen.json:
        print_json(found)
        return 0
    kept = "in the archive" if found.archived else "not in the archive"
    print(
        f"{found.tenant}/{found.conversation}: slot {found.slot}, {found.messages} messages in {found.stream}, {kept}"
    )
    if found.hashed != found.slot:
        print(f"  born there before the slots were {layout.deployment.partitions}; today it would be {found.hashed}")
    return 0


def _cells(slot: Slot) -> list[str]:
    return [
        str(slot.slot),
        slot.stream,
        slot.mirror or "-",
        slot.leader or "-",
        str(slot.conversations),
        str(slot.archived),
        str(slot.messages),
        bytes_text(slot.bytes),
        bytes_text(slot.bytes_max),
        "yes" if slot.new else "no",
    ]
