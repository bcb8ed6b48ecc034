"""Which network addresses a connector may talk to. Pure.

Links hold URLs that users type, and a URL is a way into the network that Lamplighter stands in. So the
address that a connection would really go to is checked, whatever name, literal or redirect led there:
public unicast addresses only, and what the administrator allows by network or by host name.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from connectors.errors import Misconfigured

Address = IPv4Address | IPv6Address

# `is_global` alone lets these through on some Python versions.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relay anycast (RFC 7526)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
        "2001::/23",  # Teredo and other assignments (RFC 2928)
        "64:ff9b:1::/48",  # local-use NAT64 (RFC 8215)
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"RFC 6052 §2.1"


def is_public(address: Address) -> bool:
    """A unicast address of the public internet, also after unwrapping mapped, 6to4 and NAT64 forms."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not any(address.version == network.version and address in network for network in _NEVER)
    )


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the administrator allows beyond the public internet."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "AllowList":
        """From networks (`10.1.0.0/16`), addresses and host names. Raises `Misconfigured` naming each bad one."""
        networks: list[IPv4Network | IPv6Network] = []
        hosts: set[str] = set()
        wrong: list[str] = []
        for entry in entries:
            text = entry.strip()
            try:
                networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                if not text or "/" in text or ":" in text or "*" in text:
                    wrong.append(f"“{text}”")
                else:
                    hosts.add(normal_host(text))
        if wrong:
            raise Misconfigured(f"neither a network nor a host name: {', '.join(wrong)}")
        return cls(tuple(networks), frozenset(hosts))

    def has_host(self, host: str) -> bool:
        return normal_host(host) in self.hosts

    def has_address(self, address: Address) -> bool:
        return any(
            address.version == network.version and address in network for network in self.networks
        ) or (
            isinstance(address, IPv6Address)
            and address.ipv4_mapped is not None
            and self.has_address(address.ipv4_mapped)
        )

    def reaches(self, host: str, address: Address) -> bool:
        """Whether that address, to which that name has led, may be connected to."""
        return self.has_host(host) or self.has_address(address) or is_public(address)


def normal_host(host: str) -> str:
    """Host names compare without case and without the root's dot."""
    return host.rstrip(".").lower()
