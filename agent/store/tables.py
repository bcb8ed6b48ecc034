"""The tables, for SQLite and PostgreSQL alike. Columns have the names of the rows' fields.

A change here needs a migration beside it (agent/store/migrations); a test compares the two.
All times are wall-clock seconds since 1970-01-01T00:00:00Z.
"""

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

publications = Table(
    "publications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("presentity", Text, nullable=False),
    Column("package", Text, nullable=False),
    Column("entity_tag", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("published_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("rank", Integer, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("presentity", Text, nullable=False),
    Column("package", Text, nullable=False),
    Column("event_id", Text),
    Column("watcher", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("local_tag", Text, nullable=False),
    Column("remote_tag", Text, nullable=False),
    Column("local_uri", Text, nullable=False),
    Column("remote_uri", Text, nullable=False),
    Column("remote_target", Text, nullable=False),
    Column("remote_cseq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("contact", Text, nullable=False),
    Column("transport", Text, nullable=False),
    Column("local_address", Text, nullable=False),
    Column("remote_address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("event_params", Text, comment="none: written before there were any"),
    Column("route_set", Text, nullable=False, comment="JSON array"),
    Column("accept", Text, nullable=False, comment="JSON array"),
    Column("local_cseq", BigInteger, nullable=False, comment="see agent.store.numbering"),
    Column("version", BigInteger, nullable=False, comment="likewise"),
)

manual_choices = Table(
    "manual_choices",
    metadata,
    Column("person", Text, primary_key=True),
    Column("state", Text),
    Column("note", Text),
    Column("until", Double),
    Column("chosen_at", Double, nullable=False),
    Column("chosen_by", Text, nullable=False),
    Column("until_return", Boolean, nullable=False),
)

rule_memory = Table(
    "rule_memory",
    metadata,
    Column("person", Text, primary_key=True),
    Column("memory", Text, nullable=False, comment="JSON object"),
)

standing_publications = Table(
    "standing_publications",
    metadata,
    Column("presentity", Text, primary_key=True),
    Column("target", Text, nullable=False),
    Column("entity_tag", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
)

sip_users = Table(
    "sip_users",
    metadata,
    Column("username", Text, primary_key=True),
    Column("realm", Text, nullable=False),
    Column(
        "md5", Text, comment="H(username:realm:password), sealed where there is a key; likewise the next two"
    ),
    Column("sha256", Text),
    Column("sha512_256", Text),
    Column("changed_at", Double, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("name", Text),
    Column("settings", Text, nullable=False, comment="JSON object"),
    Column("secret", Text, comment="sealed, see agent.vault"),
    Column("linked_at", Double, nullable=False),
    Column("linked_by", Text, nullable=False),
)

connector_memory = Table(
    "connector_memory",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False, comment="JSON object"),
    Column("secrets", Text, comment="sealed JSON object"),
)

ingress_tokens = Table(
    "ingress_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, comment="SHA-256 of the token, in hex"),
    Column("entry", Text, nullable=False),
    Column("person", Text),
    Column("note", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("instance", Text),
    Column("reg_id", BigInteger),
    Column("call_id", Text, nullable=False),
    Column("cseq", BigInteger, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("registered_at", Double, nullable=False),
    Column("transport", Text, nullable=False),
    Column("local_address", Text, nullable=False),
    Column("remote_address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
)

told = Table(
    "told",
    metadata,
    Column("presentity", Text, primary_key=True),
    Column("until", Double, comment="then the clock may have changed the documents"),
    Column("marks", LargeBinary, nullable=False, comment="see agent.presence.told"),
)

sequences = Table(
    "sequences",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False, comment="the highest number given out"),
)
