import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.values import (
    CSeq,
    address_of_record,
    normal_host,
    parse_cseq,
    parse_digits,
    parse_event,
    parse_host_port,
    parse_name_addr,
    parse_seconds,
    parse_uri,
    parse_via,
    split_uri,
)


def test_via() -> None:
    via = parse_via("SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKx;rport;received=192.0.2.9")
    assert (via.transport, via.host, via.port, via.branch) == ("UDP", "192.0.2.1", 5062, "z9hG4bKx")
    assert via.params["rport"] is None
    assert via.sent_by == "192.0.2.1:5062"


def test_via_with_blanks_everywhere() -> None:
    via = parse_via("SIP  /   2.0  /  TCP\t Host.Example.com : 5061 ; branch = z9hG4bK1 ; Rport")
    assert (via.transport, via.host, via.port) == ("TCP", "Host.Example.com", 5061)
    assert via.params == {"branch": "z9hG4bK1", "rport": None}


@pytest.mark.parametrize("received", ["[2001:db8::9]", "2001:db8::9"])
def test_via_ipv6(received: str) -> None:
    via = parse_via(f"SIP/2.0/TLS [2001:db8::1]:5061;received={received};branch=z9hG4bK1")
    assert (via.host, via.port) == ("2001:db8::1", 5061)
    assert via.params["received"] == received


@pytest.mark.parametrize(
    "text",
    ["", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ", "HTTP/1.1/TCP a", "SIP/2.0/UDP a:0", "SIP/2.0/UDP a:x", "UDP a",
     "SIP/2.0/UDP [::1", "SIP/2.0/UDP a:99999", "SIP/2.0/UDP ;branch=1"],
)  # fmt: skip
def test_bad_via(text: str) -> None:
    with pytest.raises(ValueError):
        parse_via(text)


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ("<sip:a@b>;tag=1", "", "sip:a@b", "1"),
        ("sip:a@b;tag=1", "", "sip:a@b", "1"),  # without brackets the parameter is the header's
        ("<sip:a@b;tag=1>", "", "sip:a@b;tag=1", None),
        ('"A \\"B\\" \\\\ C" <sip:a@b>;TAG=x', 'A "B" \\ C', "sip:a@b", "x"),
        ('"a<b" <sip:c@d>', "a<b", "sip:c@d", None),
        ("Token Name<sip:a@b>", "Token Name", "sip:a@b", None),
        ("sip:a@b ;  tag =  1918", "", "sip:a@b", "1918"),
        ("< sip:a@b >", "", "sip:a@b", None),
        ("<http://www.example.com>;tag=3", "", "http://www.example.com", "3"),
        ("sip:a@b;tag=1;tag=2", "", "sip:a@b", "1"),
    ],
)
def test_name_addr(text: str, display: str, uri: str, tag: str | None) -> None:
    value = parse_name_addr(text)
    assert (value.display, value.uri, value.tag) == (display, uri, tag)


@pytest.mark.parametrize(
    "text",
    ["", "*", "<>", "<sip:a@b", '"open <sip:a@b>', "<sip:a@b> x", "sip:a@b?Route=x", "no uri", "<sip:a b@c>",
     "<sip:a>, <sip:b>", "sip:a@b>;tag=1", "sip:a@<b>"],
)  # fmt: skip
def test_bad_name_addr(text: str) -> None:
    with pytest.raises(ValueError):
        parse_name_addr(text)


def test_parameter_values_stay_as_written() -> None:
    text = '<sip:a@b>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1'
    assert parse_name_addr(text).params["+sip.instance"] == "<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"


def test_cseq() -> None:
    assert parse_cseq("0009   INVITE") == CSeq(9, "INVITE")
    assert parse_cseq("4294967295 PUBLISH").number == 2**32 - 1


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "4294967296 INVITE", "-1 INVITE", "1٣ INVITE", "9" * 5000 + " X"]
)
def test_bad_cseq(text: str) -> None:
    with pytest.raises(ValueError):
        parse_cseq(text)


