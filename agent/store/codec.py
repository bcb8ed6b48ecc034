"""Rows to database tuples and back. Tuples are in the order of their table's columns."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from operator import attrgetter
from sys import intern
from typing import Any, Final

from agent.presence.records import (
    Binding,
    IngressToken,
    ManualChoice,
    Publication,
    SipUser,
    StandingPublication,
    Subscription,
    Told,
)
from agent.store import tables
from agent.store.group import NumberedSubscription
from agent.store.linked import ConnectorMemory, StoredLink
from agent.store.numbering import loaded
from agent.store.rows import Kind, Row, RuleMemory, to_json

Encoder = Callable[[Any], tuple[Any, ...]]
Decoder = Callable[[dict[str, Any]], Row]

# Route sets and Accept lists repeat from row to row.
_tuple_to_json: Final = lru_cache(maxsize=4096)(to_json)


@lru_cache(maxsize=4096)
def _tuple_from_json(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


# The two kinds of row that are written most are written out: half of what an `attrgetter` takes.


def _encode_publication(row: Publication) -> tuple[Any, ...]:
    return (
        row.id,
        row.presentity,
        row.package,
        row.entity_tag,
        row.content_type,
        # Drivers do not know what is more than bytes (`agent.documents.written`); and SQLite's asks of every `bytes`,
        # but of no `bytearray`, whether somebody has registered an adapter.
        bytearray(row.body),
        row.published_at,
        row.expires_at,
        row.publisher,
        row.rank,
    )


def _encode_subscription(numbered: NumberedSubscription) -> tuple[Any, ...]:
    row = numbered.row
    return (
        row.id,
        row.presentity,
        row.package,
        row.event_id,
        row.watcher,
        row.call_id,
        row.local_tag,
        row.remote_tag,
        row.local_uri,
        row.remote_uri,
        row.remote_target,
        row.remote_cseq,
        row.state,
        row.expires_at,
        row.contact,
        row.transport,
        row.local_address,
        row.remote_address,
        row.user_agent,
        row.created_at,
        row.event_params,
        _tuple_to_json(row.route_set),
        _tuple_to_json(row.accept),
        numbered.local_cseq,
        numbered.version,
    )


_SHARED: Final = ("package", "state", "transport", "contact", "local_address", "user_agent", "event_params")
"Texts with few values: after a restart with 100,000 rows each is in memory once."


def _decode_subscription(starts: int, fields: dict[str, Any]) -> Subscription:
    fields["route_set"] = _tuple_from_json(fields["route_set"])
    fields["accept"] = _tuple_from_json(fields["accept"])
    for name in ("local_cseq", "version"):
        fields[name] = loaded(fields[name], starts)
    fields["event_params"] = fields["event_params"] or ""
    for name in _SHARED:
        fields[name] = intern(fields[name])
    return Subscription(**fields)


ENCODERS: Final[Mapping[Kind, Encoder]] = {
    Kind.PUBLICATION: _encode_publication,
    Kind.SUBSCRIPTION: _encode_subscription,
    Kind.MANUAL: attrgetter(*(column.name for column in tables.manual_choices.c)),
    Kind.MEMORY: attrgetter(*(column.name for column in tables.rule_memory.c)),
    Kind.USER: attrgetter(*(column.name for column in tables.sip_users.c)),
    Kind.BINDING: attrgetter(*(column.name for column in tables.bindings.c)),
    Kind.STANDING: attrgetter(*(column.name for column in tables.standing_publications.c)),
    Kind.LINK: attrgetter(*(column.name for column in tables.links.c)),
    Kind.CONNECTOR_MEMORY: attrgetter(*(column.name for column in tables.connector_memory.c)),
    Kind.TOLD: attrgetter(*(column.name for column in tables.told.c)),
    Kind.TOKEN: attrgetter(*(column.name for column in tables.ingress_tokens.c)),
}


def decoders(starts: int) -> Mapping[Kind, Decoder]:
    """:param starts: how often this database was opened, this time included (`agent.store.numbering`)."""
    return {
        Kind.PUBLICATION: lambda fields: Publication(**fields),
        Kind.SUBSCRIPTION: partial(_decode_subscription, starts),
        Kind.MANUAL: lambda fields: ManualChoice(**fields),
        Kind.MEMORY: lambda fields: RuleMemory(**fields),
        Kind.USER: lambda fields: SipUser(**fields),
        Kind.BINDING: lambda fields: Binding(**fields),
        Kind.STANDING: lambda fields: StandingPublication(**fields),
        Kind.LINK: lambda fields: StoredLink(**fields),
        Kind.CONNECTOR_MEMORY: lambda fields: ConnectorMemory(**fields),
        Kind.TOLD: lambda fields: Told(**fields),
        Kind.TOKEN: lambda fields: IngressToken(**fields),
    }
