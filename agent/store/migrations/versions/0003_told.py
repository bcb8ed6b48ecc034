"""What watchers have acknowledged, so that a restart tells only what changed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("presentity", sa.Text, primary_key=True),
        sa.Column("until", sa.Double, comment="then the clock may have changed the documents"),
        sa.Column("marks", sa.LargeBinary, nullable=False, comment="see agent.presence.told"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
