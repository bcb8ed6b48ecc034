"""The XML that Poly (Polycom) phones post: telephony notifications of UC Software. Pure.

COMPAT(Polycom UC Software 5): events come without a root element, several one after the other; older software wraps
them in ``PolycomIPPhone``.
"""

import re

from lxml import etree

from connectors.errors import BadData
from connectors.phone.events import Event, Report
from connectors.safe_xml import parse

_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")
_SIMPLE = {
    "IncomingCallEvent": Event.INCOMING,
    "OutgoingCallEvent": Event.OUTGOING,
    "OffHookEvent": Event.OFFHOOK,
    "OnHookEvent": Event.ONHOOK,
    "LineRegistrationEvent": Event.REGISTERED,
    "LineUnregistrationEvent": Event.UNREGISTERED,
}
_STATES = {
    "offering": Event.INCOMING,
    "ringing": Event.INCOMING,
    "setup": Event.OUTGOING,
    "proceeding": Event.OUTGOING,
    "ringback": Event.OUTGOING,
    "dialtone": Event.OFFHOOK,
    "connected": Event.ESTABLISHED,
    "active": Event.ESTABLISHED,
    "callhold": Event.HOLD,
    "callheld": Event.HOLD,
    "hold": Event.HOLD,
    "held": Event.HOLD,
    "callconference": Event.CONFERENCE,
    "callconfhold": Event.HOLD,
    "confhold": Event.HOLD,
    "disconnected": Event.TERMINATED,
    "terminated": Event.TERMINATED,
    "inactive": Event.IDLE,
}


def read_poly(body: bytes) -> list[Report]:
    """The events of one request; those that say nothing of calls are left out. Raises `BadData`."""
    root = parse(b"<all>" + _DECLARATION.sub(b"", body) + b"</all>")
    elements = [inner for outer in root for inner in (outer if outer.tag == "PolycomIPPhone" else [outer])]
    if not elements:
        raise BadData("the request has no event of a phone in it")
    return [report for element in elements for report in _reports(element)]


def _reports(element: etree._Element) -> list[Report]:
    name = etree.QName(element).localname
    if name in _SIMPLE:
        event = _SIMPLE[name]
        party = "CalledParty" if event is Event.OUTGOING else "CallingParty"
        return [Report(event, None, _number(element, party))]
    if name == "CallStateChangeEvent":
        return [_state(element, element.get("CallState") or "", element.get("CallReference"))]
    if name == "CallLineInfo":
        calls = element.findall("CallInfo")
        if not calls:
            return [Report(Event.IDLE)]
        return [
            _state(call, call.findtext("CallState") or "", call.findtext("CallReference")) for call in calls
        ]
    return []


def _state(element: etree._Element, state: str, reference: str | None) -> Report:
    event = _STATES.get(state.strip().lower())
    if event is None:
        raise BadData(f"“{state[:30]}” is no state of a call that is known")
    outgoing = (element.findtext(".//CallType") or "").strip().lower() == "outgoing"
    return Report(event, reference, _number(element, "CalledParty" if outgoing else "CallingParty"))


def _number(element: etree._Element, party: str) -> str | None:
    found = element.findtext(f".//{party}Number") or element.findtext(f".//{party}DirNum") or ""
    return found.strip().removeprefix("sip:").partition("@")[0] or None
