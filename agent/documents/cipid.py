"""CIPID: who the person is, by links to card, homepage, picture, map and sound (RFC 4482).

The URIs are carried, never fetched: that is the watcher's business and risk (RFC 4482 §8).
"""

from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from agent.documents.namespaces import CIPID
from agent.documents.values import Element
from agent.documents.xml import LANG, text_xml, token_of, value_xml

NAMES = ("card", "display-name", "homepage", "icon", "map", "sound")


@dataclass(frozen=True, slots=True)
class ContactInfo:
    """One element, child of a person or tuple. `text` is a URI, but for `display-name`."""

    kind: str
    text: str
    lang: str | None = None
    "Several display-names differ in it."

    @property
    def group(self) -> str:
        return self.kind

    def xml(self) -> str:
        lang = "" if self.lang is None else f' xml:lang="{value_xml(self.lang)}"'
        return f"<ci:{self.kind}{lang}>{text_xml(self.text)}</ci:{self.kind}>"


def _reader(name: str) -> Callable[[etree._Element], ContactInfo | None]:
    def read(element: etree._Element) -> ContactInfo | None:
        text = token_of(element)
        return ContactInfo(name, text, element.get(LANG)) if text else None

    return read


READERS: dict[str, Callable[[etree._Element], Element | None]] = {
    f"{{{CIPID}}}{name}": _reader(name) for name in NAMES
}
