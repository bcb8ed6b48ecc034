"""Decisions change on facts, on new rules, and by the clock alone at the very second."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import rules
from agent.decider import HEAD_START, VANGUARD, Decider, as_foreseen
from connectors.facts import CalendarEvent, CalendarValue, Fact, Period, ScheduleValue, Shows
from rules import Person
from rules.decision import Decision
from tests.support.clock import MONDAY_NINE
from tests.support.virtual_loop import LoopClock, virtual

RULES = rules.load(
    """
version: 1
states:
  dnd: {basic: closed, activities: [busy], lamp: lit}
rules:
  - name: meeting means DND
    when: {calendar: {shows: busy}}
    then: {state: dnd, note: "until {calendar.ends:%H:%M}"}
"""
)
ALICE, BOB = Person("alice"), Person("bob")


class Keeper:
    """Keeps memories as the store would."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, object]] = {}

    def memory(self, person: str) -> dict[str, object] | None:
        return self.kept.get(person)

    def put_memory(self, person: str, memory: Mapping[str, object]) -> None:
        self.kept[person] = dict(memory)


class Heard:
    """Every decision told, and when."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self.told: list[tuple[str, str, datetime, datetime]] = []
        self.last: dict[str, Decision] = {}

    def __call__(self, person: Person, decision: Decision, since: datetime) -> None:
        self.told.append((person.key, decision.state, self._clock.now(), since))
        self.last[person.key] = decision

    def states(self, person: str) -> list[str]:
        return [state for key, state, _, _ in self.told if key == person]


def calendar(
    person: str, *minutes: tuple[int, int], observed: datetime = MONDAY_NINE, hours: float = 48
) -> Fact:
    """Busy from and to, in minutes after nine."""
    events = tuple(
        CalendarEvent(MONDAY_NINE + timedelta(minutes=a), MONDAY_NINE + timedelta(minutes=b), Shows.BUSY)
        for a, b in minutes
    )
    value = CalendarValue(
        events, MONDAY_NINE - timedelta(hours=1), MONDAY_NINE + timedelta(hours=hours), "work"
    )
    return Fact(person, f"caldav:{person}", value, observed, observed + timedelta(hours=4))


def decider() -> tuple[Decider, Heard, LoopClock]:
    clock = LoopClock(asyncio.get_running_loop())
    heard = Heard(clock)
    return Decider(RULES, [ALICE, BOB], clock, heard, Keeper()), heard, clock


@virtual
async def test_a_meeting_begins_and_ends_at_its_second_without_any_poll() -> None:
    made, heard, _ = decider()
    made.take([calendar("alice", (60, 90))])
    await asyncio.sleep(3 * 3600)
    begun = [(state, at - MONDAY_NINE) for key, state, at, _ in heard.told if key == "alice"]
    assert [state for state, _ in begun] == ["available", "dnd", "available"]
    assert timedelta(minutes=60) <= begun[1][1] < timedelta(minutes=60, seconds=0.01)
    assert timedelta(minutes=90) <= begun[2][1] < timedelta(minutes=90, seconds=0.01)
    made.close()


@virtual
async def test_who_is_not_concerned_is_not_told_again() -> None:
    made, heard, _ = decider()
    made.take([calendar("alice", (60, 90)), calendar("bob", (60, 90))])
    await asyncio.sleep(1)
    made.take([calendar("alice", (60, 120), observed=MONDAY_NINE + timedelta(seconds=1))])
    await asyncio.sleep(1)
    assert heard.states("bob") == ["available"]
    assert heard.last["alice"].coming[0].end == MONDAY_NINE + timedelta(minutes=120)
    made.close()


@virtual
async def test_what_was_foreseen_says_the_same_as_looking_again() -> None:
    made, heard, clock = decider()
    fact = calendar("alice", (60, 90), (90, 100), (200, 210), (300, 310))
    made.take([fact])
    await asyncio.sleep(30)  # between the boundaries
    for _ in range(4 * 60):
        await asyncio.sleep(60)
        now = clock.now()
        if now >= MONDAY_NINE + timedelta(hours=3, minutes=59):
            break
        current = made.current("alice")
        again = rules.outlook(RULES, ALICE, [fact], now, None)
        assert current is not None
        assert current.decision.until == again.decision.until, now
        assert current.decision.coming == again.decision.coming, now
        assert current.decision.notes == again.decision.notes
    assert heard.states("alice").count("dnd") >= 3
    made.close()


@virtual
async def test_a_silent_source_makes_the_person_unknown_not_free() -> None:
    made, heard, _ = decider()
    made.take([calendar("alice", (0, 600))])
    await asyncio.sleep(5 * 3600)
    assert heard.states("alice") == ["dnd", "unknown"]
    assert heard.last["alice"].basic is None
    made.close()


@virtual
async def test_new_rules_are_in_force_without_a_state_in_between() -> None:
    made, heard, _ = decider()
    made.take([calendar("alice", (0, 60))])
    await asyncio.sleep(1)
    text = """
version: 1
states: {meeting: {basic: open, activities: [meeting]}}
rules:
  - name: m
    when: {calendar: {shows: busy}}
    then: {state: meeting}
