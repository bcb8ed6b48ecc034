"""Which addresses are public, whatever they are wrapped in."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.addresses import AllowList, is_public
from connectors.errors import Misconfigured


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "100.64.0.1", "192.0.0.8", "198.18.0.1", "::", "::1", "fe80::1", "fd00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::",
        "2002:c0a8:101::1", "2001::1", "64:ff9b:1::1",
    ],
)  # fmt: skip
def test_not_public(text):
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_public(text):
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_wrapping_changes_nothing(address):
    number = int(address)
    wrapped = [ip_address(f"::ffff:{address}"), ip_address((0x64FF9B << 96) | number),
               ip_address((0x2002 << 112) | (number << 80))]  # fmt: skip
    assert {is_public(form) for form in wrapped} == {is_public(address)}


def test_the_allow_list_takes_networks_addresses_and_names():
    allowed = AllowList.parse(["10.1.0.0/16", "192.168.1.5", "Cal.Example.org.", "fd00::/8"])
    assert allowed.has_address(ip_address("10.1.255.1"))
    assert allowed.has_address(ip_address("::ffff:10.1.0.1"))
    assert not allowed.has_address(ip_address("10.2.0.1"))
    assert allowed.has_address(ip_address("192.168.1.5"))
    assert allowed.has_address(ip_address("fd12::1"))
    assert allowed.has_host("cal.example.ORG") and not allowed.has_host("example.org")


def test_every_wrong_entry_is_named():
    with pytest.raises(Misconfigured, match=r"10.0.0.0/99.*https://x") as caught:
        AllowList.parse(["10.0.0.0/99", "fine.example.org", "https://x", "*.example.org"])
    assert "fine" not in caught.value.what and "*.example.org" in caught.value.what
