"""What was asked, the documents behind each answer, and what people thought of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables of `rag.journal`."""
    op.create_table(
        "questions",
        sa.Column("answer_id", sa.Text, primary_key=True),
        sa.Column("asked_at", sa.Text, nullable=False, index=True),
        sa.Column("person", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("generation", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    op.create_table(
        "evidence",
        sa.Column("answer_id", sa.Text, primary_key=True),
        sa.Column("document_id", sa.Text, primary_key=True),
    )
    op.create_table(
        "feedback",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("answer_id", sa.Text, nullable=False, index=True),
        sa.Column("person", sa.Text),
        sa.Column("vote", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("given_at", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
