"""Which SIP domains and users a TLS certificate stands for (RFC 5922 §7.1, §7.2). Its signature has been verified."""

import contextlib
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from agent.sip.values import address_of_record


def sip_identities(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Domains in lower case and addresses. ``certificate`` is shaped as `ssl.SSLSocket.getpeercert` gives it.

    A ``sip:`` URI without a user part comes first; DNS names count only where there is none of those, and the common
    name only where there is no subjectAltName at all.
    """
    alternatives: list[tuple[str, str]] = list(certificate.get("subjectAltName", ()))
    if not alternatives:
        return frozenset(_common_names(certificate))
    addresses = {_normal(value) for kind, value in alternatives if kind == "IP Address"}
    domains = {
        _normal(value.partition(":")[2].partition(";")[0])
        for kind, value in alternatives
        if kind == "URI" and value.lower().startswith("sip:") and "@" not in value
    }
    if not domains:
        domains = {_normal(value) for kind, value in alternatives if kind == "DNS"}
    return frozenset(domains | addresses)


def sip_users(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Addresses of record of users: SIP URIs with a user part among the alternative names (RFC 5922 §7.1)."""
    found: set[str] = set()
    for kind, value in certificate.get("subjectAltName", ()):
        if kind == "URI" and value.lower().startswith(("sip:", "sips:")) and "@" in value:
            with contextlib.suppress(ValueError):
                found.add(address_of_record(f"sip:{value.partition(':')[2]}"))
    return frozenset(found)


def certifies(certificate: Mapping[str, Any], domain: str) -> bool:
    """Whether the certificate is for ``domain``, a host name or address: whole names only, and no wildcards."""
    return _normal(domain) in sip_identities(certificate)


def _common_names(certificate: Mapping[str, Any]) -> list[str]:
    return [
        _normal(value)
        for relative_name in certificate.get("subject", ())
        for kind, value in relative_name
        if kind == "commonName"
    ]


def _normal(name: str) -> str:
    bare = name.strip().strip("[]")
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare.lower().rstrip(".")
