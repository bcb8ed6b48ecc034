"""What the runner believes: staleness, sudden emptiness, partial answers."""

from datetime import timedelta

from connectors.base import Link, Poll
from connectors.errors import AuthFailed, Unreachable
from connectors.facts import CalendarEvent, CalendarValue, Fact
from connectors.health import HealthState
from connectors.link_state import LinkState
from tests.support.clock import MONDAY_NINE

HOUR = timedelta(hours=1)


def state() -> LinkState:
    return LinkState(Link("l", "caldav", "alice", {}), 4 * HOUR, MONDAY_NINE)


def fact(source: str, *hours: float, at=MONDAY_NINE) -> Fact:
    events = tuple(CalendarEvent(at + hour * HOUR, at + (hour + 1) * HOUR) for hour in hours)
    return Fact("alice", source, CalendarValue(events, at - HOUR, at + 48 * HOUR), at)


def test_facts_are_stamped_with_the_staleness():
    heard = state().heard(Poll(MONDAY_NINE, (fact("a", 1),)), MONDAY_NINE)
    assert [found.valid_until for found in heard.facts] == [MONDAY_NINE + 4 * HOUR]
    assert heard.changed and not heard.confirm and not heard.recovered


def test_the_same_again_is_no_change_but_renews():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", 1),)), MONDAY_NINE)
    later = MONDAY_NINE + HOUR
    for poll in (Poll(later, None), Poll(later, (fact("a", 1),))):
        heard = link.heard(poll, later)
        assert not heard.changed
        assert [found.valid_until for found in heard.facts] == [later + 4 * HOUR]


def test_sudden_emptiness_is_held_back_once_and_then_believed():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", 1), fact("b", 2))), MONDAY_NINE)
    heard = link.heard(Poll(MONDAY_NINE, (fact("a"), fact("b", 2))), MONDAY_NINE)
    assert heard.confirm and [found.source for found in heard.facts] == ["b"]
    assert link.known["a"].value.events
    heard = link.heard(Poll(MONDAY_NINE, (fact("a"), fact("b", 2))), MONDAY_NINE)
    assert not heard.confirm and not link.known["a"].value.events


def test_an_emptiness_that_was_a_mistake_leaves_no_trace():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", 1),)), MONDAY_NINE)
    link.heard(Poll(MONDAY_NINE, (fact("a"),)), MONDAY_NINE)
    heard = link.heard(Poll(MONDAY_NINE, (fact("a", 1),)), MONDAY_NINE)
    assert not heard.confirm and not heard.changed and heard.facts
    assert link.heard(Poll(MONDAY_NINE, (fact("a"),)), MONDAY_NINE).confirm, "suspicious again"


def test_emptiness_that_the_source_itself_announced_is_believed_at_once():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", 1),)), MONDAY_NINE)
    heard = link.heard(Poll(MONDAY_NINE, (fact("a"),), announced=True), MONDAY_NINE)
    assert not heard.confirm and heard.changed and not link.known["a"].value.events


def test_a_failure_between_does_not_confirm():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", 1),)), MONDAY_NINE)
    link.heard(Poll(MONDAY_NINE, ()), MONDAY_NINE)
    link.failed(Unreachable("x"), MONDAY_NINE)
    assert "a" in link.known
    heard = link.heard(Poll(MONDAY_NINE, ()), MONDAY_NINE)
    assert heard.gone == ("a",) and heard.recovered


def test_events_that_passed_are_no_reason_for_suspicion():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", -5),)), MONDAY_NINE)
    later = MONDAY_NINE + 12 * HOUR
    assert not link.heard(Poll(later, (fact("a", at=later),)), later).confirm


def test_an_empty_calendar_from_the_start_is_believed():
    assert not state().heard(Poll(MONDAY_NINE, (fact("a"),)), MONDAY_NINE).confirm


def test_what_was_not_heard_ages():
    link = state()
    link.heard(Poll(MONDAY_NINE, (fact("a", 1), fact("b", 2))), MONDAY_NINE)
    later = MONDAY_NINE + 5 * HOUR
    heard = link.heard(Poll(later, (fact("a", 1),), ("b: forbidden",), frozenset({"b"})), later)
    assert [found.source for found in heard.facts] == ["a"] and not heard.gone and not heard.confirm
    health = link.health(later, None)
    assert health.state is HealthState.PARTIAL and health.stale and health.problems == ("b: forbidden",)


def test_only_the_first_failure_of_a_kind_is_news():
    link = state()
    assert link.failed(Unreachable("x"), MONDAY_NINE)
    assert not link.failed(Unreachable("x"), MONDAY_NINE + HOUR)
    assert link.health(MONDAY_NINE, None).since == MONDAY_NINE
    assert link.failed(AuthFailed("x"), MONDAY_NINE + 2 * HOUR)
    health = link.health(MONDAY_NINE, None)
    assert (health.failures, health.since) == (3, MONDAY_NINE + 2 * HOUR)
