"""What the rules decide: who wins, what is unknown, what must be remembered, when it can change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from connectors.facts import (
    ActivityState,
    ActivityValue,
    CalendarEvent,
    CalendarValue,
    CallState,
    CallValue,
    Fact,
    ManualValue,
    PlaceValue,
    ReachState,
    ReachValue,
    Shows,
)
from rules import Memory, Person
from rules.decision import Basic, Extension, Note
from rules.files import load_pack

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALICE = Person("alice", "Alice", groups=("sales",))


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def fact(value, minutes=0.0, source="test", until=None):
    return Fact("alice", source, value, at(minutes), at(until) if until is not None else None)


def meeting(start, end, shows=Shows.BUSY, **more):
    return CalendarEvent(at(start), at(end), shows, **more)


def calendar(*events, name="", until=None):
    ordered = tuple(sorted(events, key=lambda event: event.start))
    value = CalendarValue(ordered, at(-1000), at(10_000), name)
    return fact(value, source=f"calendar/{name}", until=until)


def load(body: str):
    return rules.load("version: 1\n" + body)


def state(loaded, facts, minutes=0.0, memory=None, person=ALICE):
    return rules.evaluate(loaded, person, facts, at(minutes), memory).decision.state


def test_a_late_state_still_fills_in_surroundings_but_nothing_of_its_own():
    loaded = load(
        """
states: {desk: {note: at the desk, activities: [working], place: Desk, place_type: office}}
rules:
  - {name: call, when: {call: talking}, then: {state: on-the-phone}}
  - {name: desk, then: {state: desk}}
"""
    )
    call = fact(CallValue(CallState.TALKING, NINE))
    decision = rules.evaluate(loaded, ALICE, [call], NINE).decision
    assert (decision.state, decision.activities) == ("on-the-phone", ("on-the-phone",))
    assert decision.notes == (Note("On the phone"),)
    assert (decision.place, decision.place_types) == ("Desk", ("office",))
    assert decision.because["place"] == "desk"


def test_not_of_something_unknown_does_not_fire():
    loaded = load("rules: [{name: free, when: {not: {call: talking}}, then: {state: working}}]")
    assert state(loaded, []) == "unknown"
    assert state(loaded, [fact(CallValue(CallState.IDLE, NINE))]) == "working"


def test_a_stale_calendar_beside_a_fresh_one_does_not_mean_free():
    loaded = load("rules: [{name: free, when: {calendar: free}, then: {state: working}}]")
    fresh, stale = calendar(name="work"), calendar(name="private", until=-5)
    assert state(loaded, [fresh]) == "working"
    assert state(loaded, [fresh, stale]) == "unknown"


def test_rules_can_see_staleness_and_ignorance():
    loaded = load(
        """
rules:
  - {name: stale, when: {calendar: stale}, then: {note: calendar is silent}}
  - {name: unknown, when: {calendar: unknown}, then: {note: no calendar}}
"""
    )

    def note(*facts):
        return [one.text for one in rules.evaluate(loaded, ALICE, facts, NINE).decision.notes]

    assert note(calendar(until=-1)) == ["calendar is silent"]
    assert note() == ["no calendar"]
    assert note(calendar(until=1)) == []


def test_precedence_and_the_admins_own():
    both = calendar(meeting(0, 60, Shows.TENTATIVE), meeting(0, 60))
    body = "rules: [{name: t, when: {calendar: tentative}, then: {state: tentative}}]"
    assert state(load(body), [both]) == "available"
    assert state(load("precedence: [tentative, busy]\n" + body), [both]) == "tentative"


def test_calendars_with_a_meaning_of_their_own():
    body = """
calendars: {on-call: {counts: false}, private: {shows_as: tentative}}
rules:
  - {name: on call, when: {calendar: {name: on-call, shows: busy}}, then: {place: on call}}
  - {name: busy, when: {calendar: busy}, then: {state: dnd}}
  - {name: tentative, when: {calendar: tentative}, then: {state: tentative}}
"""
    loaded = load(body)
    on_call = calendar(meeting(0, 60), name="on-call")
    decision = rules.evaluate(loaded, ALICE, [on_call], NINE).decision
    assert (decision.state, decision.place) == ("available", "on call")
    assert state(loaded, [calendar(meeting(0, 60), name="private")]) == "tentative"


def test_a_private_event_gives_no_words_away():
    loaded = load(
        """
rules:
  - {name: secret, when: {calendar: {category: merger}}, then: {state: focus}}
  - {name: busy, when: {calendar: busy}, then: {state: dnd, note: "{calendar.title|busy} {calendar.category|}"}}
