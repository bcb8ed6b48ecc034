"""``manual:`` what the person chose. Nothing chosen is known, not unknown: only the person could have."""

from dataclasses import dataclass
from datetime import datetime

from rules.conditions.base import Answer, FactCondition, Seen, clock_time
from rules.values import TextMatch
from rules.view import Needs, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualCondition(FactCondition):
    any_choice: bool = False
    "`set`."
    no_choice: bool = False
    "`none`."
    state: TextMatch | None = None
    note: TextMatch | None = None

    @property
    def needs(self) -> int:
        return 0 if self.no_choice else Needs.CHOICE

    def test(self, view: View) -> Answer:
        chosen = view.manual
        if chosen is None:
            return self.no_choice
        if self.no_choice and not self.any_choice and self.state is None:
            return False
        if self.state is not None and not self.any_choice and not self.state.holds(chosen.state):
            return False
        return self.note is None or self.note.holds(chosen.note)

    def since(self, view: View) -> datetime | None:
        return view.manual_fact.observed_at if view.manual is not None and view.manual_fact else None

    def seen(self, view: View) -> Seen:
        chosen, fact = view.manual, view.manual_fact
        if chosen is None or fact is None:
            return Seen("nothing is chosen", (fact,) if fact else ())
        until = f" until {clock_time(chosen.until, view)}" if chosen.until else ""
        return Seen(f"{chosen.state}{until}", (fact,))
