"""The first tables. A revision is never edited once it was released: it says what the tables were, not what they are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_conversations()
    _create_runs()
    _create_items("messages", _text("role"), _text("content"), _text("model"), _text("finish"), _json("artifacts"))
    _create_items(
        "tool_calls",
        *(_text(name) for name in ("name", "title", "message", "args_text")),
        *(_json(name, nullable=True) for name in ("args", "progress", "result", "error")),
    )
    _create_items("artifacts", *(_text(name) for name in ("kind", "name", "media_type", "message")))
    _create_artifact_versions()
    _create_items("entries", _text("kind"), _json("item"))


def downgrade() -> None:
    children = ["artifact_versions", "entries", "artifacts", "tool_calls", "messages", "usage"]
    for table in [*children, "runs", "conversations", "epochs"]:
        op.drop_table(table)


def _create_conversations() -> None:
    op.create_table(
        "epochs",
        _int("partition"),
        _text("epoch"),
        _int("era"),
        sa.PrimaryKeyConstraint("partition", "epoch", name="epochs_pkey"),
        sa.UniqueConstraint("partition", "era", name="epochs_partition_era_key"),
        comment="The creations of a partition's stream, numbered in the order in which the archive met them.",
    )
    op.create_table(
        "conversations",
        _text("tenant"),
        _text("id"),
        _int("partition"),
        _text("title"),
        _int("title_era"),
        *(_big(name) for name in ("title_seq", "created", "updated")),
        sa.PrimaryKeyConstraint("tenant", "id", name="conversations_pkey"),
        comment="title_era and title_seq: the position in the log at which the title was known.",
    )
    newest = [sa.text("tenant"), sa.text("updated DESC"), sa.text("id DESC")]
    op.create_index("conversations_by_activity", "conversations", newest)


def _create_runs() -> None:
    op.create_table(
        "runs",
        *(_text(name) for name in ("tenant", "id", "conversation")),
        _int("era"),
        _text("epoch"),
        _big("cursor"),
        _big("input_last"),
        sa.Column("linked", sa.Boolean(), nullable=False),
        *(_text(name) for name in ("digest", "agent", "status", "message", "after")),
        _int("attempt"),
        *(_big(name) for name in ("last", "seq", "end_seq", "queued", "started", "ended")),
        _text("model"),
        _text("retrying"),
        _json("counts"),
        _json("error", nullable=True),
        _text("by"),
        sa.PrimaryKeyConstraint("tenant", "id", name="runs_pkey"),
        _foreign_key("runs", ["tenant", "conversation"], "conversations", ["tenant", "id"]),
        comment="linked: every run before it, along `after`, is archived too.",
    )
    op.create_index("runs_by_conversation", "runs", ["tenant", "conversation", "era", "seq"])
    op.create_index("runs_by_predecessor", "runs", ["tenant", "conversation", "after"])
    op.create_table(
        "usage",
        _text("tenant"),
        _text("run"),
        _int("position"),
        _text("model"),
        *(_big(name) for name in ("input", "output", "reasoning", "cached")),
        sa.PrimaryKeyConstraint("tenant", "run", "position", name="usage_pkey"),
        _foreign_key("usage", ["tenant", "run"], "runs", ["tenant", "id"]),
    )


def _create_items(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        *(_text(column) for column in ("tenant", "run", "id")),
        _int("position"),
        _text("ns"),
        *(_big(column) for column in ("seq", "started", "ended")),
        _text("status"),
        *columns,
        sa.PrimaryKeyConstraint("tenant", "run", "id", name=f"{name}_pkey"),
        _foreign_key(name, ["tenant", "run"], "runs", ["tenant", "id"]),
    )


def _create_artifact_versions() -> None:
    key = ["tenant", "run", "artifact"]
    op.create_table(
        "artifact_versions",
        *(_text(name) for name in key),
        _int("version"),
        _text("status"),
        sa.Column("content", sa.Text(), nullable=True),
        _text("digest"),
        _big("size"),
        _text("ref"),
        sa.PrimaryKeyConstraint(*key, "version", name="artifact_versions_pkey"),
        _foreign_key("artifact_versions", key, "artifacts", ["tenant", "run", "id"]),
    )


def _foreign_key(table: str, columns: list[str], referred: str, keys: list[str]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        columns, [f"{referred}.{key}" for key in keys], name=f"{table}_{referred}_fkey", ondelete="CASCADE"
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=nullable)
