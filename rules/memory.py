"""What `for:`, `hold:`, `dwell:` and *until I come back* must remember between evaluations of one person.

A value: evaluate() takes one and returns the next. It survives a restart as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule with `hold:` or `dwell:` that has matched."""

    since: datetime
    until: datetime | None = None
    "None while its conditions hold; then the moment when it lets go."
    words: tuple[str | None, ...] = ()
    "Its templates as last rendered: what they speak of may be over."


@dataclass(frozen=True, slots=True)
class Choice:
    """How far a choice *until I come back* has got."""

    chosen_at: datetime
    stage: str
    "`here`, `gone` or `back`."


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Memory:
    """Keys are the names of rules, with the number of the condition where one is meant."""

    held: Mapping[str, datetime] = field(default_factory=_nothing)
    "Condition with `for:` -> since when it holds."
    fired: Mapping[str, Fired] = field(default_factory=_nothing)
    choice: Choice | None = None

    def to_json(self) -> str:
        return json.dumps(
            {
                "held": {key: since.isoformat() for key, since in self.held.items()},
                "fired": {
                    key: [one.since.isoformat(), one.until and one.until.isoformat(), list(one.words)]
                    for key, one in self.fired.items()
                },
                "choice": self.choice and [self.choice.chosen_at.isoformat(), self.choice.stage],
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> "Memory":
        """Raises ValueError when the text is not what to_json() wrote."""
        try:
            data = json.loads(text)
            held = {str(key): datetime.fromisoformat(since) for key, since in data["held"].items()}
            fired = {
                str(key): Fired(
                    datetime.fromisoformat(since), until and datetime.fromisoformat(until), tuple(words)
                )
                for key, (since, until, words) in data["fired"].items()
            }
            choice = data["choice"]
            kept = Choice(datetime.fromisoformat(choice[0]), str(choice[1])) if choice else None
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a rules memory: {error}") from error
        return cls(MappingProxyType(held), MappingProxyType(fired), kept)


NO_MEMORY = Memory()