def test_event_is_compared_byte_by_byte() -> None:
    event = parse_event("presence;id=A1;x=y")
    assert (event.package, event.id) == ("presence", "A1")
    assert parse_event("Presence").package != "presence"
    for bad in ("", ";id=1", "presence, dialog"):
        with pytest.raises(ValueError):
            parse_event(bad)


def test_seconds_are_clipped_not_refused() -> None:
    assert parse_seconds("120;duration=60 (maintenance)") == 120
    assert parse_seconds("18000 (busy)") == 18000
    assert parse_seconds("1" + "0" * 100) == 2**32 - 1
    assert parse_seconds("9" * 6000) == 2**32 - 1
    for bad in ("", "-1", "1.5", "soon"):
        with pytest.raises(ValueError):
            parse_seconds(bad)


def test_leading_zeros_do_not_make_a_number_large() -> None:
    assert parse_digits("0" * 6000 + "17") == 17
    assert parse_digits("0" * 6000) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:alice@example.org", "SIP:alice@EXAMPLE.org"),
        ("sip:alice@example.org", "sip:%61lice@example.org"),
        ("sip:alice@example.org", "sip:alice@example.org:5060"),
        ("sip:alice@example.org", "sip:alice@example.org;transport=tcp?subject=x"),
        ("sip:alice@example.org", "sips:alice@example.org:5061"),
        ("sip:alice@[2001:db8::1]", "sip:alice@[2001:DB8:0:0::1]"),
        ("sip:example.org", "sip:EXAMPLE.ORG:5060"),
    ],
)
def test_same_address_of_record(one: str, other: str) -> None:
    assert address_of_record(one) == address_of_record(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:alice@example.org", "sip:Alice@example.org"),
        ("sip:alice@example.org", "sip:alice@example.org:5070"),
        ("sip:alice@example.org", "sip:alice@example.com"),
        ("sip:a%00@example.org", "sip:a@example.org"),
        ("sip:a%00@example.org", "sip:a%00%00@example.org"),
        ("sip:a%25%34%31@example.org", "sip:aA@example.org"),  # escapes are resolved once only
        ("sip:[2001:db8::10:5070]", "sip:[2001:db8::10]:5070"),
    ],
)
def test_different_address_of_record(one: str, other: str) -> None:
    assert address_of_record(one) != address_of_record(other)


def test_telephone_numbers_have_a_key_too() -> None:
    assert address_of_record("tel:+4930123") == address_of_record("TEL:+4930123") == "tel:+4930123"


@pytest.mark.parametrize("text", ["", "alice", "sip:", "sip:alice@", "sip:al ice@example.org", "sip:[::1"])
def test_bad_address_of_record(text: str) -> None:
    with pytest.raises(ValueError):
        address_of_record(text)


def test_long_addresses_work_but_are_not_kept() -> None:
    name = "x" * 300
    assert address_of_record(f"sip:{name}@Example.org") == f"sip:{name}@example.org"


def test_user_part_may_hold_what_ends_other_parts() -> None:
    assert split_uri("sip:user;par=u%40example.net@example.com") == (
        "sip",
        "user;par=u%40example.net",
        "example.com",
    )
    assert split_uri("sip:a?b/;c@example.com;lr?Route=x") == ("sip", "a?b/;c", "example.com;lr")
    assert parse_uri("sip:user;par=u%40example.net@example.com").user == "user;par=u@example.net"


def test_host_port() -> None:
    assert parse_host_port("[::ffff:192.0.2.10]:19823") == ("::ffff:192.0.2.10", 19823)
    assert parse_host_port("Example.org") == ("Example.org", None)
    for bad in ("2001:db8::10", "", ":5060", "a b", "[]", "[::1]x"):
        with pytest.raises(ValueError):
            parse_host_port(bad)


def test_normal_host() -> None:
    assert normal_host("Example.ORG") == "example.org"
    assert normal_host("2001:DB8::0:1") == normal_host("[2001:db8::1]") == "[2001:db8::1]"
    assert normal_host("[2001:db8:::192.0.2.1]") == "[2001:db8:::192.0.2.1]"


