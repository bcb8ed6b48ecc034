"""The resolver against a hosts file and a DNS server of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.net.local_address import local_address_for
from agent.net.resolver import ResolutionFailed, Resolver
from agent.sip.flows import Transport
from agent.sip.routing import Destination, parse_target
from tests.support.dns import DnsServer, dns_server

UDP, TCP, TLS = Transport.UDP, Transport.TCP, Transport.TLS

ZONE = {
    ("example.org.", "NAPTR"): ['10 10 "s" "SIP+D2T" "" _sip._tcp.example.org.'],
    ("_sip._tcp.example.org.", "SRV"): ["0 0 5070 ps1.example.org.", "1 0 5071 ps2.example.org."],
    ("ps1.example.org.", "A"): ["192.0.2.1"],
    ("ps1.example.org.", "AAAA"): ["2001:db8::1"],
    ("ps2.example.org.", "A"): ["192.0.2.2"],
    ("plain.example.org.", "A"): ["192.0.2.3"],
}


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with dns_server(ZONE) as running:
        yield running


def resolver(server: DnsServer, hosts_file: Path = Path("/nowhere"), **options: Any) -> Resolver:
    return Resolver(
        nameservers=[server.address], hosts_file=hosts_file, pick=lambda most: 0, lifetime=2.0, **options
    )


async def test_the_whole_way_from_a_domain_to_addresses(server: DnsServer) -> None:
    found = await resolver(server).resolve(parse_target("sip:alice@example.org"))
    assert found == [
        Destination(TCP, "192.0.2.1", 5070),
        Destination(TCP, "2001:db8::1", 5070),
        Destination(TCP, "192.0.2.2", 5071),
    ]


async def test_answers_are_kept(server: DnsServer) -> None:
    keeping = resolver(server)
    first = await keeping.resolve(parse_target("sip:example.org"))
    asked = server.asked.total()
    assert await keeping.resolve(parse_target("sip:example.org")) == first
    assert server.asked.total() == asked


async def test_a_host_with_an_address_alone(server: DnsServer) -> None:
    found = await resolver(server).resolve(parse_target("sip:plain.example.org"))
    assert found == [Destination(UDP, "192.0.2.3", 5060)]


async def test_only_transports_that_we_can_open(server: DnsServer) -> None:
    with pytest.raises(ResolutionFailed) as told:
        await resolver(server, supported=(UDP,)).resolve(parse_target("sip:plain.example.org;transport=tcp"))
    assert not told.value.temporary


async def test_a_name_that_does_not_exist_is_told_from_a_dns_that_does_not_work(server: DnsServer) -> None:
    asking = resolver(server)
    with pytest.raises(ResolutionFailed, match=r"nowhere\.example\.com") as told:
        await asking.resolve(parse_target("sip:nowhere.example.com"))
    assert not told.value.temporary
    server.broken = True
    with pytest.raises(ResolutionFailed, match="DNS") as told:
        await asking.resolve(parse_target("sip:other.example.com"))
    assert told.value.temporary
    server.broken = False
    with pytest.raises(ResolutionFailed) as told:
        await asking.resolve(parse_target("sip:other.example.com"))
    assert not told.value.temporary


@pytest.mark.parametrize("host", ["a" * 64 + ".example.org", "a..b"])
async def test_what_can_be_no_name_fails_without_asking(server: DnsServer, host: str) -> None:
    with pytest.raises(ResolutionFailed):
        await resolver(server).resolve(parse_target(f"sip:{host}:5060"))
    assert not server.asked


async def test_literals_ask_nobody(server: DnsServer) -> None:
    asking = resolver(server)
    assert await asking.resolve(parse_target("sip:192.0.2.9:5080")) == [Destination(UDP, "192.0.2.9", 5080)]
    assert await asking.resolve(parse_target("sips:[2001:db8::9]")) == [Destination(TLS, "2001:db8::9", 5061)]
    assert not server.asked


async def test_the_hosts_file_comes_first_and_is_read_again_when_changed(
    server: DnsServer, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# mine\n::1 example.org # six\n127.0.0.1\tEXAMPLE.org other\nnonsense example.org\n")
    asking = resolver(server, hosts)
    found = await asking.resolve(parse_target("sip:example.org"))
    assert found == [Destination(UDP, "127.0.0.1", 5060), Destination(UDP, "::1", 5060)]
    found = await asking.resolve(parse_target("sip:other:5080;transport=tcp"))
    assert found == [Destination(TCP, "127.0.0.1", 5080)]
    assert not server.asked
    hosts.write_text("")
    assert (await asking.resolve(parse_target("sip:example.org")))[0].host == "192.0.2.1"


def test_our_address_towards_a_peer() -> None:
    assert local_address_for("127.0.0.1", 5060) == "127.0.0.1"
