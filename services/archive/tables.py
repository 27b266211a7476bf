"""The archive's tables. The tenant is in every key; columns have the names of the fields they keep.

A run and everything it opened are rows under one `runs` row and go with it, so replacing an attempt is one delete.
The order of items in a conversation is (runs.era, seq, position).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from schemas.errors import ErrorBody
from schemas.events import Counts
from schemas.transcript import AnyItem, Progress
from services.archive.columns import AnyText, JsonOf

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(referred_table_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)


def _text(name: str) -> Column[str]:
    return Column(name, AnyText, nullable=False)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _json(name: str, kind: Any = Any) -> Column[Any]:
    return Column(name, JsonOf(kind), nullable=True)


epochs = Table(
    "epochs",
    metadata,
    Column("partition", Integer, nullable=False),
    _text("epoch"),
    Column("era", Integer, nullable=False),
    PrimaryKeyConstraint("partition", "epoch"),
    UniqueConstraint("partition", "era"),
    comment="The creations of a partition's stream, numbered in the order in which the archive met them.",
)

# deleted: when, in ms; 0 if it was not. The row stays, so that nothing that comes later brings the conversation back.
# queued_era and queued_seq: the position of the newest message that asked for a run, 0 if none is known.
conversations = Table(
    "conversations",
    metadata,
    _text("tenant"),
    _text("id"),
    Column("partition", Integer, nullable=False),
    _text("title"),
    Column("title_era", Integer, nullable=False),
    _big("title_seq"),
    Column("queued_era", Integer, nullable=False, server_default="0"),
    Column("queued_seq", BigInteger, nullable=False, server_default="0"),
    _big("created"),
    _big("updated"),
    Column("deleted", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("tenant", "id"),
    comment="title_era and title_seq: the position in the log at which the title was known.",
)
Index("conversations_by_activity", conversations.c.tenant, conversations.c.updated.desc(), conversations.c.id.desc())

runs = Table(
    "runs",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("conversation"),
    Column("era", Integer, nullable=False),
    _text("epoch"),
    _big("cursor"),
    _big("input_last"),
    Column("linked", Boolean, nullable=False),
    _text("digest"),
    _text("agent"),
    _text("status"),
    _text("message"),
    _text("after"),
    Column("attempt", Integer, nullable=False),
    _big("last"),
    _big("seq"),
    _big("end_seq"),
    _big("queued"),
    _big("started"),
    _big("ended"),
    _text("model"),
    _text("retrying"),
    Column("counts", JsonOf(Counts), nullable=False),
    _json("error", ErrorBody),
    _text("by"),
    PrimaryKeyConstraint("tenant", "id"),
    ForeignKeyConstraint(["tenant", "conversation"], ["conversations.tenant", "conversations.id"], ondelete="CASCADE"),
    comment="linked: every run before it, along `after`, is archived too.",
)
Index("runs_by_conversation", runs.c.tenant, runs.c.conversation, runs.c.era, runs.c.seq)
Index("runs_by_predecessor", runs.c.tenant, runs.c.conversation, runs.c.after)

usage = Table(
    "usage",
    metadata,
    _text("tenant"),
    _text("run"),
    Column("position", Integer, nullable=False),
    _text("model"),
    _big("input"),
    _big("output"),
    _big("reasoning"),
    _big("cached"),
    PrimaryKeyConstraint("tenant", "run", "position"),
    ForeignKeyConstraint(["tenant", "run"], ["runs.tenant", "runs.id"], ondelete="CASCADE"),
)


def _items(name: str, *columns: Column[Any]) -> Table:
    """A table of things that runs open. `position`: the place among the things of its run."""
    return Table(
        name,
        metadata,
        _text("tenant"),
        _text("run"),
        _text("id"),
        Column("position", Integer, nullable=False),
        _text("ns"),
        _big("seq"),
        _big("started"),
        _big("ended"),
        _text("status"),
        *columns,
        PrimaryKeyConstraint("tenant", "run", "id"),
        ForeignKeyConstraint(["tenant", "run"], ["runs.tenant", "runs.id"], ondelete="CASCADE"),
    )


messages = _items(
    "messages",
    _text("role"),
    _text("content"),
    _text("model"),
    _text("finish"),
    Column("artifacts", JsonOf(list[str]), nullable=False),
)

tool_calls = _items(
    "tool_calls",
    _text("name"),
    _text("title"),
    _text("message"),
    _text("args_text"),
    _json("args", dict[str, Any]),
    _json("progress", Progress),
    _json("result"),
    _json("error", ErrorBody),
)

artifacts = _items(
    "artifacts",
    _text("kind"),
    _text("name"),
    _text("media_type"),
    _text("message"),
)

artifact_versions = Table(
    "artifact_versions",
    metadata,
    _text("tenant"),
    _text("run"),
    _text("artifact"),
    Column("version", Integer, nullable=False),
    _text("status"),
    Column("content", AnyText, nullable=True),
    _text("digest"),
    _big("size"),
    _text("ref"),
    PrimaryKeyConstraint("tenant", "run", "artifact", "version"),
    ForeignKeyConstraint(
        ["tenant", "run", "artifact"], ["artifacts.tenant", "artifacts.run", "artifacts.id"], ondelete="CASCADE"
    ),
)

entries = _items(
    "entries",
    _text("kind"),
    Column("item", JsonOf(AnyItem), nullable=False),
)
