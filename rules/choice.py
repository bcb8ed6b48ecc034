"""What people type to choose a state: ``lunch 45m``, ``dnd until 15:00``, ``away until I come back``, ``auto``."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta

from connectors.facts import ManualValue
from rules.person import local, zone
from rules.problems import suggestion
from rules.values import ValueProblem, duration, time_of_day

AUTO = "auto"
"Takes a choice back."
_RETURN = re.compile(r"until (?:i(?:'m| am)? (?:come |am )?back|return)\Z", re.IGNORECASE)
_UNTIL = re.compile(r"(?:until|till|to) (\d{1,2}:\d{2})\Z", re.IGNORECASE)


def parse_choice(text: str, states: Collection[str], now: datetime, timezone: str) -> ManualValue:
    """``STATE [LENGTH | until HH:MM | until I come back] [: a note]``. A time that is past means tomorrow.

    Raises ValueProblem, with a suggestion for a misspelt state.
    """
    head, colon, note = text.partition(": ")
    words = head.strip().rstrip(":").split(None, 1)
    if not words:
        raise ValueProblem("say which state, like `lunch 45m`")
    state, rest = words[0].lower(), words[1].strip() if len(words) > 1 else ""
    if state == AUTO and not rest:
        return ManualValue(None)
    known = {name.lower(): name for name in states}
    if state not in known:
        raise ValueProblem(f"there is no state `{state}`; {suggestion(state, states)}")
    words_of_it = note.strip() or None if colon else None
    if not rest:
        return ManualValue(known[state], words_of_it)
    if _RETURN.match(rest):
        return ManualValue(known[state], words_of_it, until_return=True)
    return ManualValue(known[state], words_of_it, _end(rest, now, timezone))


def _end(text: str, now: datetime, timezone: str) -> datetime:
    until = _UNTIL.match(text)
    if until is None:
        try:
            return now + duration(text.removeprefix("for "))
        except ValueProblem:
            hint = "write it like `45m`, `until 15:00` or `until I come back`"
            raise ValueProblem(f"`{text}` is no end; {hint}") from None
    midnight = datetime.combine(local(now, timezone).date(), time())
    for days in (0, 1):
        there = midnight + timedelta(days=days) + time_of_day(until.group(1))
        moment = there.replace(tzinfo=zone(timezone)).astimezone(UTC)
        if moment > now:
            break
    return moment
