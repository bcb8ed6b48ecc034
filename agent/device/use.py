"""How a computer is used at one moment, and where that can be read. Pure."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Use:
    """What one look shows."""

    idle: float | None
    "Seconds since the last input. None: not known."
    locked: bool | None = None
    "None: not known."


class Source(Protocol):
    """One way to look."""

    name: str

    def look(self) -> Use | None:
        """None: this way does not work here (any more). Raises nothing."""
        ...


def together(uses: list[Use]) -> Use:
    """The newest input of all sources; locked as soon as one knows it."""
    idle = [use.idle for use in uses if use.idle is not None]
    locked = [use.locked for use in uses if use.locked is not None]
    return Use(min(idle) if idle else None, any(locked) if locked else None)
