"""Any past or coming days of a person by the rules, and what another rule set would change."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.facts import Fact
from rules.model import RuleSet
from rules.person import Person, zone
from rules.timeline import Segment, play, segments

FactsAt = Callable[[datetime], Sequence[Fact]]


@dataclass(frozen=True, slots=True)
class Track:
    """One person's line of the picture."""

    person: Person
    segments: tuple[Segment, ...]
    title: str = ""
    "Which rules, when two rule sets are compared."


@dataclass(frozen=True, slots=True)
class Difference:
    """``[start, end)`` in which two rule sets say different things of a person."""

    person: Person
    start: datetime
    end: datetime
    before: Segment
    after: Segment


def simulate(
    rules: RuleSet,
    person: Person,
    facts: FactsAt,
    moments: Iterable[datetime],
    start: datetime,
    end: datetime,
    title: str = "",
) -> Track:
    """What the rules say in ``[start, end)``. ``facts`` tells what is known at a moment, ``moments`` when
    something new is heard; changes that are known ahead need not be among them."""
    return Track(person, tuple(segments(play(rules, person, facts, moments, start, end), end)), title)


def differences(before: Track, after: Track) -> Iterator[Difference]:
    """What would change, span by span, in order of time."""
    edges = sorted(
        {edge for track in (before, after) for one in track.segments for edge in (one.start, one.end)}
    )
    pending: Difference | None = None
    for start, end in itertools.pairwise(edges):
        old, new = _at(before, start), _at(after, start)
        if old is None or new is None or _said(old) == _said(new):
            continue
        if pending is not None and pending.end == start and pending.before is old and pending.after is new:
            pending = Difference(before.person, pending.start, end, old, new)
            continue
        if pending is not None:
            yield pending
        pending = Difference(before.person, start, end, old, new)
    if pending is not None:
        yield pending


def _at(track: Track, moment: datetime) -> Segment | None:
    return next((one for one in track.segments if one.start <= moment < one.end), None)


def _said(segment: Segment) -> tuple[object, ...]:
    decision = segment.decision
    return decision.state, decision.basic, decision.notes, decision.place, decision.lamp


def to_json(tracks: Sequence[Track], changed: Sequence[Difference] = ()) -> dict[str, Any]:
    return {
        "tracks": [
            {
                "person": track.person.key,
                "rules": track.title,
                "segments": [_segment(one, track.person) for one in track.segments],
            }
            for track in tracks
        ],
        "changes": [
            {
                "person": one.person.key,
                "start": _local(one.start, one.person),
                "end": _local(one.end, one.person),
                "before": one.before.decision.state,
                "after": one.after.decision.state,
            }
            for one in changed
        ],
    }


def _segment(one: Segment, person: Person) -> dict[str, Any]:
    decision = one.decision
    return {
        "start": _local(one.start, person),
        "end": _local(one.end, person),
        "state": decision.state,
        "basic": decision.basic.value if decision.basic else None,
        "lamp": decision.lamp.value,
        "note": one.note,
        "place": decision.place,
        "rule": one.rule,
    }


def _local(moment: datetime, person: Person) -> str:
    return moment.astimezone(zone(person.timezone)).isoformat()