"""
    made.reload(rules.load(text))
    await asyncio.sleep(1)
    assert heard.states("alice") == ["dnd", "meeting"]
    made.close()


@virtual
async def test_the_wall_clock_may_be_set_forward() -> None:
    made, heard, clock = decider()
    made.take([calendar("alice", (60, 90))])
    await asyncio.sleep(1)
    clock.jump(3600)
    await asyncio.sleep(30)
    assert heard.states("alice")[-1] == "dnd"
    made.close()


@virtual
async def test_a_thousand_people_are_decided_in_slices() -> None:
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop)
    heard = Heard(clock)
    people = [Person(f"p{n}") for n in range(1000)]
    turns, counted = 0, False

    def told(person: Person, decision: Decision, since: datetime) -> None:
        nonlocal counted
        heard(person, decision, since)
        if not counted:
            counted = True
            loop.call_soon(turn_ends)

    def turn_ends() -> None:
        nonlocal turns, counted
        turns, counted = turns + 1, False

    made = Decider(RULES, people, clock, told, Keeper())
    made.take([calendar(person.key, (0, 60)) for person in people])
    await asyncio.sleep(1)
    assert len(heard.told) == 1000
    assert turns >= 5
    made.close()


@virtual
async def test_of_a_crowd_the_first_go_ahead_alone_and_the_others_follow() -> None:
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop)
    heard = Heard(clock)
    people = [Person(f"p{n}") for n in range(1000)]
    made = Decider(RULES, people, clock, heard, Keeper())
    made.take([calendar(person.key, (60, 90)) for person in people])
    await asyncio.sleep(60 * 60 - 1)
    assert not made.is_due_within(0.5) and made.is_due_within(2)
    heard.told.clear()
    await asyncio.sleep(2)
    after = sorted((at - MONDAY_NINE - timedelta(hours=1)).total_seconds() for _, _, at, _ in heard.told)
    assert len(after) == 1000
    first = [seconds for seconds in after if seconds < HEAD_START]
    assert len(first) == VANGUARD and after[-1] < 2 * HEAD_START + 0.001
    made.close()


@virtual
async def test_closed_it_decides_for_nobody_who_still_waits() -> None:
    clock = LoopClock(asyncio.get_running_loop())
    heard = Heard(clock)
    people = [Person(f"p{n}") for n in range(1000)]
    made = Decider(RULES, people, clock, heard, Keeper())
    made.decide_all()
    await asyncio.sleep(HEAD_START / 2)
    made.close()
    await asyncio.sleep(1)
    assert len(heard.told) == VANGUARD


def test_what_came_otherwise_is_not_taken_for_foreseen() -> None:
    before = rules.outlook(RULES, ALICE, [calendar("alice", (60, 90))], MONDAY_NINE).decision
    at = MONDAY_NINE + timedelta(minutes=60)
    free = rules.evaluate(RULES, ALICE, [calendar("alice")], at).decision
    assert as_foreseen(before, free, at) is None


@virtual
async def test_people_are_replaced_and_only_those_who_changed_are_told_again() -> None:
    made, heard, _ = decider()
    made.take([calendar("alice", (0, 60)), calendar("bob", (0, 60))])
    await asyncio.sleep(1)
    told = len(heard.told)
    made.set_people([ALICE, Person("carol")])
    made.take([calendar("bob", (10, 60))])
    await asyncio.sleep(1)
    assert [(key, state) for key, state, _, _ in heard.told[told:]] == [("carol", "unknown")]
    assert set(made.people) == {"alice", "carol"} and made.current("bob") is None
    made.set_people([ALICE, Person("carol")], tell_again={"alice"})
    await asyncio.sleep(1)
    assert heard.states("alice") == ["dnd", "dnd"]
    made.close()


@virtual
async def test_somebody_who_is_taken_out_while_waiting_is_not_decided_about() -> None:
    made, heard, _ = decider()
    made.take([calendar("alice", (0, 60)), calendar("bob", (0, 60))])
    made.set_people([ALICE])
    await asyncio.sleep(1)
    assert {key for key, _, _, _ in heard.told} == {"alice"}
    made.close()


@virtual
async def test_after_a_restart_nothing_is_said_before_a_source_is_heard() -> None:
    made, heard, _ = decider()
    made.hold(["alice"], 15)
    made.decide_all()
    working = ScheduleValue((Period(MONDAY_NINE - timedelta(hours=1), MONDAY_NINE + timedelta(hours=8)),))
    made.take([Fact("alice", "schedule:alice", working, MONDAY_NINE)])
    await asyncio.sleep(5)
    assert heard.states("alice") == [] and heard.states("bob") == ["unknown"]
    made.take([calendar("alice", (0, 60))])
    await asyncio.sleep(1)
    assert heard.states("alice") == ["dnd"]
    made.close()


@virtual
async def test_after_a_restart_silence_counts_in_the_end() -> None:
    made, heard, _ = decider()
    made.hold(["alice"], 15)
    made.decide_all()
    await asyncio.sleep(14)
    assert heard.states("alice") == []
    await asyncio.sleep(2)
    assert heard.states("alice") == ["unknown"]
    made.close()
