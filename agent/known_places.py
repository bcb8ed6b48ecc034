"""What is known of where somebody is: for them to see, and to delete."""

from collections.abc import Mapping
from typing import Any

from agent.decider import Decider
from connectors.facts import FactKind, PlaceValue
from connectors.runner import Runner
from rules import Person


class KnownPlaces:
    """Satisfies `agent.web.places.Places`."""

    def __init__(self, people: Mapping[str, tuple[Person, str]], runner: Runner, decider: Decider) -> None:
        self._people, self._runner, self._decider = people, runner, decider

    def of(self, person: str) -> list[dict[str, Any]]:
        """Everything that is kept, by source. Raises KeyError for nobody of ours."""
        self._people[person]
        return [
            {
                "source": fact.source,
                "zone": fact.value.zone,
                "since": fact.value.since.isoformat(),
                "told": fact.observed_at.isoformat(),
                "known_until": fact.valid_until.isoformat() if fact.valid_until else None,
                "tags": list(fact.value.tags),
                "confidence": fact.value.confidence,
            }
            for fact in self._decider.facts.of(person)
            if isinstance(fact.value, PlaceValue)
        ]

    def forget(self, person: str) -> int:
        """Delete all of it; how much there was. What sources tell from now on counts again. Raises KeyError."""
        self._people[person]
        sources = [fact.source for fact in self._decider.facts.of(person) if fact.kind is FactKind.PLACE]
        for linked in self._runner.linked_to(person):
            forget = getattr(linked.connector, "forget", None)
            told = set(forget()) if forget is not None else set()
            for source, fact in list(linked.state.known.items()):
                if source in told or fact.kind is FactKind.PLACE:
                    del linked.state.known[source]
        self._decider.forget(sources)
        return len(sources)
