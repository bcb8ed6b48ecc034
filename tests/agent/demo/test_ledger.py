"""What counts as seen, in order, and how late."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.demo.ledger import Expected, Ledger
from agent.demo.organisation import ALICE, MEMBERS
from agent.demo.scenario import FREE, Cause, Seen, Step
from agent.demo.script import milliseconds

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT = NOON.timestamp()
MEETING = Seen("closed", ("busy",), "In a meeting until 13:00")


def ledger() -> Ledger:
    """Two follow Alice, and both have seen how she is at first."""
    made = Ledger({"udp": MEMBERS, "tcp": (ALICE,)}, {member.key: FREE for member in MEMBERS})
    for member in MEMBERS:
        made.saw("udp", member.key, FREE, AT - 10)
    made.saw("tcp", "alice", FREE, AT - 10)
    assert made.all_complete() and not made.missing()
    return made


def expect(made: Ledger, shown: Seen, after: float = 0.0, cause: Cause = Cause.CLOCK) -> Expected:
    return made.expect(Step(NOON + timedelta(seconds=after), ALICE, cause, "", shown))


def test_a_state_counts_when_every_follower_has_seen_it() -> None:
    made = ledger()
    meeting = expect(made, MEETING)
    made.saw("udp", "alice", MEETING, AT + 0.004)
    assert not made.complete(meeting) and made.missing() == [f"tcp did not see of alice: {MEETING}"]
    made.saw("tcp", "alice", MEETING, AT + 0.006)
    assert made.complete(meeting) and not made.missing()
    assert made.latest("alice") == pytest.approx(0.006, abs=1e-4)


def test_the_same_state_again_is_no_news() -> None:
    made = ledger()
    assert made.saw("udp", "alice", FREE, AT) is None and not made.unexpected


def test_what_was_skipped_is_missing() -> None:
    made = ledger()
    expect(made, MEETING)
    expect(made, Seen("open", ("lunch",)), 5)
    made.saw("tcp", "alice", Seen("open", ("lunch",)), AT + 5)
    assert f"tcp did not see of alice: {MEETING}" in made.missing()
    made.saw("tcp", "alice", MEETING, AT + 6)  # too late: out of order
    assert f"tcp did not see of alice: {MEETING}" in made.missing() and len(made.unexpected) == 1


def test_what_nobody_expected_is_told() -> None:
    made = ledger()
    made.saw("udp", "alice", Seen("unknown"), AT)
    assert list(made.unexpected) == ["udp saw of alice, unexpectedly: unknown"]


def test_too_early_is_unexpected_but_not_by_the_rounding_of_a_millisecond() -> None:
    made = ledger()
    expect(made, MEETING)
    made.saw("udp", "alice", MEETING, AT - 0.5)
    made.saw("tcp", "alice", MEETING, AT - 0.001)
    assert len(made.unexpected) == 1 and made.latest("alice") == 0.0


def test_a_change_of_the_calendar_counts_from_the_servers_answer() -> None:
    made = ledger()
    added = expect(made, MEETING, cause=Cause.CALDAV)
    made.saw("udp", "alice", MEETING, AT + 0.9)
    made.saw("tcp", "alice", MEETING, AT + 0.9)
    assert not made.complete(added), "when it was answered is not known yet"
    added.caused_at = AT + 0.2
    assert made.complete(added) and added.lateness("udp") == pytest.approx(0.7, abs=1e-4)


def test_a_lamp_that_never_changed_took_no_time() -> None:
    made = ledger()
    assert made.latest("bob") is None
    assert [milliseconds(each) for each in (None, 0.0042, 1.23)] == ["–", "4 ms", "1.2 s"]
