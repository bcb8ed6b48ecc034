"""Who may publish and subscribe: Digest (RFC 3261 §22, RFC 8760), and what trusted peers may say."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from agent.server.config import ServerConfig
from agent.server.server import Passwords
from agent.sip.digest import Credentials, DigestClient, parse_authentication
from agent.sip.messages import Request, Response
from agent.sip.parsing import parse_datagram
from tests.support.phone import ALICE, PIDF, Phone, document, shown
from tests.support.virtual_loop import virtual
from tests.support.world import world

REALM = "example.org"
USERS = {"alice": "wonderland", "bob": "builder"}
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def lookup(username: str, algorithm: str) -> str | None:
    if username not in USERS or algorithm not in HASHES:
        return None
    return HASHES[algorithm](f"{username}:{REALM}:{USERS[username]}".encode()).hexdigest()


PASSWORDS = Passwords(REALM, lookup)


@dataclass
class User:
    """Answers challenges, by hand, so that it can do it wrongly."""

    phone: Phone
    name: str
    password: str
    cseq: int = 0
    count: int = 0
    call_id: str = field(default="")

    async def publish(self, *lines: str, body: bytes = document("In"), **options: str) -> Response:
        self.cseq += 1
        head = ("Event: presence", "Content-Type: application/pidf+xml", *lines)
        return await self.phone.ask(
            self.phone.compose("PUBLISH", *head, cseq=self.cseq, body=body, **options)
        )

    def credentials(self, challenge: Response, algorithm: str = "SHA-256", **changes: str) -> str:
        """An Authorization line for the challenge of that algorithm."""
        offered = [parse_authentication(value)[1] for value in challenge.headers.get_all("WWW-Authenticate")]
        given = next(each for each in offered if each["algorithm"] == algorithm)
        self.count += 1
        fields = {
            "username": self.name, "realm": REALM, "nonce": given["nonce"], "uri": ALICE,
            "nc": f"{self.count:08x}", "cnonce": "c0", "qop": "auth", "algorithm": algorithm,
        } | changes  # fmt: skip
        hash_of = HASHES[algorithm]
        first = hash_of(f"{fields['username']}:{REALM}:{self.password}".encode()).hexdigest()
        second = hash_of(f"PUBLISH:{fields['uri']}".encode()).hexdigest()
        middle = ":".join(fields[name] for name in ("nonce", "nc", "cnonce", "qop"))
        response = hash_of(f"{first}:{middle}:{second}".encode()).hexdigest()
        bare = ("nc", "qop", "algorithm")
        text = ", ".join(f"{k}={v}" if k in bare else f'{k}="{v}"' for k, v in fields.items())
        return f'Authorization: Digest {text}, response="{response}"'


@virtual
async def test_without_passwords_everybody_is_who_they_say() -> None:
    async with world() as here:
        assert (await here.phone("alice").publish(document())).status == 200


@virtual
async def test_the_challenge_has_one_header_for_each_algorithm_best_first() -> None:
    async with world(passwords=PASSWORDS) as here:
        for answer in (
            await here.phone("alice").publish(document()),
            (await here.phone("bob").subscribe()).answer,
        ):
            assert answer.status == 401
            values = answer.headers.get_all("WWW-Authenticate")
            fields = [parse_authentication(value)[1] for value in values]
            assert [each["algorithm"] for each in fields] == ["SHA-256", "MD5"]
            assert all(each["realm"] == REALM and "auth" in each["qop"] for each in fields)
            assert "Proxy-Authenticate" not in answer.headers
        assert not here.store.publications(ALICE, "presence") and not here.store.all_subscriptions()


@pytest.mark.parametrize("algorithm", HASHES)
@virtual
async def test_the_right_password_opens(algorithm: str) -> None:
    async with world(passwords=PASSWORDS) as here:
        alice = User(here.phone("alice"), "alice", "wonderland")
        challenge = await alice.publish()
        assert (await alice.publish(alice.credentials(challenge, algorithm))).status == 200
        # The same nonce serves on, with its count rising.
        assert (await alice.publish(alice.credentials(challenge, algorithm))).status == 200


@virtual
async def test_wrong_credentials_are_challenged_again() -> None:
    async with world(passwords=PASSWORDS) as here:
        for name, password in (("alice", "wrong"), ("nobody", "wonderland"), ("alice", "")):
            user = User(here.phone("alice"), name, password)
            answer = await user.publish(user.credentials(await user.publish()))
            assert answer.status == 401
            assert "stale" not in (answer.headers.get("WWW-Authenticate") or "")
        for junk in (
            "Basic YWxpY2U6d29uZGVybGFuZA==",
            "Digest",
            "Digest nonce=",
            'Digest realm="example.org"',
        ):
            assert (await user.publish(f"Authorization: {junk}")).status == 401
        assert not here.store.publications(ALICE, "presence")


@virtual
async def test_a_nonce_of_somebody_else_or_too_old_or_replayed_is_stale() -> None:
    async with world(passwords=PASSWORDS) as here:
        alice = User(here.phone("alice"), "alice", "wonderland")
        challenge = await alice.publish()
        credentials = alice.credentials(challenge)
        assert (await alice.publish(credentials)).status == 200
        replayed = await alice.publish(credentials)
        assert replayed.status == 401
        assert "stale=true" in (replayed.headers.get("WWW-Authenticate") or "")
        await here.phone().quiet(86_400)
        old = await alice.publish(alice.credentials(challenge))
        assert old.status == 401 and "stale=true" in (old.headers.get("WWW-Authenticate") or "")
        assert (await alice.publish(alice.credentials(old))).status == 200
        invented = await alice.publish(alice.credentials(old, nonce="0123456789"))
        assert invented.status == 401


@virtual
async def test_from_must_be_the_one_who_is_authenticated() -> None:
    async with world(passwords=PASSWORDS) as here:
        bob = User(here.phone("bob"), "bob", "builder")
        challenge = await bob.publish()
        answer = await bob.publish(bob.credentials(challenge), from_="<sip:alice@example.org>;tag=x")
        assert answer.status == 403
        answer = await bob.publish(bob.credentials(challenge), from_="<sip:bob@elsewhere.example>;tag=x")
        assert answer.status == 403


@virtual
async def test_one_publishes_for_oneself_and_for_those_who_allow_it() -> None:
    async with world(passwords=PASSWORDS) as here:
        bob = User(here.phone("bob"), "bob", "builder")
        challenge = await bob.publish()
        assert (await bob.publish(bob.credentials(challenge))).status == 403
        assert not here.store.publications(ALICE, "presence")
    config = ServerConfig(
        domains=frozenset({"example.org"}), publishers={ALICE: frozenset({"sip:bob@example.org"})}
    )
    async with world(passwords=PASSWORDS, config=config) as here:
        bob = User(here.phone("bob"), "bob", "builder")
        challenge = await bob.publish()
        assert (await bob.publish(bob.credentials(challenge))).status == 200


@virtual
async def test_a_trusted_address_is_believed_and_may_assert() -> None:
    passwords = Passwords(REALM, lookup, [ip_network("192.0.2.50/32")])
    async with world(passwords=passwords) as here:
        pbx, other = here.phone("pbx"), here.phone("other")
        assert (await pbx.publish(document("In"))).status == 200
        assert (await other.publish(document("Out"))).status == 401
        sub = await pbx.subscribe("P-Asserted-Identity: <sip:carol@example.org>")
        assert sub.answer.status == 200 and shown(await pbx.notify()) == [("open", "In")]
        (row,) = here.store.all_subscriptions()
        assert row.watcher == "sip:carol@example.org"
        refused = await other.subscribe("P-Asserted-Identity: <sip:carol@example.org>")
        assert refused.answer.status == 401


@virtual
async def test_a_challenge_answered_with_the_same_branch() -> None:
    # COMPAT(libpurple 2.14): after a 401 it sends the request again with the branch of the first.
    async with world(passwords=PASSWORDS) as here:
        alice = User(here.phone("alice"), "alice", "wonderland")
        challenge = await alice.publish(branch="z9hG4bKsame")
        answer = await alice.publish(alice.credentials(challenge), branch="z9hG4bKsame")
        assert answer.status == 200


@virtual
async def test_options_needs_no_password() -> None:
    async with world(passwords=PASSWORDS) as here:
        bob = here.phone("bob")
        assert (await bob.ask(bob.compose("OPTIONS"))).status == 200


@virtual
async def test_somebody_elses_subscription_is_not_ones_own() -> None:
    passwords = Passwords(REALM, lookup, [ip_network("192.0.2.50/32")])
    async with world(passwords=passwords) as here:
        pbx, bob = here.phone("alice"), User(here.phone("bob"), "bob", "builder")
        sub = await pbx.subscribe()
        await pbx.notify()
        challenge = await bob.publish()
        line = bob.credentials(challenge, uri=sub.target).replace("PUBLISH", "SUBSCRIBE")
        assert line
        (row,) = here.store.all_subscriptions()
        assert row.watcher == "sip:alice@example.org"
        # Bob knows every tag of the dialog, and is still not Alice.
        stolen = sub.compose(expires=0).replace(b"From: <sip:alice@", b"From: <sip:bob@")
        hash_of = HASHES["MD5"]
        nonce = parse_authentication(challenge.headers.get_all("WWW-Authenticate")[1])[1]["nonce"]
        first = lookup("bob", "MD5")
        second = hash_of(f"SUBSCRIBE:{sub.target}".encode()).hexdigest()
        proof = hash_of(f"{first}:{nonce}:00000009:c:auth:{second}".encode()).hexdigest()
        authorization = (
            f'Authorization: Digest username="bob", realm="{REALM}", nonce="{nonce}", uri="{sub.target}", '
            f'nc=00000009, cnonce="c", qop=auth, algorithm=MD5, response="{proof}"\r\n'
        )
        data = stolen.replace(b"Event:", authorization.encode() + b"Event:", 1)
        data = data.replace(b"192.0.2.50:5060;branch", b"192.0.2.51:5060;branch")
        assert (await bob.phone.ask(data)).status == 403
        assert list(here.store.all_subscriptions()) == [row]


@virtual
async def test_an_algorithm_can_be_switched_off() -> None:
    passwords = Passwords(REALM, lookup, algorithms=("SHA-256",))
    async with world(passwords=passwords) as here:
        alice = User(here.phone("alice"), "alice", "wonderland")
        challenge = await alice.publish()
        (value,) = challenge.headers.get_all("WWW-Authenticate")
        assert parse_authentication(value)[1]["algorithm"] == "SHA-256"
        offered = alice.credentials(challenge)
        forced = alice.credentials(challenge, "SHA-256").replace("SHA-256", "MD5")
        assert (await alice.publish(forced)).status == 401
        assert (await alice.publish(offered)).status == 200


@pytest.mark.parametrize("accepted", [True, False])
@virtual
async def test_the_old_form_without_qop_is_taken_only_if_the_settings_say_so(accepted: bool) -> None:
    # COMPAT(libpurple 2.14): ignores qop="auth" and answers as RFC 2069 has it, with a stray nc.
    passwords = Passwords(REALM, lookup, accept_without_qop=accepted)
    async with world(passwords=passwords) as here:
        alice = User(here.phone("alice"), "alice", "wonderland")
        challenge = await alice.publish()
        nonce = parse_authentication(challenge.headers.get_all("WWW-Authenticate")[1])[1]["nonce"]
        second = hashlib.md5(f"PUBLISH:{ALICE}".encode()).hexdigest()
        response = hashlib.md5(f"{lookup('alice', 'MD5')}:{nonce}:{second}".encode()).hexdigest()
        line = (
            f'Authorization: Digest username="alice", realm="{REALM}", nonce="{nonce}", uri="{ALICE}", '
            f'nc="00000001", response="{response}"'
        )
        assert (await alice.publish(line)).status == (200 if accepted else 401)


@virtual
async def test_the_digest_uri_must_be_of_something_of_ours() -> None:
    async with world(passwords=PASSWORDS) as here:
        alice = User(here.phone("alice"), "alice", "wonderland")
        challenge = await alice.publish()
        # A proxy has changed the Request-URI on its way: the one before is ours as well.
        for uri, status in (
            ("sip:example.org", 200),
            ("sip:alice@elsewhere.example", 400),
            ("nonsense", 400),
            (ALICE, 200),
        ):
            assert (await alice.publish(alice.credentials(challenge, uri=uri))).status == status


@virtual
async def test_wrong_passwords_again_and_again_are_refused_unread() -> None:
    # COMPAT(aiosip 0.2): answers each 401 at once, for ever; it stops at a 403.
    async with world(passwords=PASSWORDS) as here:
        phone = here.phone("alice")
        thief, alice = User(phone, "alice", "guess"), User(here.phone("alice"), "alice", "wonderland")
        challenge = await thief.publish()
        statuses = [(await thief.publish(thief.credentials(challenge))).status for _ in range(15)]
        assert statuses[:10] == [401] * 10 and set(statuses[10:]) == {403}
        # The right password is no longer listened to from there, for a while; from elsewhere it is.
        lucky = User(phone, "alice", "wonderland", cseq=100)
        assert (await lucky.publish(lucky.credentials(challenge))).status == 403
        assert (await alice.publish(alice.credentials(await alice.publish()))).status == 200
        bob = User(phone, "bob", "builder", cseq=200)
        # Others behind the same address are heard.
        assert (
            await bob.publish(bob.credentials(await bob.publish()))
        ).reason == "From Is Not The Authenticated User"
        await asyncio.sleep(60)
        assert (await lucky.publish(lucky.credentials(await lucky.publish()))).status == 200


@virtual
async def test_the_body_can_be_protected_too_and_then_must_be_the_one_that_was_signed() -> None:
    """RFC 7616 §3.4.3: auth-int, from our own client to our own server over the wire."""
    async with world(passwords=PASSWORDS) as here:
        phone = here.phone("alice")
        client = DigestClient(
            Credentials("alice", "wonderland"), lambda: phone.unique("c"), prefer_integrity=True
        )

        def signed(number: int) -> Request:
            data = phone.compose(
                "PUBLISH", "Event: presence", f"Content-Type: {PIDF}", cseq=number, body=document("In")
            )
            parsed = parse_datagram(data)
            assert isinstance(parsed, Request)
            return client.authorize(parsed)

        client.learn(await phone.ask(signed(1).encode()))
        whole = signed(2)
        assert "qop=auth-int" in (whole.headers.get("Authorization") or "")
        assert (await phone.ask(whole.encode())).status == 200
        changed = signed(3).encode().replace(b"<note>In</note>", b"<note>On</note>")
        assert (await phone.ask(changed)).status == 401
        assert (await phone.ask(signed(4).encode())).status == 200
        assert b"<note>On" not in here.store.publications(ALICE, "presence")[0].body
