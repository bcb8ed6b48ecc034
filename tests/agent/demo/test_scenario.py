"""What is to happen at the demo's organisation holds together."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from agent.demo.organisation import ALICE, CAROL, DAVE, MEMBERS, Kind, calendar_object, first_calendars
from agent.demo.scenario import FREE, SCRIPT, Act, Cause, at_first, first_act, next_act, shown_during
from connectors.calendar_event import Reader
from connectors.facts import Shows
from connectors.ical.read import read
from connectors.privacy import Privacy

BERLIN = ZoneInfo("Europe/Berlin")
OPENED = datetime(2026, 3, 2, 9, 59, 41, 250_000, UTC)
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ACTS = [
    pytest.param(first_act(START, OPENED, BERLIN), id="first"),
    *(pytest.param(next_act(number, START, BERLIN), id=f"next {number}") for number in range(1, 6)),
]


def first_shown(act: Act) -> dict[str, object]:
    """An act that is not the first begins with everybody free."""
    first = act == first_act(START, OPENED, BERLIN)
    return dict(at_first(OPENED, BERLIN)) if first else {member.key: FREE for member in MEMBERS}


@pytest.mark.parametrize("act", ACTS)
def test_each_step_changes_what_is_shown_and_at_the_end_everybody_is_free(act: Act) -> None:
    shown = first_shown(act)
    for step in act.steps:
        assert shown[step.member.key] != step.shown, step
        shown[step.member.key] = step.shown
    assert set(shown.values()) == {FREE}
    assert [step.at for step in act.steps] == sorted(step.at for step in act.steps)
    assert act.steps[-1].at < act.ends


@pytest.mark.parametrize("act", ACTS)
def test_steps_of_one_person_leave_time_for_a_poll_between_them(act: Act) -> None:
    for member in MEMBERS:
        moments = [step.at for step in act.steps if step.member == member]
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert all(gap >= timedelta(seconds=4) for gap in gaps)


@pytest.mark.parametrize("act", ACTS)
def test_leftovers_are_every_object_that_was_put_once(act: Act) -> None:
    put = {event.uid for event in act.events} | {step.change.uid for step in act.steps if step.change}
    left = [event.uid for event in act.leftovers()]
    assert len(left) == len(set(left)) and set(left) == put


def test_the_script_has_a_meeting_begin_one_added_one_cancelled_and_one_moved() -> None:
    steps = first_act(START, OPENED, BERLIN).until(START + SCRIPT)
    words = [(step.cause, step.words) for step in steps]
    assert (Cause.CLOCK, "a meeting begins") in words
    for change in ("a meeting is added", "the meeting is cancelled", "the meeting is moved"):
        assert (Cause.CALDAV, change) in words
    assert {step.member.key for step in steps} == {member.key for member in MEMBERS}


def test_at_first_two_are_in_meetings_whose_end_is_told_in_local_time() -> None:
    shown = at_first(OPENED, BERLIN)
    assert shown["alice"] == shown["bob"] == FREE
    assert shown["carol"].note == shown["dave"].note == "In a meeting until 11:39"


def test_nobody_has_an_empty_calendar_at_any_time() -> None:
    lasting = [event for event in first_calendars(OPENED) if event.start - OPENED > timedelta(hours=8)]
    assert [event.member for event in lasting] == list(MEMBERS)


def test_calendar_objects_say_what_the_scenario_means() -> None:
    act = first_act(START, OPENED, BERLIN)
    window = (START - timedelta(hours=1), START + timedelta(hours=1))
    reader = Reader(privacy=Privacy.CATEGORY)
    for event in act.events:
        [occurrence] = read(calendar_object(event, OPENED), *window, "UTC", reader).events
        assert (occurrence.start, occurrence.end) == (event.start, event.end)
        assert (occurrence.shows is Shows.OUT_OF_OFFICE) == (event.kind is Kind.OUT_OF_OFFICE)
        assert ("Lunch" in occurrence.categories) == (event.kind is Kind.LUNCH)
    cancelled = next(step.change for step in act.steps if step.member == CAROL and step.change)
    assert not read(calendar_object(cancelled, OPENED), *window, "UTC", reader).events


def test_words_of_what_is_shown() -> None:
    act = first_act(START, OPENED, BERLIN)
    absence = next(
        event for event in act.events if event.member == ALICE and event.kind is Kind.OUT_OF_OFFICE
    )
    assert str(shown_during(absence, BERLIN)) == 'closed  away  "Out of the office until 02 Mar 11:00"'
    moved = next(step.change for step in act.steps if step.member == DAVE and step.change)
    assert moved.sequence == 1 and str(FREE) == "open"
