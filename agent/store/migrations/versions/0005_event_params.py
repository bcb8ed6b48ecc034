"""Which dialogs a subscription is about (RFC 4235 §3.2)."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("event_params", sa.Text))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
