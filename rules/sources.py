"""Which sources spoke of somebody, and what became of each: part of the trace. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.facts import (
    ActivityValue,
    CalendarValue,
    CallValue,
    Fact,
    FactKind,
    FactValue,
    ManualValue,
    PlaceValue,
    ReachValue,
)
from rules.view import View, age, newest

COUNTS, OUTVOTED, OLDER, STALE = "counts", "outvoted", "older", "silent"


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """One source's word about one thing."""

    kind: str
    source: str
    says: str
    device: str
    age: timedelta
    confidence: float
    standing: str
    """`counts`; `outvoted` by a surer source of the same device; `older` than another place; `silent` for longer than
    its word holds."""

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "source": self.source,
            "says": self.says,
            "device": self.device,
            "age": self.age.total_seconds(),
            "confidence": self.confidence,
            "standing": self.standing,
        }


def sources_of(view: View) -> tuple[SourceSeen, ...]:
    """By kind; of each kind first what counts, the surest first."""
    seen = [
        *_fresh(view),
        *((fact, OUTVOTED) for fact in view.outvoted),
        *((fact, STALE) for fact in view.stale),
    ]
    standings = (COUNTS, OUTVOTED, OLDER, STALE)
    kinds = list(FactKind)
    seen.sort(
        key=lambda one: (
            kinds.index(one[0].kind),
            standings.index(one[1]),
            -one[0].confidence,
            one[0].source,
        )
    )
    return tuple(
        SourceSeen(
            fact.kind.value,
            fact.source,
            _says(fact.value),
            getattr(fact.value, "device", ""),
            age(fact, view.now),
            fact.confidence,
            standing,
        )
        for fact, standing in seen
    )


def _fresh(view: View) -> Iterator[tuple[Fact, str]]:
    place = newest(view.places) if view.places else None
    for kind in FactKind:
        for fact in view.fresh_of(kind):
            yield fact, OLDER if kind is FactKind.PLACE and fact is not place else COUNTS


def _says(value: FactValue) -> str:
    """In a few words, without what only some may see."""
    if isinstance(value, CallValue | ReachValue | ActivityValue):
        return value.state.value
    if isinstance(value, PlaceValue):
        return value.zone or "none of the places"
    if isinstance(value, ManualValue):
        return value.state or "nothing chosen"
    if isinstance(value, CalendarValue):
        return f"{len(value.events)} event{'' if len(value.events) == 1 else 's'}"
    return "working hours"
