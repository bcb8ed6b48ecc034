"""The server's checks, answered by our own client and by the forms that old clients send."""

from dataclasses import dataclass, field
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
)
from agent.sip.digest_server import Authenticated, DigestServer, Rejected
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response

URI = "sip:alice@example.org"
REALM = "example.org"
USERS = {"alice": make_ha1s("alice", REALM, "secret")}
NOW = 1_700_000_000.0


def lookup(username: str, algorithm: str) -> str | None:
    return USERS.get(username, {}).get(algorithm)


@dataclass
class Scene:
    """A server, a client, and a request between them."""

    server: DigestServer
    client: DigestClient = field(
        default_factory=lambda: DigestClient(Credentials("alice", "secret"), lambda: "abc")
    )

    def answer(self, now: float = NOW, body: bytes = b"body") -> str:
        """What the client sends after the server's challenge."""
        request = Request("PUBLISH", URI, Headers([("CSeq", "1 PUBLISH")]), body)
        challenges = [("WWW-Authenticate", value) for value in self.server.challenges(now)]
        exchange = Exchange(self.client, request)
        assert exchange.challenged(Response(401, headers=Headers(challenges)))
        return exchange.request.headers.get_all("Authorization")[0]

    def check(self, value: str, now: float = NOW, body: bytes = b"body") -> Authenticated | Rejected:
        return self.server.check(value, "PUBLISH", body, lookup, now)


def server(**options: object) -> DigestServer:
    numbers = count()
    return DigestServer(REALM, b"k" * 32, lambda: f"{next(numbers):08x}", **options)  # type: ignore[arg-type]


def test_the_best_algorithm_is_offered_first() -> None:
    offered = [
        parse_authentication(value)[1]["algorithm"]
        for value in server(algorithms=("MD5", "SHA-256", "SHA-512-256")).challenges(NOW)
    ]
    assert offered == ["SHA-512-256", "SHA-256", "MD5"]


def test_an_unknown_algorithm_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="SHA-1"):
        server(algorithms=("SHA-1",))


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_our_client_satisfies_our_server(algorithm: str, qop: str) -> None:
    scene = Scene(server(algorithms=(algorithm,), qops=(qop,)))
    assert scene.check(scene.answer()) == Authenticated("alice", REALM, algorithm, URI)


def test_a_changed_body_fails_under_integrity_protection_only() -> None:
    protected = Scene(server(qops=("auth-int",)))
    assert protected.check(protected.answer(), body=b"other") == Rejected("unknown user or wrong password")
    plain = Scene(server(qops=("auth",)))
    assert isinstance(plain.check(plain.answer(), body=b"other"), Authenticated)


def test_wrong_password_and_unknown_user_are_told_apart_by_nothing() -> None:
    verdicts = []
    for credentials in (Credentials("alice", "wrong"), Credentials("mallory", "secret")):
        scene = Scene(server(), DigestClient(credentials, lambda: "abc"))
        verdicts.append(scene.check(scene.answer()))
    assert verdicts[0] == verdicts[1] == Rejected("unknown user or wrong password")


def test_a_right_answer_with_an_old_nonce_is_stale() -> None:
    scene = Scene(server(nonce_lifetime=60))
    answer = scene.answer()
    assert scene.check(answer, NOW + 61) == Rejected("nonce too old", stale=True)
    assert isinstance(scene.check(answer, NOW + 59), Authenticated)


def test_a_wrong_answer_with_an_old_nonce_is_not_called_stale() -> None:
    scene = Scene(server(), DigestClient(Credentials("alice", "wrong"), lambda: "abc"))
    assert scene.check(scene.answer(), NOW + 10_000) == Rejected("unknown user or wrong password")


def test_a_nonce_of_another_secret_is_stale_and_one_of_ours_survives_a_restart() -> None:
    before = Scene(server())
    answer = before.answer()
    assert isinstance(Scene(server()).check(answer), Authenticated)
    stranger = DigestServer(REALM, b"x" * 32, lambda: "00")
    assert Scene(stranger).check(answer) == Rejected("nonce too old", stale=True)


