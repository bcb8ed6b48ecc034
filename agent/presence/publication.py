"""The event state compositor's decisions on a PUBLISH (RFC 3903 §6): what is stored, refreshed, replaced, removed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from agent.presence.packages import EventPackage
from agent.presence.records import Publication


@dataclass(slots=True, init=False)
class PublishRequest:
    """What a PUBLISH says, already authorized. ``if_match`` holds every SIP-If-Match element."""

    presentity: str
    publisher: str
    rank: int
    if_match: tuple[str, ...] | None
    "None: the header is not there."
    expires: int | None
    content_type: str | None
    "The bare media type, lower case."
    body: bytes
    charset: str | None
    "The media type's parameter, lower case; beats what the XML declaration says (RFC 7303 §3)."

    def __init__(
        self,
        presentity: str,
        publisher: str,
        rank: int,
        if_match: tuple[str, ...] | None,
        expires: int | None,
        content_type: str | None,
        body: bytes,
        charset: str | None = None,
    ) -> None:
        self.presentity = presentity
        self.publisher = publisher
        self.rank = rank
        self.if_match = if_match
        self.expires = expires
        self.content_type = content_type
        self.body = body
        self.charset = charset

    @property
    def stored_type(self) -> str:
        """What is needed to read the body again."""
        return f"{self.content_type};charset={self.charset}" if self.charset else f"{self.content_type}"


@dataclass(slots=True, init=False)
class Stored:
    """Keep ``publication``. ``changed``: watchers may have to be told."""

    publication: Publication
    changed: bool
    expires: int

    def __init__(
        self,
        publication: Publication,
        changed: bool,
        expires: int,
    ) -> None:
        self.publication = publication
        self.changed = changed
        self.expires = expires


@dataclass(frozen=True, slots=True)
class Removed:
    """Drop ``publication`` (None: there was nothing to keep). Answer 200 with Expires 0."""

    publication: Publication | None
    entity_tag: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Answer ``status``; nothing changes."""

    status: int
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


Outcome = Stored | Removed | Refused


def decide(
    request: PublishRequest,
    package: EventPackage,
    stored: Callable[[str], Publication | None],
    check_body: Callable[[bytes], str | None],
    new_token: Callable[[], str],
    now: float,
    forgotten: Callable[[bytes], Publication | None] = lambda body: None,
) -> Outcome:
    """RFC 3903 §6 steps 3–6.

    ``stored(entity_tag)`` finds a live publication of this presentity and package; ``check_body`` says what is wrong
    with a body, or None; ``new_token`` gives unguessable tokens that are never used again (§6.6). ``now``: wall clock.
    ``forgotten(body)``: the live publication of this publisher that a first one with this body is meant to replace.
    """
    limits = package.publish_limits
    expires = limits.default if request.expires is None else min(request.expires, limits.maximum)
    current: Publication | None = None
    if request.if_match is not None:
        if len(request.if_match) != 1 or not _is_token(request.if_match[0]):
            return Refused(400, "Bad SIP-If-Match Header")
        current = stored(request.if_match[0])
        if current is None or current.expires_at <= now:
            return Refused(412)
    minimum = limits.minimum
    if current is not None and request.body and package.shortest_change is not None:
        # COMPAT(Kamailio 5.6): its last word on a call, that it is over, lives 11 s. Refused, the lamp stays lit.
        minimum = min(minimum, package.shortest_change)
    if 0 < expires < minimum:
        return Refused(423, headers=(("Min-Expires", str(minimum)),))
    if expires == 0:
        # A body in a removal is the publisher's mistake; what it wants is clear (§6.5).
        if current is None and not request.body:
            return Refused(400, "Nothing To Publish")
        return Removed(current, new_token())
    if not request.body:
        if current is None:
            return Refused(400, "Nothing To Publish")
        refreshed = replace(current, entity_tag=new_token(), expires_at=now + expires)
        return Stored(refreshed, False, expires)
    if request.content_type not in package.publish_types:
        return Refused(415, headers=(("Accept", ", ".join(package.publish_types)),))
    if (problem := check_body(request.body)) is not None:
        return Refused(400, problem)
    stored_type = request.stored_type
    if current is None:
        current = forgotten(request.body)
    if current is not None:
        changed = current.body != request.body or current.content_type != stored_type
    else:
        changed = True
    # In the order of the fields: with names it takes twice as long.
    kept = Publication(
        current.id if current is not None else new_token(),
        current.presentity if current is not None else request.presentity,
        package.name,
        new_token(),
        stored_type,
        request.body,
        now if current is None or changed else current.published_at,
        now + expires,
        request.publisher,
        request.rank,
    )
    return Stored(kept, changed, expires)


_TOKEN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")


def _is_token(text: str) -> bool:
    if text.isalnum() and text.isascii():
        return True  # as ours are
    return bool(text) and text != "*" and _TOKEN.issuperset(text)
