"""RFC 4475 §3.1.2: messages that are broken."""

from tests.support.sip import answer, wire
from tests.torture.case import CONTACT, NOTIFY, SDP, TYPE, Case, Outcome, invite, replaced

INVALID = [
    Case(
        "badinv01",
        "3.1.2.1",
        replaced(invite(via="SIP/2.0/UDP 192.0.2.50;;,;,,"), CONTACT, CONTACT + ";;;;"),
        Outcome.REFUSED,
        400,
    ),
    Case("clerr", "3.1.2.2", invite(length=9999), Outcome.REFUSED, 400, Outcome.WAITING),
    Case(
        "ncl",
        "3.1.2.3",
        invite(length=None).replace(b"\r\n\r\n", b"\r\nContent-Length: -999\r\n\r\n", 1),
        Outcome.REFUSED,
        400,
        Outcome.BROKEN,
    ),
    Case(
        "scalar02",
        "3.1.2.4",
        wire("REGISTER", "Expires: 1" + "0" * 100, cseq=36893488147419103232),
        Outcome.REFUSED,
        400,
    ),
    Case(
        "scalarlg",
        "3.1.2.5",
        replaced(answer(NOTIFY, 503, "No"), "CSeq: 1 ", "CSeq: 9292394834772304023312 "),
        Outcome.DROPPED,
    ),
    Case("quotbal", "3.1.2.6", invite(to='"Mr. J. User <sip:bob@example.org>'), Outcome.REFUSED, 400),
    Case("ltgtruri", "3.1.2.7", invite(uri="<sip:bob@example.org>"), Outcome.REFUSED, 400),
    Case("lwsruri", "3.1.2.8", invite(uri="sip:bob@example.org; lr"), Outcome.REFUSED, 400),
    Case("lwsstart", "3.1.2.9", invite(uri=" sip:bob@example.org "), Outcome.REFUSED, 400),
    Case("trws", "3.1.2.10", replaced(wire(), "SIP/2.0\r\n", "SIP/2.0  \r\n"), Outcome.REFUSED, 400),
    # The escaped headers are no part of whom the request is for; they are ignored.
    Case(
        "escruri",
        "3.1.2.11",
        invite(uri="sip:bob@example.org?Route=%3Csip:example.org%3E"),
        Outcome.REQUEST,
        served=405,
    ),
    Case("baddate", "3.1.2.12", invite("Date: Fri, 01 Jan 2010 16:00:00 EST"), Outcome.REQUEST, served=405),
    # The registrar refuses a Contact that it cannot read.
    Case(
        "regbadct",
        "3.1.2.13",
        wire("REGISTER", "Contact: sip:bob@example.org?Route=%3Csip:sip.example.org%3E"),
        Outcome.REQUEST,
        served=400,
    ),
    Case(
        "badaspec",
        "3.1.2.14",
        wire(to='"Watson, Thomas" < sip:bob@example.org >'),
        Outcome.REQUEST,
        served=200,
    ),
    Case(
        "baddn",
        "3.1.2.15",
        wire(to="Watson, Thomas <sip:bob@example.org>", from_="Bell, A <sip:alice@example.org>;tag=4"),
        Outcome.REQUEST,
        served=200,
    ),
    Case(
        "badvers",
        "3.1.2.16",
        wire(via="SIP/7.0/UDP c.example.net;branch=z9hG4bK1").replace(b"SIP/2.0", b"SIP/7.0"),
        Outcome.REFUSED,
        505,
    ),
    Case("mismatch01", "3.1.2.17", wire("OPTIONS", cseq_method="INVITE"), Outcome.REFUSED, 400),
    Case(
        "mismatch02",
        "3.1.2.18",
        wire("NEWMETHOD", CONTACT, TYPE, cseq_method="INVITE", body=SDP),
        Outcome.REFUSED,
        400,
    ),
    Case("bigcode", "3.1.2.19", replaced(answer(NOTIFY), "200 OK", "4294967301 too much"), Outcome.DROPPED),
]
