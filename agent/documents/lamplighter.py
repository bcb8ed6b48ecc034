"""What our own watchers can show and RFC 4480 has no word for, in a namespace of ours.

Children of the person: `lamp` (what a busy lamp shows), `importance` (may this be interrupted?), `until`
(when the state is expected to end); child of a device: `reach` (whether the device can be reached).
Other watchers ignore them (RFC 3863 §4.2.3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from lxml import etree

from agent.documents.namespaces import LAMPLIGHTER
from agent.documents.values import Element, read_time, time_xml
from agent.documents.xml import text_xml, token_of

LAMPS = frozenset({"dark", "lit", "blinking"})


@dataclass(frozen=True, slots=True)
class Lamp:
    """`dark`, `lit` or `blinking`. Of one group with activities: both say what the person is doing."""

    kind: ClassVar[str] = "lamp"
    group: ClassVar[str] = "activities"

    shows: str

    def xml(self) -> str:
        return f"<ll:lamp>{self.shows}</ll:lamp>"


@dataclass(frozen=True, slots=True)
class Importance:
    """Of what the person is doing, on the organisation's own scale."""

    kind: ClassVar[str] = "importance"
    group: ClassVar[str] = "activities"

    level: str

    def xml(self) -> str:
        return f"<ll:importance>{text_xml(self.level)}</ll:importance>"


@dataclass(frozen=True, slots=True)
class Until:
    """When the state is expected to end."""

    kind: ClassVar[str] = "until"
    group: ClassVar[str] = "activities"

    moment: datetime

    def xml(self) -> str:
        return f"<ll:until>{time_xml(self.moment)}</ll:until>"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether the device can be reached; RFC 4479 has devices but no word for their being off."""

    kind: ClassVar[str] = "reach"
    group: ClassVar[str] = "reach"

    reachable: bool

    def xml(self) -> str:
        return f"<ll:reach>{'on' if self.reachable else 'off'}</ll:reach>"


def _read_lamp(element: etree._Element) -> Lamp | None:
    shows = token_of(element)
    return Lamp(shows) if shows in LAMPS else None


def _read_importance(element: etree._Element) -> Importance | None:
    level = token_of(element)
    return Importance(level) if level else None


def _read_until(element: etree._Element) -> Until | None:
    moment = read_time(element.text)
    return None if moment is None else Until(moment)


def _read_reach(element: etree._Element) -> Reach | None:
    word = token_of(element)
    return Reach(word == "on") if word in ("on", "off") else None


READERS: dict[str, Callable[[etree._Element], Element | None]] = {
    f"{{{LAMPLIGHTER}}}lamp": _read_lamp,
    f"{{{LAMPLIGHTER}}}importance": _read_importance,
    f"{{{LAMPLIGHTER}}}until": _read_until,
    f"{{{LAMPLIGHTER}}}reach": _read_reach,
}
