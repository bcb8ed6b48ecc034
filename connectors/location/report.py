"""What location apps tell, in one form and in one set of units. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite

KNOTS = 1.852
"km/h"
METRES_PER_SECOND = 3.6
"km/h"


@dataclass(frozen=True, slots=True)
class Fix:
    """One position. It shows its coordinates nowhere, not even by accident."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    accuracy: float | None
    "Radius in metres; None: the app does not say."
    speed: float | None = None
    "km/h"
    mock: bool = False
    "Made up by another app on the device."


@dataclass(frozen=True, slots=True)
class Report:
    """One message about one device at one moment."""

    at: datetime
    "When it was so, by the device's clock; aware UTC."
    device: str = ""
    fix: Fix | None = None
    regions: tuple[str, ...] | None = None
    "All regions of the app's own that the device is in, the innermost first. None: the app does not say."
    entered: str | None = None
    "The app saw the device enter this region of its own."
    left: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a request said about one device's owner."""

    reports: tuple[Report, ...]
    names: tuple[str, ...] = ()
    "What the app calls them, the most telling first; not looked at when a token says who it is."


def fix(
    latitude: object,
    longitude: object,
    accuracy: object = None,
    *,
    speed: object = None,
    unit: float = 1.0,
    mock: bool = False,
) -> Fix | None:
    """Numbers as apps write them, texts included. None: there is no position. ``unit``: km/h of one unit of speed.

    Apps write what they don't know as nothing, 0 or -1; a position of exactly 0, 0 is a receiver without one.
    """
    north, east = number(latitude), number(longitude)
    if north is None or east is None or not (-90 <= north <= 90 and -180 <= east <= 180):
        return None
    if north == 0 and east == 0:
        return None
    within, fast = number(accuracy), number(speed)
    return Fix(
        north,
        east,
        within if within is not None and within > 0 else None,
        fast * unit if fast is not None and fast >= 0 else None,
        mock,
    )


def number(value: object) -> float | None:
    """A finite number, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) else None
