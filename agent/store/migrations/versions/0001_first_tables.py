"""First tables: publications, subscriptions, manual choices, rule memory, SIP users, bindings,
sequences."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publications",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("presentity", sa.Text, nullable=False),
        sa.Column("package", sa.Text, nullable=False),
        sa.Column("entity_tag", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("published_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("publisher", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("presentity", sa.Text, nullable=False),
        sa.Column("package", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text),
        sa.Column("watcher", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("local_tag", sa.Text, nullable=False),
        sa.Column("remote_tag", sa.Text, nullable=False),
        sa.Column("local_uri", sa.Text, nullable=False),
        sa.Column("remote_uri", sa.Text, nullable=False),
        sa.Column("remote_target", sa.Text, nullable=False),
        sa.Column("remote_cseq", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("local_address", sa.Text, nullable=False),
        sa.Column("remote_address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("route_set", sa.Text, nullable=False, comment="JSON array"),
        sa.Column("accept", sa.Text, nullable=False, comment="JSON array"),
        sa.Column("local_cseq", sa.BigInteger, nullable=False, comment="see agent.store.numbering"),
        sa.Column("version", sa.BigInteger, nullable=False, comment="likewise"),
    )
    op.create_table(
        "manual_choices",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("state", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("until", sa.Double),
        sa.Column("chosen_at", sa.Double, nullable=False),
        sa.Column("chosen_by", sa.Text, nullable=False),
        sa.Column("until_return", sa.Boolean, nullable=False),
    )
    op.create_table(
        "rule_memory",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("memory", sa.Text, nullable=False, comment="JSON object"),
    )
    op.create_table(
        "standing_publications",
        sa.Column("presentity", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("entity_tag", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_table(
        "sip_users",
        sa.Column("username", sa.Text, primary_key=True),
        sa.Column("realm", sa.Text, nullable=False),
        sa.Column("md5", sa.Text, comment="H(username:realm:password), likewise the next two"),
        sa.Column("sha256", sa.Text),
        sa.Column("sha512_256", sa.Text),
        sa.Column("changed_at", sa.Double, nullable=False),
    )
    op.create_table(
        "bindings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("instance", sa.Text),
        sa.Column("reg_id", sa.BigInteger),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("cseq", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("registered_at", sa.Double, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("local_address", sa.Text, nullable=False),
        sa.Column("remote_address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
    )
    op.create_table(
        "sequences",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False, comment="the highest number given out"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
