"""The words of `when:`. The loader, the JSON Schema and docs/rules.md are all made from this table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from connectors.facts import ActivityState, CallState, ReachState, Shows


class Takes(StrEnum):
    """What may stand behind an attribute."""

    CHOICE = "one of the known words, or a list of them"
    TEXT = "text, or a list; * and ? stand for anything"
    YES_NO = "true or false"
    DURATION = "a duration (10m)"
    LASTING = "a duration to compare with (10m, >10m, <2h, 5m..10m)"
    COUNT = "a whole number to compare with (3, >3, 2..5)"
    SHARE = "a share to compare with (0.8, >0.5)"
    TIME = "a time of day (09:30)"
    DAYS = "weekdays (mon-fri)"
    DATES = "dates (2026-12-24, 12-24..01-01), or a list"
    COUNTRY = "a country, with its region if you like (DE, DE-BY)"
    FRESHNESS = "true (only stale facts) or allow (stale ones too)"


@dataclass(frozen=True, slots=True)
class Attribute:
    takes: Takes
    doc: str
    example: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One condition. ``short`` names the attribute that a bare value stands for."""

    doc: str
    example: str
    short: str
    attributes: Mapping[str, Attribute]
    fact: bool = True
    "About facts: `unknown` and `stale` are understood."


IN_CALL = "in-call"
SET, NONE = "set", "none"
UNKNOWN, STALE = "unknown", "stale"
WORKING, OFF, HOLIDAY = "working", "off", "holiday"

_STALE = Attribute(Takes.FRESHNESS, "look at facts whose source has gone silent", "allow", ("true", "allow"))


def _shows() -> tuple[str, ...]:
    return tuple(shows.value for shows in Shows)


def _calendar() -> dict[str, Attribute]:
    return {
        "shows": Attribute(
            Takes.CHOICE,
            "what the strongest running event shows; `free`: none that is busy",
            "[busy, tentative]",
            _shows(),
        ),
        "name": Attribute(Takes.TEXT, "only calendars with this meaning", "on-call"),
        "all_day": Attribute(Takes.YES_NO, "all-day events only, or none of them", "false"),
        "private": Attribute(Takes.YES_NO, "private events only, or none of them", "false"),
        "online": Attribute(Takes.YES_NO, "has a link to join online", "true"),
        "title": Attribute(Takes.TEXT, "the title, where the person lets it be seen", '"*standup*"'),
        "place": Attribute(Takes.TEXT, "the event's place, where the person lets it be seen", '"Room *"'),
        "category": Attribute(Takes.TEXT, "one of the event's categories", "Focus"),
        "attendees": Attribute(Takes.COUNT, "how many others were invited", '">2"'),
        "lasts": Attribute(Takes.LASTING, "the whole length of the event", '">=4h"'),
        "running_for": Attribute(Takes.LASTING, "time since it began", "5m"),
        "ends_in": Attribute(Takes.DURATION, "it ends within this time", "10m"),
        "starts_in": Attribute(Takes.DURATION, "not yet running, but starts within this time", "5m"),
        "stale": _STALE,
    }


def _call() -> dict[str, Attribute]:
    states = (*(state.value for state in CallState), IN_CALL)
    return {
        "state": Attribute(
            Takes.CHOICE,
            "`in-call` is talking, held or conference; `idle`: no phone has a call",
            "talking",
            states,
        ),
        "direction": Attribute(Takes.CHOICE, "who called", "in", ("in", "out")),
        "remote": Attribute(
            Takes.TEXT, "the far end, where the person lets it be seen", '"sip:*@example.org"'
        ),
        "device": Attribute(Takes.TEXT, "on this phone", '"desk*"'),
        "lasting": Attribute(Takes.LASTING, "time since the call came into this state", '">10m"'),
        "stale": _STALE,
    }


