import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.headers import SINGLE, SPELLINGS, Headers, canonical, split_list, split_outside


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("v", "Via"),
        ("V", "Via"),
        ("VIA", "Via"),
        ("f", "From"),
        ("t", "To"),
        ("i", "Call-ID"),
        ("call-id", "Call-ID"),
        ("m", "Contact"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("e", "Content-Encoding"),
        ("k", "Supported"),
        ("s", "Subject"),
        ("x", "Session-Expires"),
        ("o", "Event"),
        ("u", "Allow-Events"),
        ("cseq", "CSeq"),
        ("sip-etag", "SIP-ETag"),
        ("SIP-IF-MATCH", "SIP-If-Match"),
        ("www-authenticate", "WWW-Authenticate"),
        ("subscription-state", "Subscription-State"),
        ("x-foo-bar", "X-Foo-Bar"),
    ],
)
def test_names_have_one_spelling(written: str, name: str) -> None:
    assert canonical(written) == name
    assert canonical(name) == name


def test_usual_spellings_lead_to_canonical_names() -> None:
    assert all(canonical(written) == name for written, name in SPELLINGS.items())
    assert set(SPELLINGS.values()) >= SINGLE


def test_lists_keep_their_order_over_lines() -> None:
    headers = Headers([("Route", "<sip:a;lr>, <sip:b;lr>"), ("Via", "x"), ("route", "<sip:c;lr>")])
    assert headers.values("Route") == ["<sip:a;lr>", "<sip:b;lr>", "<sip:c;lr>"]


def test_authorization_is_never_split() -> None:
    value = 'Digest username="a", realm="b"'
    headers = Headers([("Authorization", value), ("Authorization", 'Digest username="c", realm="d"')])
    assert headers.get_all("Authorization")[0] == value
    assert len(headers.get_all("Authorization")) == 2


def test_commas_and_semicolons_within_quotes_and_brackets_separate_nothing() -> None:
    assert split_list('"Bell, Alexander" <sip:a,b@c>, <sip:d>') == [
        '"Bell, Alexander" <sip:a,b@c>',
        "<sip:d>",
    ]
    assert split_list('"a\\", b" <sip:x>,y') == ['"a\\", b" <sip:x>', "y"]
    assert split_outside('<sip:a;b>;c="d;e"', ";") == ["<sip:a;b>", 'c="d;e"']


def test_set_replaces_all_lines_in_the_place_of_the_first() -> None:
    headers = Headers([("X-A", "1"), ("X-B", "2"), ("X-A", "3"), ("X-C", "4")])
    headers.set("x-a", "9")
    assert headers.items == [("X-A", "9"), ("X-B", "2"), ("X-C", "4")]
    headers.set("X-D", "5")
    assert headers.items[-1] == ("X-D", "5")


def test_remove_and_copy() -> None:
    headers = Headers([("X-A", "1"), ("X-B", "2"), ("X-A", "3")])
    other = headers.copy()
    headers.remove("x-a")
    assert headers.items == [("X-B", "2")]
    assert len(other) == 3
    assert "X-A" in other and "X-A" not in headers


@given(st.text(), st.sampled_from(",;"))
def test_splitting_loses_nothing(text: str, separator: str) -> None:
    assert separator.join(split_outside(text, separator)) == text
