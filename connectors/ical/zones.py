"""TZID → time zone, and local time → UTC. Names are trusted before VTIMEZONE bodies, which servers rewrite."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Calendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from connectors.ical.lines import Block

_SHOWN = re.compile(r"\((?:UTC|GMT)(?:([+-])(\d\d):(\d\d))?\) (.+)")
_ODD_NAMES = {"UTC": "UTC", "GMT": "UTC", "Z": "UTC", "ETC/UTC": "UTC"}


@cache
def named_zone(name: str) -> tzinfo | None:
    """By IANA name, by Windows name, by the name that Windows shows, or by the IANA name at the end of a path.
    None: not known."""
    name = name.strip().strip('"')
    if name.upper() in _ODD_NAMES:
        return UTC
    candidates = [WINDOWS_TO_OLSON.get(name, name)]
    # `/freeassociation.sourceforge.net/Europe/Berlin`, `/citadel.org/20070227_1/America/New_York`
    parts = name.split("/")
    candidates += ["/".join(parts[-count:]) for count in (3, 2) if len(parts) > count]
    for candidate in candidates:
        try:
            return ZoneInfo(candidate)
        except (ValueError, OSError, KeyError):
            continue
    return _shown_by_windows(name)


def _shown_by_windows(name: str) -> tzinfo | None:
    """COMPAT(Outlook, Exchange): a TZID such as ``(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna``.

    Found by its cities, if one of them has a zone with that offset outside summer time.
    """
    match = _SHOWN.fullmatch(name)
    if match is None:
        return None
    sign, hours, minutes, words = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    if words == "Coordinated Universal Time":
        return UTC
    american = words.partition(" Time (US")[0]
    olson = (
        [WINDOWS_TO_OLSON[f"{american} Standard Time"]]
        if f"{american} Standard Time" in WINDOWS_TO_OLSON
        else []
    )
    for word in words.split(","):
        olson += _by_city().get(word.strip().replace(" ", "_").lower(), [])
    for candidate in olson:
        zone = ZoneInfo(candidate)
        # Outside summer time the offset is the smaller one.
        found = [datetime(2026, month, 1, tzinfo=zone).utcoffset() or timedelta(0) for month in (1, 7)]
        if min(found) == offset:
            return zone
    return None


@cache
def _by_city() -> dict[str, list[str]]:
    """`berlin` -> the zones of that name."""
    cities: dict[str, list[str]] = {}
    for zone in sorted(available_timezones()):
        area, slash, city = zone.rpartition("/")
        if slash and area != "Etc":
            cities.setdefault(city.lower(), []).append(zone)
    return cities


class Zones:
    """The zones of one calendar text, and its user's for everything that names none."""

    def __init__(self, text: str, blocks: list[Block], home: tzinfo) -> None:
        self.home = home
        self.unknown: set[str] = set()
        "TZIDs that were met and could not be resolved; their times were read in the home zone."
        self._text = text
        self._has_bodies = any(block.name == "VTIMEZONE" for block in blocks)
        self._own: dict[str, tzinfo] | None = None

    def find(self, tzid: str) -> tzinfo:
        known = named_zone(tzid)
        if known is not None:
            return known
        own = self._bodies().get(tzid.strip())
        if own is None:
            self.unknown.add(tzid[:60])
            return self.home
        return own

    def _bodies(self) -> dict[str, tzinfo]:
        """Zones by their VTIMEZONE, parsed only when a name says nothing."""
        if self._own is None:
            self._own = {}
            if self._has_bodies:
                for part in self._text.split("BEGIN:VTIMEZONE")[1:51]:
                    body = f"BEGIN:VTIMEZONE{part.partition('END:VTIMEZONE')[0]}END:VTIMEZONE\r\n"
                    try:
                        parsed = Calendar.from_ical(body)
                        self._own[str(parsed["TZID"]).strip()] = parsed.to_tz()
                    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
                        continue
        return self._own


def to_utc(local: datetime | date, zone: tzinfo) -> datetime:
    """The moment of a local time. In a gap the offset before it counts (RFC 5545 §3.3.5); dates begin at
    midnight. An aware ``local`` keeps its own zone."""
    if not isinstance(local, datetime):
        local = datetime.combine(local, time())
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    return local.astimezone(UTC)


def to_local(moment: datetime, zone: tzinfo) -> datetime:
    """A moment as naive wall time of a zone."""
    return moment.astimezone(zone).replace(tzinfo=None)
