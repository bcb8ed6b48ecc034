"""How much of a source may be taken over. Pure."""

from enum import StrEnum


class Privacy(StrEnum):
    """What is not allowed never becomes a fact."""

    BUSY = "busy"
    "Times and busy states only."
    CATEGORY = "category"
    "Categories too."
    DETAILS = "details"
    "Titles and places too, except of private events."
