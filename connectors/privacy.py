"""How much of a source may be taken over. Pure."""

from dataclasses import replace
from enum import StrEnum

from connectors.facts import CalendarEvent, CalendarValue, FactValue


class Privacy(StrEnum):
    """What is not allowed never becomes a fact."""

    BUSY = "busy"
    "Times and busy states only."
    CATEGORY = "category"
    "Categories too."
    DETAILS = "details"
    "Titles and places too, except of private events."


def reduced(value: FactValue, privacy: Privacy) -> FactValue:
    """What is left of a fact when no more than this may be known: for levels that are lowered while facts stand."""
    if not isinstance(value, CalendarValue) or privacy is Privacy.DETAILS:
        return value
    return replace(value, events=tuple(_reduced(event, privacy) for event in value.events))


def _reduced(event: CalendarEvent, privacy: Privacy) -> CalendarEvent:
    categories = event.categories if privacy is Privacy.CATEGORY else ()
    return replace(event, title=None, place=None, categories=categories)