_ATTRIBUTES: dict[str, tuple[str, str, str, dict[str, Attribute]]] = {
    "calendar": ("What the calendars say.", "busy", "shows", _calendar()),
    "call": ("What the phones say.", "talking", "state", _call()),
    "place": (
        "Where the person is, by named zone; the newest word counts.",
        "headquarters",
        "zone",
        {
            "zone": Attribute(Takes.TEXT, "the zone; `none`: known to be in none of them", "headquarters"),
            "tag": Attribute(Takes.TEXT, "one of the zone's tags", "office"),
            "confidence": Attribute(Takes.SHARE, "how sure the source is", '">0.5"'),
            "lasting": Attribute(Takes.LASTING, "time since the person came there", "10m"),
            "stale": _STALE,
        },
    ),
    "activity": (
        "Use of computers and mobiles; all devices of the person together unless `device` names some.",
        "idle",
        "state",
        {
            "state": Attribute(
                Takes.CHOICE,
                "`active`: one device is; `idle`: none is active; `locked`: all are locked",
                "active",
                tuple(state.value for state in ActivityState),
            ),
            "device": Attribute(Takes.TEXT, "only this device", "laptop"),
            "idle_for": Attribute(Takes.LASTING, "time since the last input on any of them", "10m"),
            "stale": _STALE,
        },
    ),
    "reach": (
        "Whether the person's phones can be reached; the best of them counts.",
        "offline",
        "state",
        {
            "state": Attribute(
                Takes.CHOICE,
                "`reachable` answers, `registered` is logged on, `offline`: none is either",
                "[registered, reachable]",
                tuple(state.value for state in ReachState),
            ),
            "device": Attribute(Takes.TEXT, "only this device", '"desk*"'),
            "stale": _STALE,
        },
    ),
    "manual": (
        "What the person chose.",
        "set",
        "state",
        {
            "state": Attribute(
                Takes.TEXT, "the chosen state; `set`: any; `none`: nothing is chosen", "lunch"
            ),
            "note": Attribute(Takes.TEXT, "the words the person gave with it", '"*dentist*"'),
        },
    ),
    "schedule": (
        "Working hours and days off of the person.",
        "working",
        "is",
        {
            "is": Attribute(
                Takes.CHOICE,
                "`off` is outside working hours; `holiday` a day off",
                "working",
                (WORKING, OFF, HOLIDAY),
            ),
            "label": Attribute(Takes.TEXT, "the name of the running period or day off", '"Christmas*"'),
            "stale": _STALE,
        },
    ),
}

_TIME = {
    "from": Attribute(Takes.TIME, "from this time on", '"12:00"'),
    "to": Attribute(Takes.TIME, "until this time; earlier than `from`: over midnight", '"13:00"'),
    "days": Attribute(Takes.DAYS, "on these weekdays", "mon-fri"),
    "dates": Attribute(Takes.DATES, "on these dates", "12-24..01-01"),
    "holiday": Attribute(Takes.COUNTRY, "on the public holidays of", "DE-BY"),
}

_WHO: dict[str, tuple[str, str]] = {
    "person": ("Only for these people (their keys).", "alice"),
    "group": ("Only for members of these groups.", "sales"),
    "role": ("Only for people with these roles.", "receptionist"),
    "privacy": ("Only for people with this privacy level.", "busy"),
}


def _words() -> dict[str, Word]:
    words = {
        name: Word(doc, example, short, MappingProxyType(attributes))
        for name, (doc, example, short, attributes) in _ATTRIBUTES.items()
    }
    words["time"] = Word(
        "The clock and the calendar on the wall, in the person's time zone.",
        '{from: "12:00", to: "13:00", days: mon-fri}',
        "from",
        MappingProxyType(_TIME),
        fact=False,
    )
    for name, (doc, example) in _WHO.items():
        only = Attribute(Takes.TEXT, doc, example)
        words[name] = Word(doc, example, "is", MappingProxyType({"is": only}), fact=False)
    return words


WORDS: Mapping[str, Word] = MappingProxyType(_words())
"Condition -> its meaning."

COMBINE = ("all", "any", "not", "for")
"The words that join conditions."

TEMPLATE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "calendar.starts": "when the event began",
        "calendar.ends": "when the event ends",
        "calendar.free_at": "when the last of the events that follow without a gap ends",
        "calendar.title": "its title, if the person lets it be seen",
        "calendar.place": "its place, if the person lets it be seen",
        "calendar.category": "its first category, if the person lets it be seen",
        "calendar.attendees": "how many others were invited",
        "call.since": "when the call came into its state",
        "call.remote": "the far end, if the person lets it be seen",
        "call.direction": "`in` or `out`",
        "call.device": "the phone",
        "place.zone": "the zone",
        "place.since": "since when",
        "activity.last_input": "when a device was last used",
        "activity.idle": "how long ago that was, such as `25 min`",
        "activity.device": "which device that was",
        "manual.state": "the chosen state",
        "manual.note": "the words given with it",
        "manual.until": "when the choice ends",
        "schedule.label": "the name of the running period or day off",
        "schedule.working_from": "when the next working period begins",
        "person.key": "the person's key",
        "person.name": "the person's name",
    }
)
"What may stand in `{…}`."

TIMES = frozenset(
    {
        "calendar.starts", "calendar.ends", "calendar.free_at", "call.since", "place.since",
        "activity.last_input", "manual.until", "schedule.working_from",
    }
)  # fmt: skip
"Those that are times and take a format: `{calendar.ends:%H:%M}`."
