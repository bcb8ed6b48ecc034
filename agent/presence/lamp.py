"""A presentity as a busy lamp: what it shows, and the dialog-info that makes a phone show it. Pure."""

import hashlib

from agent.documents.dialog_info import Dialog, NameAddr, Participant, Target
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


def lamp_dialog(entity: str, lamp: str) -> Dialog | None:
    """The one dialog that stands for a lamp and makes a phone's key show it, for any presentity, on calls or not.

    Dark is none at all, for some phones keep a lamp lit for any dialog that is listed. Lit: confirmed. Blinking:
    early, coming in. It has the same id in all versions, so that a phone sees one dialog that changes.
    """
    state = {"dark": None, "lit": "confirmed", "blinking": "early"}[lamp]
    if state is None:
        return None
    local = Participant(NameAddr(entity), Target(entity))
    name = hashlib.sha256(entity.encode()).hexdigest()[:12]
    direction = "recipient" if state == "early" else None
    return Dialog(name, state, direction=direction, local=local)


def at_version(document: bytes, version: int) -> bytes:
    """A document of version 0 as another version: composed once, numbered for each watcher."""
    return document.replace(b' version="0"', b' version="%d"' % version, 1)
