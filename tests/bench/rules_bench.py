"""How fast the rules are: evaluations a second on one core, and 20,000 meetings that begin at 10:00:00.

Run: python -m tests.bench.rules_bench
"""

import gc
import statistics
import time
from datetime import UTC, datetime, timedelta

import rules
from connectors.facts import (
    ActivityState,
    ActivityValue,
    CalendarEvent,
    CalendarValue,
    CallState,
    CallValue,
    Fact,
    FactValue,
    Period,
    PlaceValue,
    ReachState,
    ReachValue,
    ScheduleValue,
    Shows,
)

TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
RULES = 50
PEOPLE = 20_000


def rules_text(count: int) -> str:
    """Rules as an organisation of many departments writes them; most do not match."""
    shapes = [
        "when: {{manual: state-{n}}}\n    then: {{state: dnd}}",
        "when: {{call: {{state: talking, device: 'phone-{n}*'}}}}\n    then: {{state: on-the-phone}}",
        "when: {{calendar: {{shows: busy, category: 'kind-{n}'}}}}\n    then: {{state: focus}}",
        "when: {{group: 'team-{n}', calendar: {{shows: tentative}}}}\n    then: {{state: tentative}}",
        "when: {{time: {{from: '12:00', to: '13:00', days: mon-fri}}, activity: {{idle_for: {n}m}}}}\n"
        "    then: {{state: lunch}}",
        "when: {{place: {{tag: 'site-{n}'}}}}\n    then: {{place: 'Site {n}', place_type: office}}",
        "when: {{all: [{{reach: offline}}, {{not: {{activity: active}}}}]}}\n    then: {{note: 'gone {n}'}}",
    ]
    blocks = [f"  - name: rule {n}\n    " + shapes[n % len(shapes)].format(n=n + 1) for n in range(count - 2)]
    blocks.append(
        "  - name: meeting\n    when: {calendar: {shows: busy, all_day: false}}\n"
        "    then: {state: dnd, note: 'In a meeting until {calendar.ends:%H:%M}'}"
    )
    blocks.append("  - name: office\n    when: {place: {tag: office}}\n    then: {place: office}")
    return "version: 1\nrules:\n" + "\n".join(blocks) + "\n"


def facts_of(person: str) -> tuple[Fact, ...]:
    """Ten facts, of all kinds but a manual choice; eight events in the calendar."""
    events = tuple(
        CalendarEvent(TEN + timedelta(hours=hour), TEN + timedelta(hours=hour, minutes=45), Shows.BUSY)
        for hour in range(8)
    )
    values: list[FactValue] = [
        CalendarValue(events, TEN - timedelta(days=1), TEN + timedelta(days=2), "work"),
        CalendarValue((), TEN - timedelta(days=1), TEN + timedelta(days=2), "private"),
        CallValue(CallState.IDLE, TEN - timedelta(hours=1), device="desk"),
        CallValue(CallState.IDLE, TEN - timedelta(hours=1), device="mobile"),
        PlaceValue("headquarters", TEN - timedelta(hours=2), ("office",)),
        ActivityValue("laptop", ActivityState.ACTIVE, TEN - timedelta(seconds=30)),
        ActivityValue("mobile", ActivityState.IDLE, TEN - timedelta(minutes=30)),
        ReachValue("desk", ReachState.REGISTERED),
        ReachValue("mobile", ReachState.REACHABLE),
        ScheduleValue((Period(TEN - timedelta(hours=1), TEN + timedelta(hours=7)),)),
    ]
    return tuple(
        Fact(person, f"bench:{number}", value, TEN - timedelta(minutes=1), TEN + timedelta(hours=2))
        for number, value in enumerate(values)
    )


def per_second(
    work: "list[tuple[rules.Person, tuple[Fact, ...]]]", loaded: rules.RuleSet, now: datetime
) -> float:
    gc.collect()
    start = time.process_time()
    for person, facts in work:
        rules.evaluate(loaded, person, facts, now)
    return len(work) / (time.process_time() - start)


def main() -> None:
    loaded = rules.load(rules_text(RULES))
    people = [
        (rules.Person(f"p{number}", groups=("team-4",)), facts_of(f"p{number}")) for number in range(PEOPLE)
    ]
    few = people[:5000]
    for title, now in (("in a meeting", TEN), ("between meetings", TEN + timedelta(minutes=50))):
        rates = [per_second(few, loaded, now + timedelta(seconds=turn)) for turn in range(5)]
        print(
            f"{RULES} rules, 10 facts, {title}: {statistics.median(rates):,.0f} evaluations/s (median of 5)"
        )
    start = time.process_time()
    states = {rules.evaluate(loaded, person, facts, TEN).decision.state for person, facts in people}
    print(f"{PEOPLE:,} people at 10:00:00: {time.process_time() - start:.2f} s, all of them: {states}")
    start = time.process_time()
    for person, facts in few:
        rules.outlook(loaded, person, facts, TEN)
    print(f"with until and the coming states: {len(few) / (time.process_time() - start):,.0f} outlooks/s")


if __name__ == "__main__":
    main()
