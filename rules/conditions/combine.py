"""``all``, ``any``, ``not`` and ``for``. Unknown stays unknown unless the rest decides alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_

from rules.conditions.base import Answer, Condition, Seen
from rules.values import spell
from rules.view import NEVER, View


@dataclass(frozen=True, slots=True, kw_only=True)
class _Several(Condition):
    conditions: tuple[Condition, ...]

    def parts(self) -> Sequence[Condition]:
        return self.conditions

    @property
    def timed(self) -> bool:
        return any(condition.timed for condition in self.conditions)

    def edge(self, view: View) -> datetime:
        return min((condition.edge(view) for condition in self.conditions if condition.timed), default=NEVER)

    def seen(self, view: View) -> Seen:
        return Seen("")


@dataclass(frozen=True, slots=True, kw_only=True)
class All(_Several):
    @property
    def needs(self) -> int:
        return reduce(or_, (condition.needs for condition in self.conditions))

    def test(self, view: View) -> Answer:
        answer: Answer = True
        for condition in self.conditions:
            one = condition.test(view)
            if one is False:
                return False
            if one is None:
                answer = None
        return answer

    def since(self, view: View) -> datetime | None:
        times = [condition.since(view) for condition in self.conditions]
        known = [time for time in times if time is not None]
        return max(known) if known and len(known) == len(times) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Some(_Several):
    """``any``."""

    @property
    def needs(self) -> int:
        return reduce(and_, (condition.needs for condition in self.conditions))

    def test(self, view: View) -> Answer:
        answer: Answer = False
        for condition in self.conditions:
            one = condition.test(view)
            if one is True:
                return True
            if one is None:
                answer = None
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Condition):
    condition: Condition

    def test(self, view: View) -> Answer:
        answer = self.condition.test(view)
        return None if answer is None else not answer

    @property
    def timed(self) -> bool:
        return self.condition.timed

    def edge(self, view: View) -> datetime:
        return self.condition.edge(view)

    def parts(self) -> Sequence[Condition]:
        return (self.condition,)

    def seen(self, view: View) -> Seen:
        return Seen("")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFor(Condition):
    """``for:``: the condition has held this long. evaluate() keeps ``key`` in the memory."""

    condition: Condition
    length: timedelta
    key: str

    @property
    def needs(self) -> int:
        return self.condition.needs

    def test(self, view: View) -> Answer:
        answer = self.condition.test(view)
        if answer is not True:
            return answer
        since = view.memory.held.get(self.key)
        return since is not None and view.now - since >= self.length

    @property
    def timed(self) -> bool:
        return True

    def edge(self, view: View) -> datetime:
        inner = self.condition.edge(view) if self.condition.timed else NEVER
        since = view.memory.held.get(self.key)
        due = since + self.length if since is not None else NEVER
        return min(inner, due) if due > view.now else inner

    def since(self, view: View) -> datetime | None:
        held = view.memory.held.get(self.key)
        return held + self.length if held is not None else None

    def parts(self) -> Sequence[Condition]:
        return (self.condition,)

    def seen(self, view: View) -> Seen:
        since = view.memory.held.get(self.key)
        return Seen("does not hold now" if since is None else f"holds for {spell(view.now - since)}")
