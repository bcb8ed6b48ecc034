"""STUN on the SIP port."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip import stun
from agent.sip.endpoint import Endpoint
from tests.support.sip import TCP, UDP

COOKIE = bytes.fromhex("2112a442")
ID = bytes(range(12))
REQUEST = b"\0\1\0\0" + COOKIE + ID


def test_the_examples_of_rfc_5769_section_2_2_and_2_3() -> None:
    """The mapped addresses there: 192.0.2.1:32853 and 2001:db8:1234:5678:11:2233:4455:6677 port 32853."""
    name = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    request = b"\0\1\0\0" + COOKIE + name
    v4 = stun.answer(request, ("192.0.2.1", 32853))
    assert v4 == b"\1\1\0\x0c" + COOKIE + name + bytes.fromhex("002000080001a147e112a643")
    v6 = stun.answer(request, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))
    mapped = bytes.fromhex("002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9")
    assert v6 == b"\1\1\0\x18" + COOKIE + name + mapped


def test_unknown_attributes_that_matter_are_named() -> None:
    attributes = bytes.fromhex("7f000001ff000000" + "8028000401020304")
    request = b"\0\1" + len(attributes).to_bytes(2, "big") + COOKIE + ID + attributes
    answer = stun.answer(request, ("192.0.2.1", 5060))
    assert answer is not None and answer[:2] == b"\1\x11"
    assert b"\0\0\4\x14" in answer and answer.endswith(b"\0\x0a\0\2\x7f\0\0\0")


def test_fingerprint_and_software_may_be_ignored() -> None:
    attributes = bytes.fromhex("8028000401020304")
    request = b"\0\1\0\x08" + COOKIE + ID + attributes
    answer = stun.answer(request, ("192.0.2.1", 5060))
    assert answer is not None and answer[:2] == b"\1\1"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        REQUEST[:-1],
        REQUEST + b"x",
        b"\0\1\0\4" + COOKIE + ID,
        b"\1\1\0\0" + COOKIE + ID,
        b"\0\1\0\0" + bytes(4) + ID,
        b"\0\1\0\4" + COOKIE + ID + b"\x80\x28\0\x08",
    ],
)
def test_what_is_no_binding_request_gets_no_answer(data: bytes) -> None:
    assert stun.answer(data, ("192.0.2.1", 5060)) is None


@given(st.binary(max_size=64))
def test_anything_may_follow_the_header(attributes: bytes) -> None:
    request = b"\0\1" + len(attributes).to_bytes(2, "big") + COOKIE + ID + attributes
    answer = stun.answer(request, ("192.0.2.1", 5060))
    assert answer is None or (answer[4:20] == COOKIE + ID and len(answer) % 4 == 0)


def test_the_endpoint_answers_over_udp_only() -> None:
    endpoint = Endpoint(lambda: "token", b"secret")
    endpoint.receive_datagram(REQUEST, UDP, 0.0)
    ((flow, data),) = endpoint.take_outbox()
    assert flow == UDP and data[:2] == b"\1\1"
    host = bytes(one ^ other for one, other in zip(data[-4:], COOKIE, strict=True))
    assert str(ip_address(host)) == UDP.remote[0]
    assert not endpoint.events
    endpoint.receive_stream(REQUEST, TCP, 0.0)
    assert not endpoint.take_outbox()
