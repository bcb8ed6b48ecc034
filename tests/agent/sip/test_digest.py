"""The arithmetic against RFC 7616 §3.9.1, the client against scripted challenges."""

from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.digest import (
    Credentials,
    DigestClient,
    Exchange,
    Proof,
    digest_response,
    make_ha1,
    make_ha1s,
    parse_authentication,
    parse_challenge,
)
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response

URI = "sip:alice@example.org"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_rfc_7616(algorithm: str, expected: str) -> None:
    ha1 = make_ha1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
    proof = Proof(
        algorithm,
        "GET",
        "/dir/index.html",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "auth",
        "00000001",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        b"",
    )
    assert digest_response(ha1, proof) == expected


def test_the_vector_of_rfc_2617_and_its_form_without_qop() -> None:
    ha1 = make_ha1("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    assert ha1 == "939e7578ed9e3c518a452acee763bce9"
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    proof = Proof("MD5", "GET", "/dir/index.html", nonce, None, "", "", b"")
    assert digest_response(ha1, proof) == "670fd8c2df070c60b045671b8b24ff02"


def test_integrity_covers_the_body_with_the_same_hash() -> None:
    first = Proof("SHA-256", "PUBLISH", URI, "n", "auth-int", "00000001", "c", b"one")
    assert digest_response("00", first) != digest_response("00", first._replace(body=b"two"))
    plain = first._replace(qop="auth")
    assert digest_response("00", plain) == digest_response("00", plain._replace(body=b"two"))


def test_session_variants_hash_nonce_and_cnonce_into_the_key() -> None:
    proof = Proof("MD5-sess", "PUBLISH", URI, "n", "auth", "00000001", "c", b"")
    assert digest_response("00", proof) != digest_response("00", proof._replace(algorithm="MD5"))


@pytest.mark.parametrize(
    "text",
    [
        'Digest realm="a, b=c", nonce="x",qop="auth,auth-int" , stale=TRUE',
        'digest  realm="a, b=c",nonce=x,stale=true,qop="auth,auth-int"',
    ],
)
def test_challenges_are_read_whatever_their_spacing(text: str) -> None:
    challenge = parse_challenge(text)
    assert challenge is not None
    assert (challenge.realm, challenge.nonce, challenge.qop) == ("a, b=c", "x", "auth")
    assert challenge.stale


@pytest.mark.parametrize(
    "text",
    [
        'Basic realm="a"',
        'Digest realm="a", nonce="n", algorithm=SHA3-256',
        'Digest realm="a", nonce="n", qop="unknown"',
        'Digest realm="a"',
        'Digest realm="a',
        'Digest realm="a", nonce="n", algorithm=MD5-sess',
        "",
        "Digest",
    ],
)
def test_what_cannot_be_answered_is_passed_over(text: str) -> None:
    assert parse_challenge(text) is None


@given(st.text(max_size=80))
def test_reading_never_fails_but_with_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_authentication(text)
    parse_challenge(text)


# -- the client -------------------------------------------------------------------------------------------------------


def request() -> Request:
    return Request("PUBLISH", URI, Headers([("CSeq", "7 PUBLISH"), ("Call-ID", "c")]), b"body")


def refusal(*challenges: str, status: int = 401) -> Response:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return Response(status, headers=Headers([(name, challenge) for challenge in challenges]))


def client(**options: object) -> DigestClient:
    numbers = count()
    return DigestClient(
        Credentials("alice", "secret"),
        lambda: f"cn{next(numbers)}",
        **options,  # type: ignore[arg-type]
    )


def answer_in(message: Request, name: str = "Authorization") -> dict[str, str]:
    values = message.headers.get_all(name)
    assert len(values) == 1
    return parse_authentication(values[0])[1]


def test_the_topmost_supported_challenge_is_answered() -> None:
    exchange = Exchange(client(), request())
    assert exchange.challenged(
        refusal(
            'Digest realm="r", nonce="n0", algorithm=SHA3-512, qop="auth"',
            'Digest realm="r", nonce="n1", algorithm=SHA-256, qop="auth", opaque="o"',
            'Digest realm="r", nonce="n2", algorithm=MD5, qop="auth"',
        )
    )
    answer = answer_in(exchange.request)
    assert (answer["nonce"], answer["algorithm"], answer["opaque"]) == ("n1", "SHA-256", "o")
    assert (answer["nc"], answer["qop"], answer["uri"]) == ("00000001", "auth", URI)
    assert exchange.request.headers.get("CSeq") == "8 PUBLISH"
    assert exchange.request.headers.get("Call-ID") == "c"


def test_md5_can_be_forbidden() -> None:
    careful = DigestClient(Credentials("alice", "secret", allow_md5=False), lambda: "c")
    assert not Exchange(careful, request()).challenged(refusal('Digest realm="r", nonce="n", qop="auth"'))


def test_stored_hashes_serve_instead_of_a_password() -> None:
    stored = Credentials("alice", ha1s=make_ha1s("alice", "r", "secret", ["MD5"]))
    challenge = 'Digest realm="r", nonce="n", algorithm={}, qop="auth"'
    by_hash = Exchange(DigestClient(stored, lambda: "c"), request())
    by_password = Exchange(DigestClient(Credentials("alice", "secret"), lambda: "c"), request())
    both = refusal(challenge.format("SHA-256"), challenge.format("MD5"))
    assert by_hash.challenged(both)
    assert by_password.challenged(refusal(challenge.format("MD5")))
    assert answer_in(by_hash.request) == answer_in(by_password.request)


def test_a_secret_does_not_show_in_its_representation() -> None:
    assert "secret" not in repr(Credentials("alice", "secret", {"MD5": "secret-hash"}))


def test_the_old_form_names_nothing_that_was_not_offered() -> None:
    exchange = Exchange(client(), request())
    assert exchange.challenged(refusal('Digest realm="r", nonce="n"'))
    assert set(answer_in(exchange.request)) == {"username", "realm", "nonce", "uri", "response"}


def test_a_refused_answer_ends_it_unless_the_nonce_was_stale() -> None:
    exchange = Exchange(client(), request())
    assert exchange.challenged(refusal('Digest realm="r", nonce="1", qop="auth"'))
    assert exchange.challenged(refusal('Digest realm="r", nonce="2", qop="auth", stale=true'))
    assert not exchange.challenged(refusal('Digest realm="r", nonce="3", qop="auth"'))


def test_a_server_that_always_says_stale_is_given_up() -> None:
    exchange = Exchange(client(), request())
    tries = 0
    while exchange.challenged(refusal(f'Digest realm="r", nonce="{tries}", qop="auth", stale=true')):
        tries += 1
        assert tries < 10
    assert tries > 0


def test_proxy_and_server_are_answered_together() -> None:
    exchange = Exchange(client(), request())
    assert exchange.challenged(refusal('Digest realm="proxy", nonce="1", qop="auth"', status=407))
    assert exchange.challenged(refusal('Digest realm="server", nonce="2", qop="auth"'))
    assert answer_in(exchange.request, "Proxy-Authorization")["realm"] == "proxy"
    assert answer_in(exchange.request)["realm"] == "server"
    assert exchange.request.headers.get("CSeq") == "9 PUBLISH"


def test_a_nonce_serves_later_requests_with_a_rising_count() -> None:
    shared = client()
    first = Exchange(shared, request())
    first.challenged(refusal('Digest realm="r", nonce="n", qop="auth"'))
    second = Exchange(shared, request())
    third = Exchange(shared, request())
    assert [answer_in(e.request)["nc"] for e in (first, second, third)] == [
        "00000001",
        "00000002",
        "00000003",
    ]
    assert third.request.headers.get("CSeq") == "7 PUBLISH"


def test_an_unasked_answer_that_is_refused_is_made_anew_once() -> None:
    shared = client()
    Exchange(shared, request()).challenged(refusal('Digest realm="r", nonce="old", qop="auth"'))
    later = Exchange(shared, request())
    assert later.challenged(refusal('Digest realm="r", nonce="new", qop="auth"'))
    assert answer_in(later.request)["nonce"] == "new"
    assert not later.challenged(refusal('Digest realm="r", nonce="newer", qop="auth"'))


def test_integrity_is_used_when_preferred_or_the_only_offer() -> None:
    for preferring, offer, expected in (
        (False, "auth,auth-int", "auth"),
        (True, "auth,auth-int", "auth-int"),
        (False, "auth-int", "auth-int"),
    ):
        exchange = Exchange(client(prefer_integrity=preferring), request())
        assert exchange.challenged(refusal(f'Digest realm="r", nonce="n", qop="{offer}"'))
        assert answer_in(exchange.request)["qop"] == expected