"""
    )
    open_event = meeting(0, 60, title="Merger", categories=("merger",))
    private = meeting(0, 60, private=True, title="Merger", categories=("merger",))
    details = Person("alice", privacy="details")
    assert state(loaded, [calendar(open_event)], person=details) == "focus"
    decision = rules.evaluate(loaded, details, [calendar(private)], NINE).decision
    assert (decision.state, decision.notes) == ("dnd", (Note("busy "),))


def test_for_must_have_held_and_survives_a_restart():
    loaded = load("rules: [{name: off, when: {reach: offline}, for: 5m, then: {state: offline}}]")
    off = [fact(ReachValue("desk", ReachState.OFFLINE))]
    first = rules.evaluate(loaded, ALICE, off, NINE)
    assert (first.decision.state, first.next_change) == ("unknown", at(5))
    memory = Memory.from_json(first.memory.to_json())
    assert memory == first.memory
    assert state(loaded, off, 4.99, memory) == "unknown"
    assert state(loaded, off, 5, memory) == "offline"
    back = rules.evaluate(loaded, ALICE, [fact(ReachValue("desk", ReachState.REGISTERED))], at(4), memory)
    assert state(loaded, off, 5, back.memory) == "unknown"


def test_hold_keeps_the_state_and_its_words():
    loaded = load(
        "rules: [{name: m, when: {calendar: busy}, hold: 5m, then: {state: dnd, note: 'to {calendar.ends}'}}]"
    )
    known = [calendar(meeting(0, 30))]
    during = rules.evaluate(loaded, ALICE, known, at(10))
    after = rules.evaluate(loaded, ALICE, known, at(30), during.memory)
    assert (after.decision.state, after.decision.notes) == ("dnd", (Note("to 09:30"),))
    assert after.next_change == at(35)
    assert state(loaded, known, 35, after.memory) == "available"


def test_dwell_damps_flapping_but_lets_stronger_rules_through():
    loaded = load(
        """
rules:
  - {name: call, when: {call: talking}, then: {state: on-the-phone}}
  - {name: away, when: {activity: idle}, dwell: 2m, then: {state: away}}
"""
    )
    idle = fact(ActivityValue("pc", ActivityState.IDLE, at(-10)), source="a")
    active = fact(ActivityValue("pc", ActivityState.ACTIVE, at(0.5)), source="a")
    first = rules.evaluate(loaded, ALICE, [idle], NINE)
    second = rules.evaluate(loaded, ALICE, [active], at(0.5), first.memory)
    assert (second.decision.state, second.next_change) == ("away", at(2))
    talking = fact(CallValue(CallState.TALKING, at(1)))
    assert state(loaded, [active, talking], 1, second.memory) == "on-the-phone"
    assert state(loaded, [active], 2, second.memory) == "available"


def test_a_choice_is_heard_until_its_end_and_an_unknown_one_is_reported():
    loaded = load_pack("manual")
    lunch = [fact(ManualValue("lunch", None, at(45)))]
    answer = rules.evaluate(loaded, ALICE, lunch, NINE)
    assert (answer.decision.state, answer.next_change) == ("lunch", at(45))
    assert state(loaded, lunch, 45) == "unknown"
    odd = rules.evaluate(loaded, ALICE, [fact(ManualValue("fishing"))], NINE)
    assert odd.decision.state == "unknown"
    assert [(one.rule, one.message) for one in odd.failures] == [
        ("what I chose myself wins", "there is no state `fishing`")
    ]


def test_elements_of_the_organisations_own_namespace_are_carried():
    loaded = load(
        """
namespaces: {acme: "https://acme.example/p"}
states:
  desk: {xml: {"acme:desk": {text: "4 & 12", floor: "4"}}}
  room: {xml: "<acme:room n='1'>a &amp; b</acme:room>"}
rules:
  - {name: a, when: {call: talking}, then: {state: desk}}
  - {name: b, then: {state: room}}
