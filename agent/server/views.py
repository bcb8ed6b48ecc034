"""What a presentity looks like to its watchers: composed and serialised once per state, not once per watcher."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from agent.clock import Clock
from agent.documents import pidf
from agent.documents.written import Written
from agent.presence.calls import (
    CALL_RANK,
    DialogView,
    dialog_document,
    dialogs_of,
    person_in_call,
)
from agent.presence.composition import DEFAULT, Input, Policy, compose
from agent.presence.lamp import at_version, lamp_of
from agent.presence.lineage import lineage
from agent.presence.location_policy import told_locations
from agent.presence.packages import DIALOG_INFO
from agent.presence.records import OWN_PUBLISHER
from agent.presence.simple_view import simple_view
from agent.server.bodies import document_of, remembered
from agent.store.protocols import PublicationReader

PLAIN_DIALOGS: Final = DialogView()
LARGEST: Final = 60_000
"Bytes. A larger document fits no datagram; what matters of it is told instead."


@dataclass(slots=True, unsafe_hash=True, init=False)
class View:
    """One rendered document. Equal bodies say the same; a document with a version has it as 0 there."""

    media_type: str
    body: bytes
    plain_tail: bytes
    "Content-Type, Content-Length, the empty line and the body: how a NOTIFY ends."
    versioned: bool

    def __init__(
        self,
        media_type: str,
        body: bytes,
        plain_tail: bytes,
        versioned: bool,
    ) -> None:
        self.media_type = media_type
        self.body = body
        self.plain_tail = plain_tail
        self.versioned = versioned

    def tail(self, version: int) -> bytes:
        """The end of a NOTIFY, with the document's version if it has one."""
        return _tail(self.media_type, at_version(self.body, version)) if self.versioned else self.plain_tail


NOTHING: Final = View("", b"", b"Content-Length: 0\r\n\r\n", versioned=False)
"No document at all: what a watcher is told who waits for permission (RFC 3856 §6.7)."


def make_view(media_type: str, body: bytes) -> View:
    return View(media_type, body, _tail(media_type, body), media_type == DIALOG_INFO)


def _tail(media_type: str, body: bytes) -> bytes:
    return f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True, unsafe_hash=True, init=False)
class _Composed:
    document: pidf.Presence
    next_boundary: datetime | None
    body: bytes | None
    "The document's bytes, where they are there already."

    def __init__(
        self,
        document: pidf.Presence,
        next_boundary: datetime | None,
        body: bytes | None,
    ) -> None:
        self.document = document
        self.next_boundary = next_boundary
        self.body = body


class Views:
    """A cache of views. `forget` a presentity when its publications change."""

    def __init__(
        self, store: PublicationReader, clock: Clock, policy: Policy = DEFAULT, *, locations: bool = False
    ) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._locations = locations
        self._composed: dict[str, _Composed] = {}
        self._views: dict[str, dict[tuple[object, ...], View]] = {}
        self.on_boundary: Callable[[str, datetime], None] = lambda presentity, when: None
        "Told when a composition will change by the clock alone."

    def view(
        self, presentity: str, package: str, media_type: str, dialogs: DialogView = PLAIN_DIALOGS
    ) -> View:
        """The current document of a presentity for one package and media type; ``dialogs``: how calls are seen."""
        views = self._views.get(presentity)
        if views is None:
            views = self._views[presentity] = {}
        # Asked for at each NOTIFY: texts know their hashes, a DialogView would work its own out each time.
        key = (package, media_type) if dialogs is PLAIN_DIALOGS else (package, media_type, dialogs)
        found = views.get(key)
        if found is None:
            composed = self._composition(presentity)
            if media_type == DIALOG_INFO:
                body = self._dialogs(presentity, composed.document, dialogs)
            else:
                body = self._pidf(composed)
            found = views[key] = make_view(media_type, body)
        return found

    def _dialogs(self, presentity: str, document: pidf.Presence, view: DialogView) -> bytes:
        now = self._clock.wall()
        rows = [row for row in self._store.publications(presentity, "dialog") if row.expires_at > now]
        return dialog_document(presentity, dialogs_of(rows), lamp_of(document), view)

    def _pidf(self, composed: _Composed) -> bytes:
        body = composed.body if composed.body is not None else pidf.build(composed.document)
        return body if len(body) <= LARGEST else pidf.build(simple_view(composed.document, self._clock.now()))

    def boundary(self, presentity: str) -> float | None:
        """When (wall clock) its documents will be others by the clock alone; None: never."""
        when = self._composition(presentity).next_boundary
        return when.timestamp() if when is not None else None

    def __len__(self) -> int:
        """Presentities whose documents are kept ready."""
        return len(self._views)

    def forget(self, presentity: str) -> None:
        """The state has changed; the next `view` is made anew."""
        self._composed.pop(presentity, None)
        self._views.pop(presentity, None)

    def _calls(self, presentity: str, now: datetime) -> list[Input]:
        rows = self._store.publications(presentity, "dialog")
        live = [row for row in rows if row.expires_at > now.timestamp()]
        document = person_in_call(presentity, live) if live else None
        if document is None:
            return []
        since = datetime.fromtimestamp(max(row.published_at for row in live), UTC)
        return [Input("call", document, CALL_RANK, since)]

    def _composition(self, presentity: str) -> _Composed:
        known = self._composed.get(presentity)
        if known is None:
            now = self._clock.now()
            known = self._composed[presentity] = self._alone(presentity, now) or self._made(presentity, now)
            if known.next_boundary is not None:
                self.on_boundary(presentity, known.next_boundary)
        return known

    def _alone(self, presentity: str, now: datetime) -> _Composed | None:
        """What this service has published itself, where that is all there is: composed it would be the same."""
        rows = self._store.publications(presentity, "presence")
        if len(rows) != 1:
            return None
        row = rows[0]
        body = row.body
        if (
            not isinstance(body, Written)
            or row.publisher != OWN_PUBLISHER
            or body.document.entity != presentity
        ):
            return None
        if row.expires_at <= now.timestamp() or (body.until is not None and body.until <= now):
            return None
        return _Composed(body.document, None, body)

    def _made(self, presentity: str, now: datetime) -> _Composed:
        rows = [
            row
            for row in self._store.publications(presentity, "presence")
            if row.expires_at > now.timestamp()
        ]
        read = document_of if len(rows) == 1 else remembered
        inputs = [
            Input(
                row.id,
                document := read(row),
                row.rank,
                datetime.fromtimestamp(row.published_at, UTC),
                lineage(row.publisher, document),
                keeps_time=row.publisher == OWN_PUBLISHER,
            )
            for row in rows
        ]
        if not any(each.keeps_time for each in inputs):
            # Of whom the rules decide, they have been told of the calls and have weighed them.
            inputs += self._calls(presentity, now)
        known = compose(presentity, inputs, now, self._policy)
        return _Composed(told_locations(known.document, self._locations), known.next_boundary, None)
