"""Runs of the ingestion, and what they remember of sources and documents."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of `ingest.runs` and `ingest.ledger`."""
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("heartbeat_at", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("report", sa.JSON),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sources",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("listed_at", sa.Text),
        sa.Column("failing_since", sa.Text),
    )
    op.create_table(
        "missed",
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
    )
    op.create_table(
        "troubles",
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("parser", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_seen", sa.Text, nullable=False),
        sa.Column("last_seen", sa.Text, nullable=False),
    )
    op.create_table(
        "losses",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("held_at", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("approved", sa.Boolean, nullable=False),
    )
    op.create_table(
        "lost",
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
    )
