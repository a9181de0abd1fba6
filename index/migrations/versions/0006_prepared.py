"""What a run will leave of its sources, kept aside until its index is published."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table of `ingest.ledger`."""
    op.create_table(
        "prepared",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("past", sa.Text, nullable=False),
    )
