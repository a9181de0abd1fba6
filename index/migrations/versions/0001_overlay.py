"""Tombstones, denials, and the epoch that tells readers to look again."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of `index.overlay`."""
    op.create_table(
        "tombstones",
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("id", sa.Text),
        sa.Column("forgotten_at", sa.Text, nullable=False),
    )
    op.create_table(
        "denials",
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, primary_key=True),
        sa.Column("denied_at", sa.Text, nullable=False),
    )
    epoch = op.create_table("epoch", sa.Column("value", sa.Integer, nullable=False))
    op.bulk_insert(epoch, [{"value": 0}])
