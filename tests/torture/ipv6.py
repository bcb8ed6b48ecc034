"""RFC 5118: IPv6."""

from collections.abc import Callable

from agent.sip.messages import Request
from agent.sip.values import address_of_record, parse_name_addr, parse_uri, parse_via
from tests.support.sip import wire
from tests.torture.case import TYPE, Case, Message, Outcome

V6_VIA = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKv6"
V6_CONTACT = 'Contact: "Caller" <sip:caller@[2001:db8::1]>'
V6_SDP = b"v=0\r\no=a 1 0 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 6000 RTP/AVP 2\r\n"


def v6(method: str, *extra: str, **changes) -> bytes:
    return wire(method, *extra, **{"uri": "sip:[2001:db8::10]", "via": V6_VIA, **changes})


def check_v6(message: Message) -> None:
    assert isinstance(message, Request)
    assert (message.via.host, message.via.port) == ("2001:db8::9:1", None)
    assert parse_name_addr(message.headers.values("Contact")[0]).uri == "sip:caller@[2001:db8::1]"


def check_port(expected: int | None) -> Callable[[Message], None]:
    def check(message: Message) -> None:
        assert isinstance(message, Request) and parse_uri(message.uri).port == expected

    return check


def check_received(message: Message) -> None:
    assert (message.via.params["received"] or "").strip("[]") == "2001:db8::9:255"


def check_mixed(message: Message) -> None:
    vias = [parse_via(value) for value in message.headers.values("Via")]
    assert [(via.host, via.port) for via in vias] == [
        ("2001:db8::9:1", 6050),
        ("192.0.2.1", None),
        ("2001:db8::9:255", None),
    ]


def check_mapped(message: Message) -> None:
    assert (message.via.host, message.via.port) == ("::ffff:192.0.2.10", 19823)


def check_colons(message: Message) -> None:
    assert isinstance(message, Request)
    assert address_of_record(message.uri) == address_of_record(message.to.uri)


RFC_5118 = [
    Case("ipv6-good", "4.1", v6("REGISTER", V6_CONTACT), Outcome.REQUEST, served=404, check=check_v6),
    Case("ipv6-bad", "4.2", v6("REGISTER", V6_CONTACT, uri="sip:2001:db8::10"), Outcome.REFUSED, 400),
    Case(
        "port-ambiguous",
        "4.3",
        v6("REGISTER", V6_CONTACT, uri="sip:[2001:db8::10:5070]"),
        Outcome.REQUEST,
        served=404,
        check=check_port(None),
    ),
    Case(
        "port-unambiguous",
        "4.4",
        v6("REGISTER", V6_CONTACT, uri="sip:[2001:db8::10]:5070"),
        Outcome.REQUEST,
        served=404,
        check=check_port(5070),
    ),
    Case(
        "via-received-param-with-delim",
        "4.5",
        v6("BYE", via=V6_VIA + ";received=[2001:db8::9:255]"),
        Outcome.REQUEST,
        served=405,
        check=check_received,
    ),
    Case(
        "via-received-param-no-delim",
        "4.5",
        v6("OPTIONS", via=V6_VIA + ";received=2001:db8::9:255"),
        Outcome.REQUEST,
        served=404,
        check=check_received,
    ),
    Case(
        "ipv6-in-sdp",
        "4.6",
        v6("INVITE", V6_CONTACT, TYPE, body=V6_SDP),
        Outcome.REQUEST,
        served=405,
        check=check_v6,
    ),
    Case(
        "mult-ip-in-header",
        "4.7",
        v6(
            "BYE",
            "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2",
            "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK3;received=192.0.2.200",
            via="SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bK1",
        ),
        Outcome.REQUEST,
        served=405,
        check=check_mixed,
    ),
    Case(
        "mult-ip-in-sdp",
        "4.8",
        v6("INVITE", V6_CONTACT, TYPE, body=V6_SDP + b"c=IN IP4 192.0.2.1\r\n"),
        Outcome.REQUEST,
        served=405,
        check=check_v6,
    ),
    Case(
        "ipv4-mapped-ipv6",
        "4.9",
        v6(
            "INVITE",
            "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bK2",
            'Contact: "T. desk" <sip:ted@[::ffff:192.0.2.2]>',
            via="SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bK1",
        ),
        Outcome.REQUEST,
        served=405,
        check=check_mapped,
    ),
    Case(
        "ipv6-bug-abnf-3-colons",
        "4.10",
        v6("OPTIONS", uri="sip:bob@[2001:db8:::192.0.2.1]", to="sip:bob@[2001:db8:::192.0.2.1]"),
        Outcome.REQUEST,
        served=404,
        check=check_colons,
    ),
    Case(
        "ipv6-correct-abnf-2-colons",
        "4.10",
        v6("OPTIONS", uri="sip:bob@[2001:db8::192.0.2.1]", to="sip:bob@[2001:db8::192.0.2.1]"),
        Outcome.REQUEST,
        served=404,
        check=check_colons,
    ),
]
