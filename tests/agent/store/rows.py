"""Rows for the store's tests: every field has a value that would be missed."""

from dataclasses import replace

from agent.presence.records import (
    Binding,
    IngressToken,
    ManualChoice,
    Publication,
    SipUser,
    Subscription,
    SubscriptionState,
)

T0 = 1_770_000_000.0
ALICE = "sip:alice@example.org"
BOB = "sip:bob@example.org"


def publication(
    key: str = "pub-1",
    *,
    presentity: str = ALICE,
    package: str = "presence",
    entity_tag: str = "tag-1",
    body: bytes = b"<presence/>\x00\xff",
    published_at: float = T0,
    expires_at: float = T0 + 3600.5,
) -> Publication:
    return Publication(
        id=key,
        presentity=presentity,
        package=package,
        entity_tag=entity_tag,
        content_type="application/pidf+xml",
        body=body,
        published_at=published_at,
        expires_at=expires_at,
        publisher="sip:älice@example.org",
        rank=-3,
    )


def subscription(
    key: str = "sub-1",
    *,
    presentity: str = ALICE,
    package: str = "presence",
    local_cseq: int = 0,
    remote_cseq: int = 4711,
    state: SubscriptionState = "active",
    expires_at: float = T0 + 600,
    version: int = 0,
) -> Subscription:
    return Subscription(
        id=key,
        presentity=presentity,
        package=package,
        event_id=None,
        watcher=BOB,
        call_id=f"{key}@192.0.2.7",
        local_tag=f"local-{key}",
        remote_tag=f"remote-{key}",
        local_uri=f"<{presentity}>",
        remote_uri='"Bob ☎" <sip:bob@example.org>',
        remote_target="sip:bob@192.0.2.7:5070;transport=tcp",
        route_set=("<sip:p1.example.org;lr>", '"a, b" <sip:p2.example.org;lr>'),
        local_cseq=local_cseq,
        remote_cseq=remote_cseq,
        accept=("application/pidf+xml",),
        state=state,
        expires_at=expires_at,
        contact="<sip:192.0.2.1:5060>",
        transport="tcp",
        local_address="192.0.2.1:5060",
        remote_address="192.0.2.7:34567",
        user_agent="Lamp/1.0",
        version=version,
        created_at=T0,
    )


def choice(
    person: str = "alice", *, state: str | None = "dnd", until: float | None = T0 + 60
) -> ManualChoice:
    return ManualChoice(
        person=person, state=state, note=None, until=until, chosen_at=T0, chosen_by="web:alice"
    )


def user(username: str = "alice", **changes: object) -> SipUser:
    return replace(SipUser(username, "example.org", "m" * 32, "s" * 64, None, T0), **changes)  # type: ignore[arg-type]


def token(key: str = "t-1", **changes: object) -> IngressToken:
    row = IngressToken(key, "d" * 64, "radius", "alice", "Älice's phone", T0)
    return replace(row, **changes)  # type: ignore[arg-type]


def binding(key: str = "b-1", *, address: str = ALICE, expires_at: float = T0 + 3600) -> Binding:
    return Binding(
        id=key,
        address=address,
        contact="sip:alice-0x55@192.0.2.7:5070;transport=tcp",
        params=';q=0.7;+sip.instance="<urn:uuid:f81d4fae>"',
        instance="<urn:uuid:f81d4fae>",
        reg_id=1,
        call_id="reg@192.0.2.7",
        cseq=4294967295,
        expires_at=expires_at,
        registered_at=T0,
        transport="tcp",
        local_address="192.0.2.1:5060",
        remote_address="192.0.2.7:34567",
        user_agent="Pho☎e/1.0",
    )
