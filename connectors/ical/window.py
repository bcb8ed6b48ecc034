"""Which part of a calendar is of interest, and the settings that every calendar link has. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from connectors.settings import Duration, PollSettings


class CalendarSettings(PollSettings):
    """Base of the settings of connectors that read iCalendar."""

    adaptive: bool = Field(default=True, description=PollSettings.model_fields["adaptive"].description)
    whole_days_count: bool = Field(
        default=False, description="Whole-day events that say nothing of busy or free are busy."
    )
    past: Duration = Field(
        default=timedelta(hours=1), ge=timedelta(0), le=timedelta(days=7), description="Window before now."
    )
    ahead: Duration = Field(
        default=timedelta(hours=48),
        ge=timedelta(hours=1),
        le=timedelta(days=31),
        description="Window after now: how long an unreachable source's future is known.",
    )

    @model_validator(mode="after")
    def _known_future_covers_staleness(self) -> Self:
        if self.ahead < self.stale_after:
            raise ValueError("ahead must not be shorter than stale_after")
        return self


@dataclass(frozen=True, slots=True)
class Window:
    """``[start, end)``, aware UTC."""

    start: datetime
    end: datetime


def window_at(now: datetime, settings: CalendarSettings) -> Window:
    return Window(now - settings.past, now + settings.ahead)


def wears_out(window: Window, settings: CalendarSettings) -> datetime:
    """When a window has to be read anew, though nothing changed: while what is left still covers the
    staleness, so that a source that dies afterwards leaves a known future."""
    spare = settings.ahead - settings.stale_after
    return window.start + settings.past + max(spare / 4, timedelta(minutes=1))
