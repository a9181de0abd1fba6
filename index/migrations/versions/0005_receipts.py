"""How each answer came about: passages, attempts and verdicts, by ids and numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables of `rag.receipt`."""
    op.create_table(
        "receipts",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("answer_id", sa.Text, nullable=False, unique=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
        sa.Column("retrieved_s", sa.Float, nullable=False),
        sa.Column("first_token_s", sa.Float),
    )
    op.create_table(
        "attempts",
        sa.Column("receipt", sa.Integer, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sa.Column("search", sa.Integer, nullable=False),
        sa.Column("prompted", sa.JSON, nullable=False),
        sa.Column("likely", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("weakness", sa.Text, nullable=False),
        sa.Column("answers", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "candidates",
        sa.Column("receipt", sa.Integer, primary_key=True),
        sa.Column("search", sa.Integer, primary_key=True),
        sa.Column("rank", sa.Integer, primary_key=True),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("chunk", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("cosine", sa.Float),
        sa.Column("bm25", sa.Float),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdicts",
        sa.Column("receipt", sa.Integer, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("sentence", sa.Integer, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("document_id", sa.Text),
        sa.Column("chunk", sa.Text),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
