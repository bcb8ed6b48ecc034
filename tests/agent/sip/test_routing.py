import pytest

from agent.sip.flows import Flow, Transport, format_address, format_host
from agent.sip.routing import (
    is_loose,
    is_ours,
    note_source,
    parse_target,
    request_path,
    response_flow,
    sent_by,
)
from agent.sip.values import parse_via
from tests.support.sip import PHONE, SERVER, UDP, parsed, wire

NAT = Flow(Transport.UDP, SERVER, ("203.0.113.7", 40_000))


def noted(via: str, flow: Flow) -> str:
    request = parsed(wire(via=via))
    note_source(request, flow)
    return request.headers.get("Via") or ""


def test_nothing_is_added_when_the_address_is_as_it_says() -> None:
    via = "SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bK1"
    assert noted(via, UDP) == via


def test_received_is_added_when_it_differs_or_is_a_name() -> None:
    assert (
        noted("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", NAT)
        == "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=203.0.113.7"
    )
    assert noted("SIP/2.0/UDP phone.example.org;branch=z9hG4bK1", UDP).endswith(";received=192.0.2.50")


def test_rport_is_filled_and_received_always_joins_it() -> None:
    via = noted("SIP/2.0/UDP 192.0.2.50:5060;rport;branch=z9hG4bK1", UDP)
    assert via == "SIP/2.0/UDP 192.0.2.50:5060;rport=5060;branch=z9hG4bK1;received=192.0.2.50"


def test_what_the_sender_claims_about_its_source_is_replaced() -> None:
    via = noted("SIP/2.0/UDP 10.0.0.1;received=192.0.2.99;rport=1;branch=z9hG4bK1", NAT)
    assert via == "SIP/2.0/UDP 10.0.0.1;rport=40000;branch=z9hG4bK1;received=203.0.113.7"


def test_received_has_no_brackets() -> None:
    flow = Flow(Transport.UDP, ("2001:db8::1", 5060), ("2001:db8::9", 5060))
    via = noted("SIP/2.0/UDP [2001:db8::10];received=[2001:db8::77];branch=z9hG4bK1", flow)
    assert via.endswith(";received=2001:db8::9")


def test_only_the_top_via_changes() -> None:
    request = parsed(
        wire(
            "OPTIONS",
            "Via: SIP/2.0/TCP b;rport;branch=z9hG4bK2",
            via="SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP c",
        )
    )
    note_source(request, UDP)
    assert request.headers.values("Via") == [
        "SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.50",
        "SIP/2.0/UDP c",
        "SIP/2.0/TCP b;rport;branch=z9hG4bK2",
    ]
    assert request.via.params["received"] == "192.0.2.50"


@pytest.mark.parametrize(
    ("via", "port"),
    [
        ("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z", 40_000),
        ("SIP/2.0/UDP 10.0.0.1:5070;branch=z", 5070),
        ("SIP/2.0/UDP 10.0.0.1;branch=z", 5060),
    ],
)
def test_udp_answers_go_to_the_source_address_at_rport_or_sent_by(via: str, port: int) -> None:
    assert response_flow(parse_via(via), NAT).remote == ("203.0.113.7", port)


def test_maddr_does_not_aim_answers_elsewhere() -> None:
    assert (
        response_flow(parse_via("SIP/2.0/UDP 10.0.0.1;maddr=198.51.100.1;rport;branch=z"), NAT).remote
        == NAT.remote
    )


def test_streams_answer_on_their_connection() -> None:
    flow = Flow(Transport.TCP, SERVER, ("203.0.113.7", 40_000), 5)
    assert response_flow(parse_via("SIP/2.0/TCP 10.0.0.1:5070;branch=z"), flow) == flow


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("sip:alice@example.org", ("example.org", None, None, False)),
        ("SIP:alice@example.org:5070;transport=TCP", ("example.org", 5070, Transport.TCP, False)),
        ("sips:alice@example.org;transport=tcp", ("example.org", None, Transport.TLS, True)),
        ("sip:[2001:db8::10]:5070", ("2001:db8::10", 5070, None, False)),
        ("sip:[2001:db8::10:5070]", ("2001:db8::10:5070", None, None, False)),
        ("sip:alice@example.org;maddr=192.0.2.7", ("192.0.2.7", None, None, False)),
        ("sip:a;transport=tcp@example.org", ("example.org", None, None, False)),
        ("sip:a?b@example.org?Route=x", ("example.org", None, None, False)),
    ],
)
def test_target(uri: str, target: tuple[object, ...]) -> None:
    found = parse_target(uri)
    assert (found.host, found.port, found.transport, found.secure) == target


@pytest.mark.parametrize("uri", ["tel:+15551234", "alice", "sip:a@b;transport=pigeon", "sip:a@b:x", "sip:"])
def test_bad_target(uri: str) -> None:
    with pytest.raises(ValueError):
        parse_target(uri)


def test_path_without_routes() -> None:
    assert request_path("sip:alice@192.0.2.50", ()) == ("sip:alice@192.0.2.50", (), "sip:alice@192.0.2.50")


def test_path_with_loose_routers() -> None:
    routes = ("<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>")
    assert request_path("sip:alice@192.0.2.50", routes) == (
        "sip:alice@192.0.2.50",
        routes,
        "sip:p1.example.org;lr",
    )


def test_path_with_a_strict_router_first() -> None:
    """RFC 3261 §12.2.1.1: the router's URI becomes the Request-URI, and the target goes last in Route."""
    uri, routes, hop = request_path(
        "sip:alice@192.0.2.50", ("<sip:p1.example.org>", "<sip:p2.example.org;lr>")
    )
    assert uri == hop == "sip:p1.example.org"
    assert routes == ("<sip:p2.example.org;lr>", "<sip:alice@192.0.2.50>")


def test_loose() -> None:
    assert is_loose("sip:p;lr") and is_loose("sip:p;LR=on") and is_loose("sip:u@p:5060;transport=tcp;lr")
    assert (
        not is_loose("sip:lr@p")
        and not is_loose("sip:u;lr@p")
        and not is_loose("sip:p;lrx")
        and not is_loose("sip:p?lr")
    )


def test_sent_by_of_a_flow() -> None:
    assert sent_by(UDP) == "192.0.2.1:5060"
    assert sent_by(Flow(Transport.UDP, ("2001:db8::1", 5060), PHONE)) == "[2001:db8::1]:5060"


def test_whose_via_it_is() -> None:
    assert is_ours(parse_via("SIP/2.0/UDP 192.0.2.1;branch=z"), UDP)
    assert is_ours(parse_via("SIP/2.0/UDP 192.0.2.1:5060;branch=z"), UDP)
    assert not is_ours(parse_via("SIP/2.0/UDP 192.0.2.1:5061;branch=z"), UDP)
    assert not is_ours(parse_via("SIP/2.0/UDP 192.0.2.2;branch=z"), UDP)


def test_addresses_as_text() -> None:
    assert format_address(("2001:db8::1", 5060)) == "[2001:db8::1]:5060"
    assert format_address(("192.0.2.1", 5060)) == "192.0.2.1:5060"
    assert format_host("[::1]") == format_host("::1") == "[::1]"
    assert str(UDP) == "udp:192.0.2.50:5060"


def test_transports() -> None:
    assert not Transport.UDP.reliable and all(t.reliable for t in Transport if t is not Transport.UDP)
    assert [t for t in Transport if t.framed_by_us] == [Transport.TCP, Transport.TLS]
    assert [t for t in Transport if t.secure] == [Transport.TLS, Transport.WSS]
    assert Transport.MEMORY.via_token == "TCP" and Transport.WSS.via_token == "WSS"
