"""The kinds of row, and what makes a row storable."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
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
from agent.store.errors import UnstorableRow
from agent.store.linked import ConnectorMemory, StoredLink


@dataclass(frozen=True, slots=True)
class RuleMemory:
    """What the rules have to remember about a person (`for:`, `hold:`), as JSON text."""

    person: str
    memory: str


class Kind(StrEnum):
    """Each is a table of that name."""

    PUBLICATION = "publications"
    SUBSCRIPTION = "subscriptions"
    MANUAL = "manual_choices"
    MEMORY = "rule_memory"
    USER = "sip_users"
    BINDING = "bindings"
    STANDING = "standing_publications"
    LINK = "links"
    CONNECTOR_MEMORY = "connector_memory"
    TOLD = "told"
    TOKEN = "ingress_tokens"


Row = (
    Publication
    | Subscription
    | ManualChoice
    | RuleMemory
    | SipUser
    | Binding
    | StandingPublication
    | StoredLink
    | ConnectorMemory
    | Told
    | IngressToken
)

_TEXTS: Final[Mapping[type, Callable[[Any], tuple[str | None, ...]]]] = {
    Publication: attrgetter("id", "presentity", "package", "entity_tag", "content_type", "publisher"),
    ManualChoice: attrgetter("person", "state", "note", "chosen_by"),
    RuleMemory: attrgetter("person", "memory"),
    SipUser: attrgetter("username", "realm", "md5", "sha256", "sha512_256"),
    StandingPublication: attrgetter("presentity", "target", "entity_tag"),
    StoredLink: attrgetter("id", "person", "source", "name", "settings", "secret", "linked_by"),
    Told: attrgetter("presentity", "presentity"),
    ConnectorMemory: attrgetter("owner", "account", "state", "secrets"),
    IngressToken: attrgetter("id", "digest", "entry", "person", "note"),
    Binding: attrgetter(
        "id", "address", "contact", "params", "instance", "call_id", "transport", "local_address", "remote_address",
        "user_agent",
    ),
}  # fmt: skip


def _texts_of_subscription(row: Subscription) -> tuple[str, ...]:
    """Written out like its encoding (`agent.store.codec`)."""
    return (
        row.id,
        row.presentity,
        row.package,
        row.event_id or "",
        row.watcher,
        row.call_id,
        row.local_tag,
        row.remote_tag,
        row.local_uri,
        row.remote_uri,
        row.remote_target,
        row.contact,
        row.transport,
        row.local_address,
        row.remote_address,
        row.user_agent,
        row.event_params,
        *row.route_set,
        *row.accept,
    )


def check(row: Row) -> None:
    """Refuse what the database would refuse. Raises UnstorableRow.

    It must be found before the row joins a group: one bad row there would undo everybody else's writes.
    """
    if isinstance(row, Subscription):
        text = "".join(_texts_of_subscription(row))
        if not 0 <= row.remote_cseq < 1 << 32 or not 0 <= row.local_cseq < 1 << 32:
            raise UnstorableRow("a CSeq outside 32 bits")
    else:
        text = "".join(filter(None, _TEXTS[type(row)](row)))
    if "\0" in text:
        raise UnstorableRow(f"a text in {type(row).__name__} contains NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnstorableRow(f"a text in {type(row).__name__} is not valid UTF-8") from None


def to_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
