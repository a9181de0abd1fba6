"""Whether each question was for the larger model, and what its calls cost."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of `rag.spending`."""
    op.create_table(
        "decisions",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("answer_id", sa.Text, index=True),
        sa.Column("decided_at", sa.Text, nullable=False, index=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("called", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("features", sa.JSON),
        sa.Column("outcome", sa.Text),
        sa.Column("prompt_tokens", sa.Integer, nullable=False),
        sa.Column("reply_tokens", sa.Integer, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
