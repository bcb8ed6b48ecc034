"""The trace in words that a receptionist understands."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rules.evaluate import Evaluation
from rules.person import Person, zone
from rules.sources import COUNTS, OLDER, OUTVOTED, STALE, SourceSeen
from rules.trace import ConditionTrace, FactSeen, RuleTrace, Trace
from rules.values import spell

_MARKS = {True: "yes", False: "no", None: "not known"}
_NOUN = {"call": "calls", "reach": "registration", "calendar": "the calendar", "manual": "the choice"}
_CALLED = {
    "state": "the state",
    "basic": "open or closed",
    "activities": "the activity",
    "moods": "the mood",
    "notes": "the note",
    "lamp": "the lamp",
    "importance": "the importance",
    "place": "the place",
    "place_types": "the kind of place",
    "sphere": "the sphere",
    "extensions": "the organisation's own elements",
}


def explain(evaluation: Evaluation, person: Person, *, every_rule: bool = True) -> str:
    """Several lines: what is shown, why, until when, and each rule with what it saw."""
    return "\n".join(_lines(evaluation, person, every_rule))


def _lines(evaluation: Evaluation, person: Person, every_rule: bool) -> Iterator[str]:
    trace = evaluation.trace
    yield from _summary(evaluation, trace, person)
    for failure in evaluation.failures:
        yield f"The rule “{failure.rule}” could not be carried out: {failure.message}."
    yield from _sources_line(trace)
    yield ""
    for number, rule in enumerate(trace.rules, 1):
        if every_rule or rule.fired:
            yield from _rule(number, rule, person)


def _summary(evaluation: Evaluation, trace: Trace, person: Person) -> Iterator[str]:
    decision = trace.decision
    name = person.name or person.key
    title = evaluation.rules.states[decision.state].title or decision.state
    rule = decision.because.get("state")
    if rule is not None:
        why = f"because of the rule “{rule}”"
    elif decision.state == "unknown":
        why = "because too little is known to say anything"
    else:
        why = "because no rule has anything to say"
    yield f"At {_clock(trace.at, person)} {name} is shown as {title} ({decision.state}), {why}."
    for attribute, value in _shown(evaluation):
        by = decision.because.get(attribute)
        source = "" if by in (None, rule) else f"   — from the rule “{by}”"
        yield f"  {_CALLED[attribute]}: {value}{source}"
    if decision.until is not None:
        yield f"This is expected to last until {_clock(decision.until, person)}."
    elif evaluation.next_change is not None:
        yield f"By itself it can change at {_clock(evaluation.next_change, person)} at the earliest."


def _shown(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    decision = evaluation.decision
    values = {
        "notes": " / ".join(note.text for note in decision.notes),
        "activities": ", ".join(decision.activities),
        "moods": ", ".join(filter(None, (*decision.moods, decision.mood_note))),
        "place": decision.place or "",
        "place_types": ", ".join(decision.place_types),
        "importance": decision.importance or "",
        "lamp": decision.lamp.value,
    }
    return ((name, value) for name, value in values.items() if value)


def _rule(number: int, rule: RuleTrace, person: Person) -> Iterator[str]:
    where = f"{rule.file}:{rule.line}"
    yield f"{number}. {rule.name} — {_verdict(rule, person)}   [{where}]"
    if rule.condition is not None:
        yield from _condition(rule.condition, 1)


def _verdict(rule: RuleTrace, person: Person) -> str:
    if rule.failure is not None:
        return f"could not be carried out: {rule.failure}"
    if rule.kept_until is not None:
        return f"kept until {_clock(rule.kept_until, person)}"
    if not rule.fired:
        return "cannot tell" if rule.matched is None else "does not apply"
    if rule.set:
        return "applies, and decides " + ", ".join(_CALLED.get(name, name) for name in rule.set)
    if rule.too_late:
        return f"applies, but “{rule.too_late[0][1]}” came first"
    return "applies, but sets nothing that is still open"


def _condition(condition: ConditionTrace, depth: int) -> Iterator[str]:
    seen = f": {condition.seen}" if condition.seen else ""
    yield f"{'   ' * depth}{_MARKS[condition.result]} — wanted {condition.wanted}{seen}{_sources(condition.facts)}"
    for part in condition.parts:
        yield from _condition(part, depth + 1)


def _sources_line(trace: Trace) -> Iterator[str]:
    """Only where there is more than one to choose from, or one has gone silent: else the rules below say it."""
    for kind in dict.fromkeys(seen.kind for seen in trace.sources):
        sources = [seen for seen in trace.sources if seen.kind == kind]
        if len(sources) > 1 or sources[0].standing == STALE:
            yield f"Who tells of {_NOUN.get(kind, kind)}:"
            yield from (f"  {_source(seen)}" for seen in sources)


def _source(seen: SourceSeen) -> str:
    device = f" ({seen.device})" if seen.device else ""
    words = {
        COUNTS: "which counts",
        OUTVOTED: "outvoted by a surer source",
        OLDER: "older than another",
        STALE: "silent for too long to count",
    }
    sure = f", {round(seen.confidence * 100)} % sure" if seen.kind in ("call", "reach") else ""
    return f"{seen.source} says {seen.says}{device}, {_age(seen.age)}{sure} — {words[seen.standing]}"


def _sources(facts: tuple[FactSeen, ...]) -> str:
    if not facts:
        return ""
    told = [f"{fact.source}, {_age(fact.age)}{', silent since' if fact.stale else ''}" for fact in facts[:3]]
    more = f" and {len(facts) - 3} more" if len(facts) > 3 else ""
    return f"   (from {'; '.join(told)}{more})"


def _age(length: timedelta) -> str:
    return "just now" if length < timedelta(seconds=1) else f"{spell(length)} ago"


def _clock(moment: datetime, person: Person) -> str:
    return moment.astimezone(zone(person.timezone)).strftime("%H:%M:%S on %a %d %b").replace(":00 on", " on")
