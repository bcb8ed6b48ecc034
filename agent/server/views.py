"""What a presentity looks like to its watchers: composed and serialised once per state, not once per watcher."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from agent.clock import Clock
from agent.documents import pidf
from agent.documents.errors import DocumentError
from agent.documents.xml import parse_xml
from agent.presence.composition import DEFAULT, Composition, Input, Policy, compose
from agent.presence.simple_view import simple_view
from agent.store.protocols import PublicationReader

LARGEST = 60_000
"Bytes. A larger document fits no datagram; what matters of it is told instead."


@dataclass(frozen=True, slots=True)
class View:
    """One rendered document. ``tail``: Content-Type, Content-Length, the empty line and the body of a NOTIFY."""

    media_type: str
    body: bytes
    tail: bytes


class Views:
    """A cache of views. `forget` a presentity when its publications change."""

    def __init__(self, store: PublicationReader, clock: Clock, policy: Policy = DEFAULT) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._composed: dict[str, Composition] = {}
        self._views: dict[str, dict[tuple[str, str], View]] = {}
        self.on_boundary: Callable[[str, datetime], None] = lambda presentity, when: None
        "Told when a composition will change by the clock alone."

    def view(self, presentity: str, package: str, media_type: str) -> View:
        """The current document of a presentity for one package and media type."""
        views = self._views.setdefault(presentity, {})
        found = views.get((package, media_type))
        if found is None:
            document = self._composition(presentity).document
            body = pidf.build(document)
            if len(body) > LARGEST:
                body = pidf.build(simple_view(document, self._clock.now()))
            head = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
            found = views[package, media_type] = View(media_type, body, head.encode() + body)
        return found

    def forget(self, presentity: str) -> None:
        """The state has changed; the next `view` is made anew."""
        self._composed.pop(presentity, None)
        self._views.pop(presentity, None)

    def _composition(self, presentity: str) -> Composition:
        known = self._composed.get(presentity)
        if known is None:
            now = self._clock.now()
            inputs = [
                Input(row.id, _parse(row.body), row.rank, datetime.fromtimestamp(row.published_at, UTC))
                for row in self._store.publications(presentity, "presence")
                if row.expires_at > now.timestamp()
            ]
            known = self._composed[presentity] = compose(presentity, inputs, now, self._policy)
            if known.next_boundary is not None:
                self.on_boundary(presentity, known.next_boundary)
        return known


@lru_cache(maxsize=4096)
def _parse(body: bytes) -> pidf.Presence:
    return pidf.parse(body)


def check_body(package: str, body: bytes) -> str | None:
    """What is wrong with a published body, in words for a reason phrase; None when it can be used."""
    try:
        parse_xml(body)
    except DocumentError:
        return "Body Is Not Well-Formed XML"
    if package == "presence":
        try:
            _parse(body)
        except DocumentError:
            return "Body Is Not A Presence Document"
    return None
