"""Linked accounts, and what their connectors keep."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("settings", sa.Text, nullable=False, comment="JSON object"),
        sa.Column("secret", sa.Text, comment="sealed, see agent.vault"),
        sa.Column("linked_at", sa.Double, nullable=False),
        sa.Column("linked_by", sa.Text, nullable=False),
    )
    op.create_table(
        "connector_memory",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="JSON object"),
        sa.Column("secrets", sa.Text, comment="sealed JSON object"),
    )
