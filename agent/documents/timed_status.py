"""Status that holds in the past or future, such as the coming meeting (RFC 4481)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from lxml import etree

from agent.documents.namespaces import PIDF, RPID, TIMED_STATUS
from agent.documents.values import Element, Note, read_note, read_time, time_xml
from agent.documents.xml import Attributes, attributes_xml, other_attributes

TAG = f"{{{TIMED_STATUS}}}timed-status"
_BASIC = frozenset({f"{{{TIMED_STATUS}}}basic", f"{{{PIDF}}}basic"})
_NOTES = frozenset({f"{{{TIMED_STATUS}}}note", f"{{{PIDF}}}note"})
_FRAME = frozenset({"from", "until"})


@dataclass(frozen=True, slots=True)
class TimedStatus:
    """`[from_, until)`, child of a tuple. The range must not contain the present when it is sent."""

    kind: ClassVar[str] = "timed-status"
    group: ClassVar[str] = "timed-status"

    from_: datetime
    until: datetime | None = None
    basic: str | None = None
    "`open` or `closed`."
    notes: tuple[Note, ...] = ()
    "The schema has at most one."
    elements: tuple[Element, ...] = ()
    attributes: Attributes = ()

    def xml(self) -> str:
        until = "" if self.until is None else f' until="{time_xml(self.until)}"'
        parts = [f'<ts:timed-status from="{time_xml(self.from_)}"{until}{attributes_xml(self.attributes)}>']
        if self.basic is not None:
            parts.append(f"<ts:basic>{self.basic}</ts:basic>")
        parts += [note.xml("ts:note") for note in self.notes]
        parts += [_out_of_sight(each.xml()) for each in self.elements]
        parts.append("</ts:timed-status>")
        return "".join(parts)


def _out_of_sight(markup: str) -> str:
    """The element under another prefix.

    COMPAT(baresip 1.0.0): searches the whole body for `<rpid:away`, `<rpid:busy` and `<rpid:on-the-phone`
    and would show now what is only coming.
    """
    if not markup.startswith("<rpid:") or "xmlns:rpid=" in markup:
        return markup
    name, rest = markup.replace("</rpid:", "</coming:").replace("<rpid:", "<coming:").split(">", 1)
    closing = "/" if name.endswith("/") else ""
    return f'{name.removesuffix("/")} xmlns:coming="{RPID}"{closing}>{rest}'


def read(element: etree._Element, read_element: Callable[[etree._Element], Element]) -> TimedStatus | None:
    """None when there is no `from`, without which it cannot be placed in time."""
    from_ = read_time(element.get("from"))
    if from_ is None:
        return None
    basic: str | None = None
    notes: list[Note] = []
    elements: list[Element] = []
    for child in element:
        tag = child.tag
        if tag in _BASIC:
            word = (child.text or "").strip()
            if basic is None and word in ("open", "closed"):
                basic = word
        elif tag in _NOTES:
            notes.append(read_note(child))
        else:
            elements.append(read_element(child))
    return TimedStatus(
        from_,
        read_time(element.get("until")),
        basic,
        tuple(notes),
        tuple(elements),
        other_attributes(element, _FRAME),
    )
