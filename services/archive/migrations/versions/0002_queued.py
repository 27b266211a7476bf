"""Where the newest message that asked for a run stands in the log: a conversation whose runs are older has one going on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("queued_era", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("conversations", sa.Column("queued_seq", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("conversations", "queued_seq")
    op.drop_column("conversations", "queued_era")