READERS = [
    parse_via,
    parse_name_addr,
    parse_cseq,
    parse_event,
    parse_seconds,
    parse_host_port,
    address_of_record,
    parse_uri,
]


@pytest.mark.parametrize("reader", READERS)
@given(text=st.one_of(st.text(), st.text(alphabet='sip:@<>[]";,=?%0 \\/2.UDP')))
def test_readers_raise_nothing_but_value_errors(reader, text: str) -> None:
    with contextlib.suppress(ValueError):
        reader(text)


# What nearly everybody writes is read by one expression; the same with a blank more is read by hand.
HOSTS = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9.-]{0,12}", fullmatch=True)
TOKENS = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
USERS = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)


@given(
    HOSTS,
    st.none() | st.integers(0, 99_999),
    TOKENS,
    st.sampled_from(["", ";rport", ";rport=5", ";received=x"]),
)
def test_a_plain_via_reads_like_an_odd_one(host: str, port: int | None, branch: str, more: str) -> None:
    sent_by = host if port is None else f"{host}:{port}"
    for written in (f";branch={branch}{more}", f"{more};branch={branch}"):
        plain, odd = f"SIP/2.0/UDP {sent_by}{written}", f"SIP/2.0/UDP {sent_by} {written}"
        if port is not None and not 0 < port < 65_536:
            for value in (plain, odd):
                with pytest.raises(ValueError, match="port"):
                    parse_via(value)
        else:
            assert parse_via(plain) == parse_via(odd)


@given(st.text(alphabet='aZ1.-"<>,;=\\ \té\x7f', max_size=8), st.sampled_from(["", ";rport", ";received=x"]))
def test_whatever_a_branch_is_made_of_it_reads_alike(branch: str, more: str) -> None:
    read: list[object] = []
    for blank in ("", " "):
        try:
            read.append(parse_via(f"SIP/2.0/UDP h{blank};branch={branch}{more}"))
        except ValueError:
            read.append(None)
    assert read[0] == read[1]


@given(USERS, HOSTS, TOKENS)
def test_a_plain_address_reads_like_an_odd_one(user: str, host: str, tag: str) -> None:
    assert parse_name_addr(f"<sip:{user}@{host}>") == parse_name_addr(f"<sip:{user}@{host}> ")
    assert parse_name_addr(f"<sip:{user}@{host}>;tag={tag}") == parse_name_addr(
        f"<sip:{user}@{host}> ;tag={tag}"
    )


@given(USERS, HOSTS)
def test_a_plain_uri_has_the_key_of_its_escaped_form(user: str, host: str) -> None:
    plain, escaped = f"sip:{user}@{host.lower()}", f"sip:%{ord(user[0]):02x}{user[1:]}@{host}"
    try:
        key = address_of_record(escaped)
    except ValueError:
        with pytest.raises(ValueError, match="not valid"):
            address_of_record(plain)
    else:
        assert address_of_record(plain) == key


@pytest.mark.parametrize(
    "uri, host, port",
    [
        ("sip:alice@pbx1", "pbx1", None),
        ("sip:pbx1:5070;transport=tcp", "pbx1", 5070),
        ("sip:alice@my_pbx.internal:5061;lr", "my_pbx.internal", 5061),
        ("sips:alice@a.b2.", "a.b2.", None),
    ],
)
def test_names_that_networks_really_have(uri, host, port):
    parsed = parse_uri(uri)
    assert (parsed.host, parsed.port) == (host, port)
    assert parsed.parameters == parse_uri(uri.replace(host, "example.org")).parameters


@pytest.mark.parametrize(
    "uri", ["sip:a@1host", "sip:a@-b", "sip:a@b-", "sip:a@b c", "sip:a@", "sip:a@b..c", "sip:a@b1:x"]
)
def test_what_is_no_name_of_a_host(uri):
    with pytest.raises(ValueError):
        parse_uri(uri)
