"""The rows of a presence server: what must survive a restart. Pure data.

All times are wall-clock seconds since 1970-01-01T00:00:00Z; they outlive the process, so monotonic time would
mean nothing. Rows are never changed: edit with `dataclasses.replace` and put the result into the store. Those of the
hot path are not declared frozen, because making a frozen one costs four times as much.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

OWN_PUBLISHER: Final = "lamplighter"
"""Stands as the publisher of what this very process publishes; no address of record looks like it."""

SubscriptionState = Literal["active", "pending", "terminated"]
"""RFC 6665 §4.1.3."""


@dataclass(slots=True, unsafe_hash=True, init=False)
class Publication:
    """One publication's soft state at the event state compositor (RFC 3903 §6)."""

    id: str
    "The lineage: stays the same through refresh and modify, while the entity-tag changes each time."
    presentity: str
    "Canonical address of record, e.g. `sip:alice@example.org`."
    package: str
    entity_tag: str
    content_type: str
    body: bytes
    published_at: float
    "The last change of the body; a refresh does not move it."
    expires_at: float
    publisher: str
    "Who published: the address of record that was authenticated, or the source inside this server."
    rank: int
    "Rank of the source among the publications of one presentity, for composition."

    def __init__(
        self,
        id: str,
        presentity: str,
        package: str,
        entity_tag: str,
        content_type: str,
        body: bytes,
        published_at: float,
        expires_at: float,
        publisher: str,
        rank: int,
    ) -> None:
        self.id = id
        self.presentity = presentity
        self.package = package
        self.entity_tag = entity_tag
        self.content_type = content_type
        self.body = body
        self.published_at = published_at
        self.expires_at = expires_at
        self.publisher = publisher
        self.rank = rank


@dataclass(slots=True, unsafe_hash=True, init=False)
class Subscription:
    """One subscription and the dialog it lives in (RFC 6665 §4.2, RFC 3261 §12).

    ``__init__`` by hand: one is made for each SUBSCRIBE, and what `dataclass` writes is not compiled.
    """

    id: Final[str]
    presentity: Final[str]
    package: Final[str]
    event_id: Final[str | None]
    "The `id` parameter of the Event header field (RFC 6665 §8.2.1)."
    watcher: Final[str]
    "Canonical address of record of who watches."
    call_id: Final[str]
    local_tag: Final[str]
    remote_tag: Final[str]
    local_uri: Final[str]
    "Our header value (the SUBSCRIBE's To), without tag."
    remote_uri: Final[str]
    "The watcher's header value (the SUBSCRIBE's From), without tag."
    remote_target: Final[str]
    "The watcher's Contact URI: where the NOTIFYs go."
    route_set: Final[tuple[str, ...]]
    local_cseq: Final[int]
    "CSeq of the last NOTIFY when the row was made. The store numbers the NOTIFYs: `next_cseq`."
    remote_cseq: Final[int]
    "CSeq of the last SUBSCRIBE."
    accept: Final[tuple[str, ...]]
    state: Final[SubscriptionState]
    expires_at: Final[float]
    contact: Final[str]
    "Our own Contact URI in this dialog."
    transport: Final[str]
    local_address: Final[str]
    "host:port"
    remote_address: Final[str]
    "host:port of the flow that carried the SUBSCRIBE."
    user_agent: Final[str]
    version: Final[int]
    "Version of the next document when the row was made (RFC 4235 §4.1). The store numbers: `next_version`."
    created_at: Final[float]
    event_params: Final[str]
    'Of the Event header field, those that its package reads: `;name="value"` each (RFC 4235 §3.2).'

    def __init__(
        self,
        id: str,
        presentity: str,
        package: str,
        event_id: str | None,
        watcher: str,
        call_id: str,
        local_tag: str,
        remote_tag: str,
        local_uri: str,
        remote_uri: str,
        remote_target: str,
        route_set: tuple[str, ...],
        local_cseq: int,
        remote_cseq: int,
        accept: tuple[str, ...],
        state: SubscriptionState,
        expires_at: float,
        contact: str,
        transport: str,
        local_address: str,
        remote_address: str,
        user_agent: str,
        version: int,
        created_at: float,
        event_params: str = "",
    ) -> None:
        self.id = id
        self.presentity = presentity
        self.package = package
        self.event_id = event_id
        self.watcher = watcher
        self.call_id = call_id
        self.local_tag = local_tag
        self.remote_tag = remote_tag
        self.local_uri = local_uri
        self.remote_uri = remote_uri
        self.remote_target = remote_target
        self.route_set = route_set
        self.local_cseq = local_cseq
        self.remote_cseq = remote_cseq
        self.accept = accept
        self.state = state
        self.expires_at = expires_at
        self.contact = contact
        self.transport = transport
        self.local_address = local_address
        self.remote_address = remote_address
        self.user_agent = user_agent
        self.version = version
        self.created_at = created_at
        self.event_params = event_params


