"""After a restart the same decision is the same document; only a different one is news."""

from datetime import UTC, datetime

from agent.documents import pidf
from agent.documents.pidf import Presence, Status, Tuple
from agent.documents.values import Note
from agent.publisher.continuity import Continuity

ALICE = "sip:alice@example.org"
BEFORE, NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC), datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def body(note: str, at: datetime) -> bytes:
    return pidf.build(Presence(ALICE, (Tuple("t", Status("open"), (), None, (Note(note),), at),)))


def test_what_says_the_same_keeps_its_moment_once() -> None:
    continuity = Continuity({ALICE: body("In", BEFORE)})
    assert continuity.body(ALICE, NOW, lambda at: body("In", at)) == body("In", BEFORE)
    assert continuity.body(ALICE, NOW, lambda at: body("In", at)) == body("In", NOW), (
        "later it changed and came back"
    )


def test_what_says_something_else_is_news() -> None:
    continuity = Continuity({ALICE: body("In", BEFORE), "sip:bob@example.org": b"no document"})
    assert continuity.body(ALICE, NOW, lambda at: body("Out", at)) == body("Out", NOW)
    assert continuity.body("sip:bob@example.org", NOW, lambda at: body("In", at)) == body("In", NOW)
    assert continuity.body("sip:carol@example.org", NOW, lambda at: body("In", at)) == body("In", NOW)
