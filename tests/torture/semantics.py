"""RFC 4475 §3.2 to 3.4: transactions, applications, old peers."""

from agent.sip.values import parse_name_addr
from tests.support.sip import answer, lines, wire
from tests.torture.case import CONTACT, NOTIFY, SDP, Case, Message, Outcome, invite, replaced

MISSING = lines(
    "INVITE sip:bob@example.org SIP/2.0",
    "CSeq: 19 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKx",
    "l: 3",
    body=b"v=0",
)
DOUBLED = invite(
    "CSeq: 59 INVITE",
    "Call-ID: other",
    "From: sip:x@example.net;tag=2",
    "To: sip:y@example.net",
    "Max-Forwards: 5",
    CONTACT,
)
OLD_INVITE = lines(
    "INVITE sip:UserB@example.org SIP/2.0",
    "Via: SIP/2.0/UDP gateway.example.net",
    "From: <sip:+13035551111@gateway.example.net;user=phone>",
    "Record-Route: <sip:UserB@example.org;maddr=ss1.example.org>",
    "To: sip:+16505552222@ss1.example.org;user=phone",
    "Call-ID: old@gateway.example.net",
    "CSeq: 56 INVITE",
    "Content-Type: application/sdp",
    body=SDP,
)


def check_old_invite(message: Message) -> None:
    assert message.via.branch is None and message.from_.tag is None
    assert message.body == SDP
    assert message.to.params == {"user": "phone"}


def check_contact_parameter(message: Message) -> None:
    contact = parse_name_addr(message.headers.values("Contact")[0])
    assert contact.uri == "sip:+19725552222@gw.example.net" and contact.params == {"unknownparam": None}


def check_uri_parameter(message: Message) -> None:
    contact = parse_name_addr(message.headers.values("Contact")[0])
    assert contact.uri == "sip:+19725552222@gw.example.net;unknownparam" and contact.params == {}


def check_escaped_header(message: Message) -> None:
    contact = parse_name_addr(message.headers.values("Contact")[0])
    assert contact.uri == "sip:bob@example.org?Route=%3Csip:sip.example.org%3E"


def check_unknown_schemes(message: Message) -> None:
    assert (message.to.uri, message.from_.uri) == ("isbn:2983792873", "http://www.example.com")


SEMANTICS = [
    Case(
        "badbranch", "3.2.1", wire(via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK"), Outcome.REQUEST, served=200
    ),
    Case("insuf", "3.3.1", MISSING, Outcome.REFUSED, 400),
    Case("unkscm", "3.3.2", wire(uri="nobodyKnowsThis:opaque"), Outcome.REQUEST, served=416),
    Case("novelsc", "3.3.3", wire(uri="soap.beep://192.0.2.103:3002"), Outcome.REQUEST, served=416),
    Case(
        "unksm2",
        "3.3.4",
        wire(
            "REGISTER",
            "Contact: <name:John_Smith>",
            to="isbn:2983792873",
            from_="<http://www.example.com>;tag=3",
        ),
        Outcome.REQUEST,
        served=400,
        check=check_unknown_schemes,
    ),
    Case(
        "bext01",
        "3.3.5",
        wire(
            "OPTIONS",
            "Require: nobodyHasThis, norThis",
            "Proxy-Require: noProxyHasThis",
            via="SIP/2.0/TLS fold.example.net;branch=z9hG4bK1",
        ),
        Outcome.REQUEST,
        served=420,
    ),
    Case(
        "invut",
        "3.3.6",
        wire("INVITE", CONTACT, "Content-Type: application/unheardof", body=b"<audio/>"),
        Outcome.REQUEST,
        served=405,
    ),
    Case(
        "regaut01",
        "3.3.7",
        wire("REGISTER", "Authorization: NoOneKnowsThisScheme opaque-data=here"),
        Outcome.REQUEST,
        served=200,
    ),
    Case("multi01", "3.3.8", DOUBLED, Outcome.REFUSED, 400),
    Case(
        "mcl01",
        "3.3.9",
        wire(
            "OPTIONS", "Content-Length: 13", "Content-Type: text/plain", length=5, body=b"How long is this?"
        ),
        Outcome.REFUSED,
        400,
        Outcome.BROKEN,
    ),
    Case(
        "bcast",
        "3.3.10",
        replaced(answer(NOTIFY), "From:", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\nFrom:"),
        Outcome.DROPPED,
    ),
    Case(
        "zeromf",
        "3.3.11",
        replaced(wire(), "Max-Forwards: 70", "Max-Forwards: 0"),
        Outcome.REQUEST,
        served=200,
    ),
    Case(
        "cparam01",
        "3.3.12",
        wire("REGISTER", "Contact: sip:+19725552222@gw.example.net;unknownparam"),
        Outcome.REQUEST,
        served=200,
        check=check_contact_parameter,
    ),
    Case(
        "cparam02",
        "3.3.13",
        wire("REGISTER", "Contact: <sip:+19725552222@gw.example.net;unknownparam>"),
        Outcome.REQUEST,
        served=200,
        check=check_uri_parameter,
    ),
    Case(
        "regescrt",
        "3.3.14",
        wire("REGISTER", "M: <sip:bob@example.org?Route=%3Csip:sip.example.org%3E>"),
        Outcome.REQUEST,
        served=200,
        check=check_escaped_header,
    ),
    Case("sdp01", "3.3.15", invite("Accept: text/nobodyKnowsThis"), Outcome.REQUEST, served=405),
    Case(
        "inv2543",
        "3.4.1",
        OLD_INVITE,
        Outcome.REQUEST,
        None,
        Outcome.BROKEN,
        served=405,
        check=check_old_invite,
    ),
]
