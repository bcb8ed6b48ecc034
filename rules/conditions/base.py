"""What every condition can be asked.

A condition answers True, False, or None for *not known*. Unknown is not idle: a rule matches only on True,
and the opposite of unknown is unknown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from connectors.facts import Fact, FactKind
from rules.values import TextMatch, spell
from rules.view import NEVER, View

Answer = bool | None


class Seen(NamedTuple):
    """What a condition looked at: in words, and the facts themselves."""

    words: str
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The base of all. ``label`` says in words what is wanted."""

    label: str

    def test(self, view: View) -> Answer:
        raise NotImplementedError

    def edge(self, view: View) -> datetime:
        """The next moment, beyond the view's own edges, when the answer can change. NEVER if there is none."""
        return NEVER

    @property
    def needs(self) -> int:
        """Bits of `Needs` without which the answer cannot be True."""
        return 0

    @property
    def settled(self) -> bool:
        """Whether `View.signature` alone says if the answer is True."""
        return False

    @property
    def timed(self) -> bool:
        """Whether ``edge`` can ever be other than NEVER."""
        return False

    def since(self, view: View) -> datetime | None:
        """Since when it has held, if the facts themselves say so."""
        return None

    def seen(self, view: View) -> Seen:
        raise NotImplementedError

    def parts(self) -> "Sequence[Condition]":
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCondition(Condition):
    """About the facts of one kind."""

    kind: FactKind
    device: TextMatch | None = None
    stale: str | None = None
    "`true`: only stale facts; `allow`: those too; None: fresh ones only."

    def pick(self, view: View) -> list[Fact]:
        if self.stale is None:
            facts = view.fresh_of(self.kind)
        elif self.stale == "allow":
            facts = [*view.fresh_of(self.kind), *view.stale_of(self.kind)]
        else:
            facts = view.stale_of(self.kind)
        if self.device is not None:
            device = self.device
            facts = [fact for fact in facts if device.holds(getattr(fact.value, "device", None))]
        return facts

    def nothing(self, view: View) -> Seen:
        """Words for *no such fact to look at*."""
        gone = view.stale_of(self.kind)
        if gone:
            return Seen(f"nothing heard of late from {NOUNS[self.kind]}", tuple(gone))
        return Seen(f"nothing is known from {NOUNS[self.kind]}")


NOUNS = {
    FactKind.CALENDAR: "the calendar",
    FactKind.CALL: "the phone",
    FactKind.PLACE: "places",
    FactKind.ACTIVITY: "any device in use",
    FactKind.REACH: "registrations",
    FactKind.MANUAL: "the person",
    FactKind.SCHEDULE: "the schedule",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IsUnknown(FactCondition):
    """``calendar: unknown``: never heard of."""

    def test(self, view: View) -> Answer:
        return not view.fresh_of(self.kind) and not view.stale_of(self.kind)

    def seen(self, view: View) -> Seen:
        known = view.fresh_of(self.kind)
        return Seen(f"{NOUNS[self.kind]} is known", tuple(known)) if known else self.nothing(view)


@dataclass(frozen=True, slots=True, kw_only=True)
class IsStale(FactCondition):
    """``calendar: stale``: heard once, and every source of it has gone silent."""

    def test(self, view: View) -> Answer:
        return bool(view.stale_of(self.kind)) and not view.fresh_of(self.kind)

    def seen(self, view: View) -> Seen:
        known = view.fresh_of(self.kind)
        return Seen(f"{NOUNS[self.kind]} is up to date", tuple(known)) if known else self.nothing(view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who(Condition):
    """``person``, ``group``, ``role``, ``privacy``: about the person, not about facts."""

    match: TextMatch
    texts: Callable[[View], tuple[str, ...]] = field(compare=False)

    @property
    def settled(self) -> bool:
        return True

    def test(self, view: View) -> Answer:
        return self.match.holds_any(self.texts(view))

    def seen(self, view: View) -> Seen:
        return Seen(", ".join(self.texts(view)) or "none")


def ago(moment: datetime, now: datetime) -> str:
    return spell(max(now - moment, timedelta()))


def clock_time(moment: datetime, view: View) -> str:
    """``HH:MM`` in the person's zone, with the date when it is not today."""
    here = moment.astimezone(view.local().tzinfo)
    return here.strftime("%H:%M" if here.date() == view.local().date() else "%H:%M on %d %b")
