"""What several formats share: notes, moments in time, and the shape of an element inside a component."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from lxml import etree

from agent.documents.xml import LANG, text_of, text_xml, value_xml


class Element(Protocol):
    """One child of a tuple, person, device or status, known to us or not.

    `kind` tells the elements of one component apart (`activities`, `mood`, … or `{namespace}name`).
    `group`: kinds of one group belong together and are taken from the same source in composition.
    """

    @property
    def kind(self) -> str: ...

    @property
    def group(self) -> str: ...

    def xml(self) -> str:
        """The element with our prefixes, which the root declares."""
        ...


@dataclass(slots=True, unsafe_hash=True, init=False)
class Note:
    """Free text for humans (RFC 3863 §4.1.6, RFC 4479 §3.1)."""

    text: str
    lang: str | None

    def __init__(
        self,
        text: str,
        lang: str | None = None,
    ) -> None:
        self.text = text
        self.lang = lang

    def xml(self, name: str = "note") -> str:
        lang = "" if self.lang is None else f' xml:lang="{value_xml(self.lang)}"'
        return f"<{name}{lang}>{text_xml(self.text)}</{name}>"


def read_note(element: etree._Element) -> Note:
    return Note(text_of(element), element.get(LANG))


def read_time(text: str | None) -> datetime | None:
    """A moment of RFC 3339 or xs:dateTime as aware UTC; None when absent or not a moment.

    Without an offset it is taken as UTC; a leap second becomes the second before it.
    """
    if not text:
        return None
    text = text.strip().upper()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if ":60" not in text:
            return None
        try:
            moment = datetime.fromisoformat(text.replace(":60", ":59"))
        except ValueError:
            return None
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


@lru_cache(maxsize=1024)
def time_xml(moment: datetime) -> str:
    """RFC 3339 in UTC with capital T and Z (RFC 3863 §4.1.7). Raises `ValueError` for a naive moment.

    Cached: at the full hour thousands of documents speak of the same few moments.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment in a document needs a time zone")
    return moment.astimezone(UTC).isoformat()[:-6] + "Z"
