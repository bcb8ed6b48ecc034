"""What people choose to be shown as: taken as they type it, kept over restarts, told to the rules as facts."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from agent.clock import Clock
from agent.presence.records import ManualChoice
from agent.store.protocols import PeopleStore
from connectors.facts import Fact, ManualValue
from rules import Person
from rules.choice import parse_choice
from rules.values import ValueProblem

log = logging.getLogger("lamplighter.choices")

LONGEST = 300
"Characters of a choice, its note included."
SOURCE = "choice"
"Every door writes the same stream: the last choice counts, whichever door it came through."


class Choices:
    """``emit`` takes the facts. ``states`` gives the names that the rules know at the moment."""

    def __init__(
        self,
        store: PeopleStore,
        clock: Clock,
        emit: Callable[[Iterable[Fact]], None],
        states: Callable[[], Iterable[str]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._emit = emit
        self._states = states

    def restore(self, people: Mapping[str, object]) -> None:
        """Tell again what these people have chosen before: in a former run, or before they were taken out."""
        self._emit([_fact(row) for row in self._store.manual_choices() if row.person in people])

    async def choose(self, person: Person, text: str, by: str) -> ManualValue:
        """Take ``lunch 45m``, ``dnd until 15:00``, ``away until I come back`` or ``auto``. Returns once it is durable.

        ``by``: through which door. Raises `rules.values.ValueProblem` for what it does not understand, and
        StoreUnavailable, after which nothing has changed.
        """
        if len(text) > LONGEST:
            raise ValueProblem(f"that is longer than {LONGEST} characters")
        now = self._clock.now()
        chosen = parse_choice(text, list(self._states()), now, person.timezone)
        row = ManualChoice(
            person.key,
            chosen.state,
            chosen.note,
            chosen.until.timestamp() if chosen.until is not None else None,
            now.timestamp(),
            by,
            chosen.until_return,
        )
        self._store.put_manual(row)
        await self._store.commit()
        self._emit([_fact(row)])
        log.info("%s chose %s", person.key, chosen.state or "to be shown by the rules again")
        return chosen


def _fact(row: ManualChoice) -> Fact:
    until = datetime.fromtimestamp(row.until, UTC) if row.until is not None else None
    value = ManualValue(row.state, row.note, until, row.until_return)
    return Fact(row.person, f"{SOURCE}/{row.person}", value, datetime.fromtimestamp(row.chosen_at, UTC))
