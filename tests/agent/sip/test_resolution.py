"""RFC 3263 decisions against zones held in a dictionary."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.flows import Transport
from agent.sip.resolution import Kind, Naptr, Question, Record, Srv, locate, order_srv
from agent.sip.routing import Destination, parse_target

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS


def lowest(most: int) -> int:
    return 0


def find(
    uri: str,
    zone: dict[tuple[Kind, str], Sequence[Record]],
    supported: Sequence[Transport] = (UDP, TCP, TLS),
) -> tuple[list[Destination], list[Question]]:
    """(destinations, questions asked on the way)"""
    asked: list[Question] = []
    steps = locate(parse_target(uri), supported, lowest)
    try:
        question = next(steps)
        while True:
            asked.append(question)
            question = steps.send(zone.get((question.kind, question.name), ()))
    except StopIteration as done:
        return done.value, asked


ZONE: dict[tuple[Kind, str], Sequence[Record]] = {
    (Kind.NAPTR, "example.org"): [
        Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.org."),
        Naptr(90, 20, "S", "sips+d2t", "_sips._tcp.example.org."),
        Naptr(100, 10, "s", "SIP+D2U", "_sip._udp.example.org."),
    ],
    (Kind.SRV, "_sip._tcp.example.org"): [
        Srv(1, 0, 5070, "b.example.org."),
        Srv(0, 0, 5071, "a.example.org."),
    ],
    (Kind.SRV, "_sips._tcp.example.org"): [Srv(0, 0, 5443, "a.example.org.")],
    (Kind.SRV, "_sip._udp.example.org"): [Srv(0, 0, 5080, "a.example.org.")],
    (Kind.ADDRESS, "a.example.org"): ["192.0.2.1", "2001:db8::1"],
    (Kind.ADDRESS, "b.example.org"): ["192.0.2.2"],
    (Kind.ADDRESS, "example.org"): ["192.0.2.9"],
}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.5", Destination(UDP, "192.0.2.5", 5060)),
        ("sip:alice@192.0.2.5:5080", Destination(UDP, "192.0.2.5", 5080)),
        ("sip:192.0.2.5;transport=tcp", Destination(TCP, "192.0.2.5", 5060)),
        ("sips:192.0.2.5", Destination(TLS, "192.0.2.5", 5061)),
        ("sips:192.0.2.5;transport=tcp", Destination(TLS, "192.0.2.5", 5061)),
        ("sip:[2001:db8::5]:5062", Destination(UDP, "2001:db8::5", 5062)),
        ("sip:alice@example.org;maddr=192.0.2.7", Destination(UDP, "192.0.2.7", 5060)),
    ],
)
def test_a_literal_address_asks_nothing(uri: str, expected: Destination) -> None:
    assert find(uri, ZONE) == ([expected], [])


def test_an_explicit_port_asks_for_addresses_only() -> None:
    found, asked = find("sip:a.example.org:5090", ZONE)
    assert found == [Destination(UDP, "192.0.2.1", 5090), Destination(UDP, "2001:db8::1", 5090)]
    assert asked == [Question(Kind.ADDRESS, "a.example.org")]


def test_naptr_of_the_lowest_order_decides_by_preference() -> None:
    found, _ = find("sip:alice@example.org", ZONE)
    assert found == [
        Destination(TLS, "192.0.2.1", 5443, "example.org"),
        Destination(TLS, "2001:db8::1", 5443, "example.org"),
        Destination(TCP, "192.0.2.1", 5071),
        Destination(TCP, "2001:db8::1", 5071),
        Destination(TCP, "192.0.2.2", 5070),
    ]


def test_naptr_records_for_transports_we_lack_are_passed_over() -> None:
    found, _ = find("sip:alice@example.org", ZONE, supported=(UDP,))
    assert found[0] == Destination(UDP, "192.0.2.1", 5080)


def test_sips_discards_what_is_not_sips() -> None:
    found, _ = find("sips:alice@example.org", ZONE)
    assert {destination.transport for destination in found} == {TLS}


def test_without_naptr_each_own_transport_is_asked_by_srv() -> None:
    zone = {key: value for key, value in ZONE.items() if key[0] is not Kind.NAPTR}
    del zone[Kind.SRV, "_sip._udp.example.org"]
    found, asked = find("sip:alice@example.org", zone)
    assert found[0] == Destination(TCP, "192.0.2.1", 5071)
    assert asked[:3] == [
        Question(Kind.NAPTR, "example.org"),
        Question(Kind.SRV, "_sip._udp.example.org"),
        Question(Kind.SRV, "_sip._tcp.example.org"),
    ]


def test_a_named_transport_skips_naptr() -> None:
    found, asked = find("sip:alice@example.org;transport=tcp", ZONE)
    assert found[0] == Destination(TCP, "192.0.2.1", 5071)
    assert asked[0] == Question(Kind.SRV, "_sip._tcp.example.org")


def test_without_any_service_record_the_address_and_default_port_serve() -> None:
    zone = {(Kind.ADDRESS, "example.org"): ["192.0.2.9"]}
    assert find("sip:example.org", zone)[0] == [Destination(UDP, "192.0.2.9", 5060)]
    assert find("sips:example.org", zone)[0] == [Destination(TLS, "192.0.2.9", 5061, "example.org")]
    assert find("sip:example.org;transport=tcp", zone)[0] == [Destination(TCP, "192.0.2.9", 5060)]


def test_a_service_that_is_said_not_to_exist_is_not_tried() -> None:
    zone = {**ZONE, (Kind.SRV, "_sip._tcp.example.org"): [Srv(0, 0, 0, ".")]}
    assert find("sip:example.org;transport=tcp", zone)[0] == []


def test_a_transport_that_we_lack_leads_nowhere() -> None:
    assert find("sip:192.0.2.1;transport=tls", ZONE, supported=(UDP, TCP))[0] == []
    assert find("sips:example.org", ZONE, supported=(UDP, TCP))[0] == []


@given(
    st.lists(
        st.builds(Srv, st.integers(0, 3), st.integers(0, 100), st.just(5060), st.text("ab", min_size=1))
    ),
    st.randoms(use_true_random=False),
)
def test_srv_order_keeps_every_record_and_sorts_by_priority(records: list[Srv], random: Random) -> None:
    ordered = order_srv(records, lambda most: random.randint(0, most))
    assert Counter(ordered) == Counter(records)
    assert [record.priority for record in ordered] == sorted(record.priority for record in records)


def test_srv_weights_are_proportions() -> None:
    random = Random(5)
    heavy, light = Srv(0, 90, 5060, "heavy"), Srv(0, 10, 5060, "light")
    firsts = Counter(
        order_srv([light, heavy], lambda most: random.randint(0, most))[0].target for _ in range(2000)
    )
    assert 1700 < firsts["heavy"] < 1900