def test_a_replayed_answer_is_taken_once() -> None:
    scene = Scene(server())
    answer = scene.answer()
    assert isinstance(scene.check(answer), Authenticated)
    assert scene.check(answer) == Rejected("nonce count seen before", stale=True)


def counted(nonce: str, number: int) -> str:
    proof = Proof("MD5", "PUBLISH", URI, nonce, "auth", f"{number:08x}", "c", b"")
    response = digest_response(make_ha1("MD5", "alice", REALM, "secret"), proof)
    return (
        f'Digest username="alice",realm="{REALM}",nonce="{nonce}",uri="{URI}",response="{response}",'
        f'algorithm=MD5,cnonce="c",qop="auth",nc={number:08x}'
    )


@given(st.lists(st.integers(1, 200), max_size=60))
def test_every_count_is_taken_at_most_once_and_always_when_it_is_the_highest(numbers: list[int]) -> None:
    scene = Scene(server())
    nonce = parse_authentication(scene.server.challenges(NOW)[0])[1]["nonce"]
    taken: list[int] = []
    for number in numbers:
        fresh = number > max(taken, default=0)
        near = number > max(taken, default=0) - 64
        verdict = scene.check(counted(nonce, number))
        accepted = isinstance(verdict, Authenticated)
        assert accepted == (fresh or (near and number not in taken))
        if accepted:
            taken.append(number)


def test_counts_are_bounded_in_memory_and_forgetting_lets_no_replay_through() -> None:
    scene = Scene(server(remembered_nonces=3))
    answers = [scene.answer(NOW + second) for second in range(6)]
    assert all(isinstance(scene.check(answer, NOW + 6), Authenticated) for answer in answers)
    assert not any(isinstance(scene.check(answer, NOW + 6), Authenticated) for answer in answers)


def test_answers_without_qop_pass_by_configuration_only() -> None:
    nonce = parse_authentication(server().challenges(NOW)[0])[1]["nonce"]
    proof = Proof("MD5", "PUBLISH", URI, nonce, None, "", "", b"")
    response = digest_response(make_ha1("MD5", "alice", REALM, "secret"), proof)
    old = (
        f'Digest username="alice", realm="{REALM}", nonce="{nonce}", uri="{URI}", nc="00000001", '
        f'response="{response}"'
    )
    assert Scene(server()).check(old) == Rejected("answer without qop")
    assert isinstance(Scene(server(accept_without_qop=True)).check(old), Authenticated)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Basic YTpi", "malformed"),
        ('Bearer realm="example.org"', "another realm"),
        ('Digest realm="elsewhere"', "another realm"),
        (f'Digest realm="{REALM}", algorithm=SHA-512-256, qop=auth', "not offered"),
        (f'Digest realm="{REALM}", qop=auth, nc=00000001', "cnonce"),
        (f'Digest realm="{REALM}", qop=auth, cnonce="c", nc=1', "nonce count"),
        (f'Digest realm="{REALM}", qop=auth, cnonce="c", nc=00000000', "nonce count"),
        (f'Digest realm="{REALM}", qop=auth, cnonce="c", nc=00000001', "no username"),
        ("", "malformed"),
    ],
)
def test_unusable_credentials_are_refused_with_a_reason(value: str, reason: str) -> None:
    verdict = Scene(server()).check(value)
    assert isinstance(verdict, Rejected)
    assert reason in verdict.reason
    assert not verdict.stale


@given(st.text(max_size=120))
def test_no_text_breaks_the_check(text: str) -> None:
    verdict = Scene(server()).check(f'Digest realm="{REALM}", {text}')
    assert isinstance(verdict, Rejected)


def test_bytes_that_are_no_text_are_judged_too() -> None:
    value = f'Digest username="\udcff", realm="{REALM}", nonce="\udcfe", uri="\udcfd", response="\udcff"'
    verdict = Scene(server()).check(value + ', qop=auth, cnonce="c", nc=00000001')
    assert verdict == Rejected("unknown user or wrong password")


def test_values_for_others_are_recognized() -> None:
    assert server().is_for_us(f'Digest realm="{REALM}", nonce="n"')
    assert not server().is_for_us('Digest realm="other", nonce="n"')
    assert not server().is_for_us("Bearer x")