@dataclass(slots=True, unsafe_hash=True, init=False)
class Change:
    """Something that the watchers of (presentity, package) may have to be told."""

    sequence: int
    "Strictly rising, over restarts too; gaps mean nothing."
    presentity: str
    package: str
    at: float
    "When the write that caused it was made: where NOTIFY lateness is measured from."

    def __init__(
        self,
        sequence: int,
        presentity: str,
        package: str,
        at: float,
    ) -> None:
        self.sequence = sequence
        self.presentity = presentity
        self.package = package
        self.at = at


@dataclass(frozen=True, slots=True)
class ManualChoice:
    """What a person chose to be shown as."""

    person: str
    "The person's key in the settings (`alice`)."
    state: str | None
    "None: the choice was taken back."
    note: str | None
    until: float | None
    "None: until taken back."
    chosen_at: float
    chosen_by: str
    "Through which door, and who: e.g. `web:alice`, `phone:sip:alice@example.org`."
    until_return: bool = False
    "Ends when the person uses a device again after having been away from all of them."


@dataclass(frozen=True, slots=True)
class SipUser:
    """A user agent that may sign in. What is kept is H(username:realm:password) by algorithm, never a password."""

    username: str
    realm: str
    "The hashes are good for this realm alone."
    md5: str | None = field(repr=False)
    sha256: str | None = field(repr=False)
    sha512_256: str | None = field(repr=False)
    changed_at: float

    def ha1(self, name: str) -> str | None:
        """By hash name as RFC 7616 §3.3 registers it."""
        return {"MD5": self.md5, "SHA-256": self.sha256, "SHA-512-256": self.sha512_256}.get(name)


@dataclass(frozen=True, slots=True)
class IngressToken:
    """What lets a source outside hand in requests over HTTP. The token itself is kept nowhere."""

    id: str
    "How people name it; no secret."
    digest: str = field(repr=False)
    "SHA-256 of the token, in hex: tokens are random and long, so nothing slower is needed."
    entry: str
    "The entry under `connectors` that it opens."
    person: str | None
    "The one person it speaks for. None: whoever its requests name."
    note: str
    "What people wrote to tell it apart (`alice's phone`)."
    created_at: float


@dataclass(frozen=True, slots=True)
class Binding:
    """One Contact that a user agent has registered for its address (RFC 3261 §10)."""

    id: str
    "Made of the address and what identifies the contact: its URI, or instance and reg-id (RFC 5626 §6)."
    address: str
    "The address of record."
    contact: str
    "The URI."
    params: str
    "Further parameters of the Contact as they are given back, each with its semicolon; no expires."
    instance: str | None
    "`+sip.instance`: the device, whatever its address."
    reg_id: int | None
    "None: not over a flow of its own (RFC 5626)."
    call_id: str
    cseq: int
    expires_at: float
    registered_at: float
    "When this contact came; a refresh does not move it."
    transport: str
    local_address: str
    "host:port"
    remote_address: str
    "host:port of the flow that carried the last REGISTER."
    user_agent: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the watchers of a presentity have acknowledged: after a restart these need not be told the same again."""

    presentity: str
    until: float | None
    "From then on the clock alone may have changed the documents."
    marks: bytes
    "One `mark` of 8 bytes for each watcher that knows the state (`agent.presence.told`)."


@dataclass(frozen=True, slots=True)
class StandingPublication:
    """A publication of ours that stands at another presence server, to be taken up after a restart (RFC 3903 §4.1)."""

    presentity: str
    target: str
    "The server's URI in the settings: what stands at another one is of no use."
    entity_tag: str
    expires_at: float
