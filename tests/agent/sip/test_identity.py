"""RFC 5922 §7.1 and §7.2 by cases."""

import pytest

from agent.sip.identity import certifies, sip_identities, sip_users

SUBJECT = ((("commonName", "cn.example.org"),),)


def certificate(*alternatives: tuple[str, str]) -> dict[str, object]:
    return {"subject": SUBJECT, "subjectAltName": alternatives}


def test_a_sip_uri_outweighs_dns_names() -> None:
    both = certificate(("DNS", "www.example.org"), ("URI", "SIP:Example.org"))
    assert sip_identities(both) == {"example.org"}
    assert certifies(both, "EXAMPLE.ORG.") and not certifies(both, "www.example.org")


def test_uris_of_users_and_other_schemes_are_no_domains() -> None:
    found = certificate(
        ("URI", "sip:alice@example.org"), ("URI", "sips:example.org"), ("URI", "https://example.org")
    )
    assert sip_identities(found) == frozenset()
    assert sip_identities(certificate(("URI", "sip:alice@example.org"), ("DNS", "b.org"))) == {"b.org"}


def test_the_common_name_counts_only_without_alternatives() -> None:
    assert certifies({"subject": SUBJECT}, "cn.example.org")
    assert not certifies(certificate(("DNS", "example.org")), "cn.example.org")
    assert not certifies({}, "example.org")


@pytest.mark.parametrize("named", ["*.example.org", ".example.org", "example.org", "phone.example.org.net"])
def test_neither_suffixes_nor_wildcards_match(named: str) -> None:
    assert not certifies(certificate(("DNS", named)), "phone.example.org")


def test_addresses_in_any_spelling() -> None:
    found = certificate(("IP Address", "2001:DB8:0:0:0:0:0:1"), ("IP Address", "192.0.2.1"))
    assert certifies(found, "[2001:db8::1]") and certifies(found, "192.0.2.1")
    assert not certifies(found, "192.0.2.2")


def test_users_are_sip_uris_with_a_user_part() -> None:
    names = (
        ("URI", "sip:alice@Example.ORG"),
        ("URI", "sips:bob@example.org"),
        ("URI", "sip:example.org"),
        ("URI", "https://carol@example.org"),
        ("URI", "sip:@"),
        ("email", "dave@example.org"),
        ("DNS", "example.org"),
    )
    assert sip_users({"subjectAltName": names}) == {"sip:alice@example.org", "sip:bob@example.org"}
    assert sip_users({}) == frozenset()
