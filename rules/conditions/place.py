"""``place:`` the named zone that the newest word of any source puts the person in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.facts import PlaceValue
from rules.conditions.base import Answer, FactCondition, Seen, ago
from rules.values import Compare, TextMatch
from rules.view import NEVER, Needs, View, newest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCondition(FactCondition):
    zone: TextMatch | None = None
    nowhere: bool = False
    "`zone: none`: known to be in none of the zones."
    tag: TextMatch | None = None
    confidence: Compare | None = None
    lasting: Compare | None = None

    @property
    def needs(self) -> int:
        return Needs.PLACE if self.stale is None else 0

    @property
    def settled(self) -> bool:
        return self.stale is None and self.confidence is None and self.lasting is None

    def test(self, view: View) -> Answer:
        fact = newest(self.pick(view) if self.stale is not None else view.places)
        if fact is None:
            return None
        value = fact.value
        assert isinstance(value, PlaceValue)
        if self.confidence is not None and not self.confidence.holds(value.confidence):
            return None
        if self.zone is not None or self.nowhere:
            there = (
                self.nowhere if value.zone is None else self.zone is not None and self.zone.holds(value.zone)
            )
            if not there:
                return False
        if self.tag is not None and not self.tag.holds_any(value.tags):
            return False
        return self.lasting is None or self.lasting.holds((view.now - value.since).total_seconds())

    @property
    def timed(self) -> bool:
        return self.lasting is not None

    def edge(self, view: View) -> datetime:
        fact = newest(self.pick(view))
        if fact is None or self.lasting is None or not isinstance(fact.value, PlaceValue):
            return NEVER
        moments = (fact.value.since + timedelta(seconds=edge) for edge in self.lasting.edges)
        return min((moment for moment in moments if moment > view.now), default=NEVER)

    def since(self, view: View) -> datetime | None:
        fact = newest(self.pick(view))
        return fact.value.since if fact is not None and isinstance(fact.value, PlaceValue) else None

    def seen(self, view: View) -> Seen:
        fact = newest(self.pick(view))
        if fact is None or not isinstance(fact.value, PlaceValue):
            return self.nothing(view)
        value = fact.value
        where = value.zone or "in no named zone"
        tags = f" ({', '.join(value.tags)})" if value.tags else ""
        return Seen(f"{where}{tags} since {ago(value.since, view.now)}", (fact,))
