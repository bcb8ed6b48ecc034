"""A presentity as a busy lamp: what it shows, and the dialog-info that makes a phone show it. Pure."""

from agent.documents.lamplighter import Lamp
from agent.documents.pidf import Presence
from agent.documents.rpid import Activities
from agent.documents.values import Element

BUSY = frozenset({"appointment", "busy", "meeting", "on-the-phone", "performance", "presentation", "worship"})
"Activities of RFC 4480 during which the lamp is lit."


def lamp_of(document: Presence) -> str:
    """`dark`, `lit` or `blinking`.

    What the publisher says itself (our `lamp` element) counts; without it a busy activity lights the lamp.
    Nothing known gives a dark lamp: a lamp has no colour for unknown.
    """
    told: list[Element] = [each for person in document.persons for each in person.elements]
    # COMPAT(several): activities below the tuple or its status, where drafts before RFC 4480 had them.
    for service in document.tuples:
        told += (*service.status.elements, *service.elements)
    lamp = next((each.shows for each in told if isinstance(each, Lamp)), None)
    if lamp is not None:
        return lamp
    busy = any(isinstance(each, Activities) and not BUSY.isdisjoint(each.values) for each in told)
    return "lit" if busy else "dark"
