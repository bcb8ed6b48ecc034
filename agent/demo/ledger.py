"""Holds what watchers have seen against what they must see: every state, in order, and how late each was. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.demo.organisation import MEMBERS, Member
from agent.demo.scenario import Cause, Seen, Step

EARLY = 0.002
"Seconds by which a NOTIFY may seem to come before its moment: its time is told in whole milliseconds."


@dataclass(slots=True)
class Expected:
    """One state that every watcher of a member must see."""

    member: Member
    shown: Seen
    step: Step | None = None
    "None: how it was at first."
    since: float = 0.0
    "Wall clock, seconds: not to be seen before."
    caused_at: float | None = None
    "What lateness counts from: the boundary, or the CalDAV server's answer to the change."
    received: dict[str, float] = field(default_factory=dict)
    "Watcher -> wall clock, seconds."

    def lateness(self, watcher: str) -> float | None:
        """Seconds."""
        if self.caused_at is None or watcher not in self.received:
            return None
        return max(0.0, self.received[watcher] - self.caused_at)


class Ledger:
    """``watchers``: name -> whom it follows."""

    def __init__(self, watchers: Mapping[str, Sequence[Member]], at_first: Mapping[str, Seen]) -> None:
        self.watchers = watchers
        self.expected: dict[str, list[Expected]] = {
            member.key: [Expected(member, at_first[member.key])] for member in MEMBERS
        }
        self.unexpected: deque[str] = deque(maxlen=100)
        "In words."
        self.last: dict[tuple[str, str], Seen] = {}
        "(watcher, member) -> what it saw last."
        self._position = {
            (watcher, member.key): -1 for watcher, members in watchers.items() for member in members
        }

    def expect(self, step: Step) -> Expected:
        """The next state of somebody. For a change by CalDAV the caller sets ``caused_at``."""
        at = step.at.timestamp()
        expected = Expected(step.member, step.shown, step, at, at if step.cause is Cause.CLOCK else None)
        self.expected[step.member.key].append(expected)
        return expected

    def saw(self, watcher: str, member: str, seen: Seen, received_at: float) -> Expected | None:
        """The expectation that this fulfils, if it does. The same state once more is no news (RFC 6665 §4.1.2.4)."""
        key = (watcher, member)
        if self.last.get(key) == seen:
            return None
        self.last[key] = seen
        following = self.expected[member]
        for index in range(self._position[key] + 1, len(following)):
            candidate = following[index]
            if candidate.shown == seen and candidate.since <= received_at + EARLY:
                self._position[key] = index
                candidate.received[watcher] = received_at
                return candidate
        self.unexpected.append(f"{watcher} saw of {member}, unexpectedly: {seen}")
        return None

    def followers(self, member: Member) -> list[str]:
        return [watcher for watcher, members in self.watchers.items() if member in members]

    def complete(self, expected: Expected) -> bool:
        """Whether all who follow the member have seen it, and since when it was due is known."""
        known = expected.step is None or expected.caused_at is not None
        return known and all(watcher in expected.received for watcher in self.followers(expected.member))

    def all_complete(self) -> bool:
        return all(self.complete(each) for states in self.expected.values() for each in states)

    def missing(self) -> list[str]:
        """Who did not see what, in words."""
        return [
            f"{watcher} did not see of {each.member.key}: {each.shown}"
            for states in self.expected.values()
            for each in states
            for watcher in self.followers(each.member)
            if watcher not in each.received
        ]

    def latest(self, member: str) -> float | None:
        """Seconds that the lamp took at the member's last change: the slowest of those who have seen it."""
        for expected in reversed(self.expected[member]):
            times = [expected.lateness(watcher) for watcher in expected.received]
            known = [each for each in times if each is not None]
            if known:
                return max(known)
        return None