"""
    )
    wanted = (Extension("https://acme.example/p", "room", "a & b", (("n", "1"),)),)
    assert rules.evaluate(loaded, ALICE, [], NINE).decision.extensions == wanted
    call = fact(CallValue(CallState.TALKING, NINE))
    decision = rules.evaluate(loaded, ALICE, [call], NINE).decision
    assert decision.extensions == (Extension("https://acme.example/p", "desk", "4 & 12", (("floor", "4"),)),)


def test_the_outlook_knows_until_when_and_what_comes():
    loaded = load_pack("office")
    known = [calendar(meeting(60, 120), meeting(120, 150), until=5)]
    decision = rules.outlook(loaded, ALICE, known, NINE).decision
    assert decision.until == at(60)
    assert [(one.start, one.end, one.state, one.basic) for one in decision.coming] == [
        (at(60), at(120), "dnd", Basic.CLOSED),
        (at(120), at(150), "dnd", Basic.CLOSED),
        (at(150), None, "available", Basic.OPEN),
    ]
    assert rules.outlook(loaded, ALICE, known[:], at(4)).decision.until == at(60)


def test_nobody_is_foretold_to_go_away():
    loaded = load_pack("office")
    known = [
        fact(ActivityValue("pc", ActivityState.ACTIVE, NINE)),
        fact(CallValue(CallState.IDLE, NINE), source="c"),
    ]
    assert rules.outlook(loaded, ALICE, known, NINE).decision.until is None
    assert rules.evaluate(loaded, ALICE, known, NINE).next_change == at(10)


def test_times_of_day_are_the_persons_own_over_a_change_of_the_clocks():
    loaded = load("rules: [{name: l, when: {time: {from: '12:00', to: '13:00'}}, then: {state: lunch}}]")
    berlin = Person("alice", timezone="Europe/Berlin")
    day_before = rules.evaluate(loaded, berlin, [], datetime(2026, 3, 28, 12, 0, tzinfo=UTC))
    assert day_before.next_change == datetime(2026, 3, 29, 10, 0, tzinfo=UTC)
    assert rules.evaluate(loaded, berlin, [], day_before.next_change).decision.state == "lunch"


@pytest.mark.parametrize(
    ("day", "state_then"), [(24, "available"), (25, "holiday"), (26, "holiday"), (27, "available")]
)
def test_public_holidays(day, state_then):
    loaded = load("rules: [{name: h, when: {time: {holiday: DE-BY}}, then: {state: holiday}}]")
    now = datetime(2026, 12, day, 9, 0, tzinfo=UTC)
    free = Fact("alice", "c", CalendarValue((), now - timedelta(1), now + timedelta(1)), now)
    assert rules.evaluate(loaded, ALICE, [free], now).decision.state == state_then


OFFICE = load_pack("office")
minutes = st.integers(-60, 240)


@st.composite
def knowledge(draw):
    events = draw(
        st.lists(
            st.builds(
                lambda start, length, shows, online: meeting(
                    start, start + length, shows, online_meeting=online
                ),
                minutes,
                st.integers(1, 90),
                st.sampled_from(Shows),
                st.booleans(),
            ),
            max_size=4,
        )
    )
    facts = [calendar(*events, until=draw(st.none() | minutes))]
    facts.append(fact(CallValue(draw(st.sampled_from(CallState)), at(-5), device="d"), source="call"))
    last = draw(st.integers(-60, 0))
    facts.append(fact(ActivityValue("pc", draw(st.sampled_from(ActivityState)), at(last)), source="pc"))
    zone_tag = draw(st.sampled_from([("HQ", ("office",)), ("Home", ("home",)), (None, ())]))
    facts.append(
        fact(PlaceValue(zone_tag[0], at(-3), zone_tag[1]), source="place", until=draw(st.none() | minutes))
    )
    if draw(st.booleans()):
        facts.append(fact(ManualValue("lunch", None, at(draw(minutes))), source="manual"))
    return draw(st.permutations(facts))


@settings(max_examples=150, deadline=None)
@given(knowledge(), st.floats(0, 1))
def test_nothing_changes_before_the_announced_change(facts, share):
    now = NINE
    answer = rules.evaluate(OFFICE, ALICE, facts, now)
    end = answer.next_change or at(600)
    assert end > now
    between = now + (end - now) * share * 0.999
    later = rules.evaluate(OFFICE, ALICE, facts, between, answer.memory)
    assert later.decision == answer.decision


@settings(max_examples=100, deadline=None)
@given(knowledge())
def test_the_order_in_which_facts_came_does_not_matter(facts):
    answers = [rules.evaluate(OFFICE, ALICE, order, NINE).decision for order in (facts, facts[::-1])]
    assert answers[0] == answers[1]


@settings(max_examples=100, deadline=None)
@given(knowledge())
def test_the_trace_agrees_with_the_decision(facts):
    answer = rules.evaluate(OFFICE, ALICE, facts, NINE)
    for rule in answer.trace.rules:
        assert all(answer.decision.because[name] == rule.name for name in rule.set)
    decided = {name for rule in answer.trace.rules for name in rule.set}
    assert decided == set(answer.decision.because)
