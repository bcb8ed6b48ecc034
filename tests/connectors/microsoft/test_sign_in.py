"""Signing in: the application's own, a person's by code or by page; renewal, withdrawal, and what is never told."""

import asyncio
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.consent import CodePrompt
from connectors.errors import AuthFailed, BadData, Misconfigured, Unreachable
from connectors.microsoft.consent import MicrosoftConsent
from connectors.microsoft.msal_calls import MsalCalls
from connectors.microsoft.settings import MicrosoftSettings
from connectors.microsoft.tokens import CACHE, credential
from tests.connectors.microsoft.login_server import CLIENT_SECRET
from tests.connectors.microsoft.support import ALICE, BOB, Office, at, events_of, meeting, office

AGAIN = "lamplighter link alice m365"


# -- the application ------------------------------------------------------------------------------------------


async def test_one_token_serves_the_whole_organisation_until_it_ends():
    async with office() as made:
        made.server.mailbox(BOB)
        for address in (ALICE, BOB, ALICE):
            await made.connector(address).poll(fresh=False)
        assert made.server.login.asked == ["client_credentials"]


async def test_links_that_are_due_together_ask_for_one_token():
    async with office() as made:
        people = [f"p{number}@example.org" for number in range(20)]
        for person in people:
            made.server.mailbox(person)
        await asyncio.gather(*(made.connector(person).poll(fresh=False) for person in people))
        assert made.server.login.asked == ["client_credentials"]


async def test_a_token_is_renewed_before_it_ends():
    async with office(login={"token_lasts": 3600}) as made:
        connector = made.connector()
        await connector.poll(fresh=False)
        made.world.clock.advance(3200)
        await connector.poll(fresh=False)
        assert len(made.server.login.asked) == 1
        made.world.clock.advance(200)
        made.server.login.grants.clear()
        await connector.poll(fresh=False)
        assert len(made.server.login.asked) == 2


async def test_a_token_that_was_withdrawn_early_is_replaced_at_once():
    async with office() as made:
        connector = made.connector()
        await connector.poll(fresh=False)
        made.server.login.revoke()
        assert (await connector.poll(fresh=False)).facts is None
        assert len(made.server.login.asked) == 2


def with_certificate(made: Office, *, registered: bool = True) -> str:
    """A certificate by RSA, as the identity platform wants; gives the PEM text of both halves."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lamplighter")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(Encoding.PEM)
    made.server.login.certificate = public if registered else None
    return (public + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())).decode()


async def test_a_certificate_signs_in():
    async with office() as made:
        made.secret = with_certificate(made)
        made.server.mailbox(ALICE).put(meeting(10))
        (fact,) = (await made.connector().poll(fresh=False)).facts
        assert events_of(fact)[0].start == at(10)


async def test_a_certificate_that_is_not_registered_is_named():
    async with office() as made:
        made.secret = with_certificate(made, registered=False)
        with pytest.raises(AuthFailed, match="AADSTS700027") as caught:
            await made.connector().poll(fresh=False)
        assert "has not expired" in caught.value.words


async def test_a_wrong_client_secret_is_named_and_not_told(caplog):
    async with office() as made:
        made.secret = "n0t-the-s3cr3t"
        with pytest.raises(AuthFailed, match="AADSTS7000215") as caught:
            await made.connector().poll(fresh=False)
        assert "n0t-the-s3cr3t" not in caught.value.words + caplog.text


async def test_an_organisation_needs_its_application():
    async with office() as made:
        link = made.link()
        made.shared = {}
        with pytest.raises(Misconfigured, match="not set up"):
            made.connector(link=link)


async def test_a_person_may_bring_an_application_of_their_own():
    async with personal() as made:
        secrets, link = await sign_in(made), made.link()
        made.shared = {}
        assert (await made.connector(secrets=secrets, link=link).poll(fresh=False)).facts


async def test_without_a_secret_the_application_cannot_sign_in():
    async with office() as made:
        made.secret = None
        with pytest.raises(Misconfigured, match="secret is missing"):
            made.connector()


@pytest.mark.parametrize(
    "pem",
    [
        "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAA==",
    ],
)
def test_half_a_certificate_is_refused(pem):
    with pytest.raises(Misconfigured, match="private key"):
        credential(pem)


async def test_a_broken_certificate_is_refused():
    pem = "".join(
        f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n" for kind in ("CERTIFICATE", "PRIVATE KEY")
    )
    async with office() as made:
        made.secret = pem
        with pytest.raises(Misconfigured, match="certificate cannot be read"):
            await made.connector().poll(fresh=False)


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        ({"error": "temporarily_unavailable", "error_description": "AADSTS90033"}, Unreachable, "for now"),
        ({"error": "unauthorized_client", "error_description": "AADSTS700016"}, Misconfigured, "client_id"),
        ({"error": "invalid_client", "error_description": "AADSTS7000222"}, AuthFailed, "expired"),
        ({"error": "access_denied", "error_description": "AADSTS53003"}, AuthFailed, "administrator"),
        ({}, AuthFailed, "no reason"),
    ],
)
async def test_refusals_say_what_to_do(error, kind, word):
    async with office() as made:
        made.server.login.error = error
        with pytest.raises(kind) as caught:
            await made.connector().poll(fresh=False)
        assert word in caught.value.words


async def test_waiting_for_the_sign_in_does_not_stop_the_loop(monkeypatch):
    async with office() as made:
        answered, send = threading.Event(), MsalCalls._send

        def slow(self, *given):
            answered.wait(20)
            return send(self, *given)

        monkeypatch.setattr(MsalCalls, "_send", slow)
        polling = asyncio.create_task(made.connector().poll(fresh=False))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not polling.done()
        answered.set()
        assert (await polling).facts is not None


async def test_a_sign_in_that_is_given_up_keeps_nobody_waiting(monkeypatch):
    async with office() as made:
        never, asked = threading.Event(), threading.Event()

        def silent(self, *given):
            asked.set()
            never.wait(20)
            raise Unreachable("nobody answered")

        monkeypatch.setattr(MsalCalls, "_send", silent)
        polling = asyncio.create_task(made.connector().poll(fresh=False))
        while not asked.is_set():
            await asyncio.sleep(0)
        await made.hub.close()
        with pytest.raises(Unreachable, match="stopping"):
            await polling
        never.set()


# -- a person -------------------------------------------------------------------------------------------------


class Person:
    """Signs in when shown a code."""

    def __init__(self, made: Office, user: str = ALICE) -> None:
        self._made, self._user = made, user
        self.prompts: list[CodePrompt] = []
        self.waits: list[float] = []
        self.after = 1
        "Questions that come before the person has signed in."
        self.act = lambda code: made.server.login.sign_in(code, user)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) > self.after:
            self.act(self.prompts[0].code)

    def consent(self, **settings) -> MicrosoftConsent:
        link = self._made.link(**settings)
        model = MicrosoftSettings.model_validate(dict(link.settings))
        return MicrosoftConsent(link, model, self._made.world.context(), self.sleep)


async def sign_in(made: Office, user: str = ALICE) -> dict[str, str]:
    person = Person(made, user)
    consent = person.consent()
    consented = await consent.by_code(person.prompts.append)
    await consent.close()
    assert consented.account == user
    return dict(consented.secrets)


def personal(**given):
    return office(sign_in="person", **given)


@pytest.fixture(autouse=True)
def no_secret(monkeypatch):
    """Applications that people sign in to need none; those of the organisation keep theirs."""
    original = Office.__init__

    def made(self, server, world, shared, *rest, **more):
        original(self, server, world, shared, *rest, **more)
        self.secret = None if shared.get("sign_in") == "person" else CLIENT_SECRET

    monkeypatch.setattr(Office, "__init__", made)


async def test_a_person_signs_in_by_a_code():
    async with personal() as made:
        made.server.mailbox(ALICE).put(meeting(10))
        person = Person(made)
        consent = person.consent()
        consented = await consent.by_code(person.prompts.append)
        await consent.close()
        (prompt,) = person.prompts
        assert prompt.address == "https://microsoft.com/devicelogin" and prompt.seconds == 900
        assert person.waits == [5.0, 5.0]
        connector = made.connector(secrets=dict(consented.secrets))
        (fact,) = (await connector.poll(fresh=False)).facts
        assert events_of(fact)[0].start == at(10)
        assert made.server.asked[0] == "GET /me/calendarView/delta"


async def test_only_permissions_to_read_are_asked_for():
    async with personal() as made:
        await sign_in(made)
        (device,) = made.server.login.devices.values()
        wanted = {part.rpartition("/")[2] for part in device.scopes.split()}
        assert wanted == {"Calendars.Read", "openid", "profile", "offline_access"}


@pytest.mark.parametrize(
    ("settings", "scopes"),
    [
        ({"mode": "free-busy"}, {"Calendars.ReadBasic"}),
        ({"mode": "calendar"}, {"Calendars.Read"}),
        ({"automatic_replies": True}, {"Calendars.Read", "MailboxSettings.Read"}),
    ],
)
async def test_the_scopes_are_the_least_that_the_mode_needs(settings, scopes):
    async with personal(**settings) as made:
        model = MicrosoftSettings.model_validate(made.shared)
        assert {scope.rpartition("/")[2] for scope in model.scopes} == scopes


async def test_a_person_who_declines_is_told_how_to_begin_again():
    async with personal() as made:
        person = Person(made)
        person.act = made.server.login.decline
        consent = person.consent()
        with pytest.raises(AuthFailed, match="with no") as caught:
            await consent.by_code(person.prompts.append)
        assert AGAIN in caught.value.words
        await consent.close()


async def test_a_code_that_is_not_entered_in_time():
    async with personal() as made:
        person = Person(made)
        person.act = lambda code: made.server.login.devices.clear()
        consent = person.consent()
        with pytest.raises(AuthFailed, match="in time"):
            await consent.by_code(person.prompts.append)
        await consent.close()


async def browse(made: Office, address: str) -> dict[str, str]:
    """The person's browser at the provider's page; gives the form that it would post back."""
    response = await made.world.http.request("GET", address)
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', response.body.decode()))


async def test_a_person_signs_in_by_a_page_with_pkce():
    async with personal() as made:
        made.server.mailbox(ALICE).put(meeting(10))
        consent = Person(made).consent()
        visit = await consent.begin("http://localhost:8400/back")
        asked = dict(parse_qsl(urlsplit(visit.address).query))
        assert asked["code_challenge_method"] == "S256" and asked["login_hint"] == ALICE
        assert json.loads(visit.kept)["code_verifier"] not in visit.address
        back = await browse(made, visit.address)
        assert back["state"] == visit.state
        consented = await consent.finish(visit, back)
        await consent.close()
        assert consented.account == ALICE
        connector = made.connector(secrets=dict(consented.secrets))
        assert (await connector.poll(fresh=False)).facts


@pytest.mark.parametrize(
    "back", [{"code": "x", "state": "another"}, {"code": "x"}, {"error": "access_denied"}, {}]
)
async def test_what_comes_back_from_another_visit_is_refused(back):
    async with personal() as made:
        consent = Person(made).consent()
        visit = await consent.begin("http://localhost:8400/back")
        with pytest.raises(AuthFailed) as caught:
            await consent.finish(visit, back)
        assert AGAIN in caught.value.words
        await consent.close()


async def test_a_stolen_code_is_useless_without_the_verifier():
    async with personal() as made:
        consent = Person(made).consent()
        visit, other = await consent.begin("http://localhost/a"), await consent.begin("http://localhost/a")
        stolen = await browse(made, visit.address)
        with pytest.raises(AuthFailed):
            await consent.finish(other, {**stolen, "state": other.state})
        await consent.close()


async def test_tokens_are_renewed_and_the_new_cache_is_kept():
    async with personal() as made:
        secrets = await sign_in(made)
        kept = secrets[CACHE]
        made.server.login.grants.clear()
        connector = made.connector(secrets=secrets)
        await connector.poll(fresh=False)
        assert made.server.login.asked[-1] == "refresh_token" and secrets[CACHE] != kept
        asked = len(made.server.login.asked)
        await made.connector(secrets=secrets).poll(fresh=False)
        assert len(made.server.login.asked) == asked, "the kept token serves after a restart"


async def test_a_withdrawn_consent_says_how_to_sign_in_again(caplog):
    async with personal() as made:
        secrets = await sign_in(made)
        connector = made.connector(secrets=secrets)
        await connector.poll(fresh=False)
        made.server.login.revoke()
        with pytest.raises(AuthFailed, match="expired or was withdrawn") as caught:
            await connector.poll(fresh=False)
        assert f"Sign in again: {AGAIN}" in caught.value.words
        told = caught.value.words + caplog.text
        assert not any(
            entry["secret"] in told for entry in json.loads(secrets[CACHE])["RefreshToken"].values()
        )


async def test_nobody_has_signed_in_yet():
    async with personal() as made:
        with pytest.raises(AuthFailed, match="nobody has signed in") as caught:
            await made.connector().poll(fresh=False)
        assert AGAIN in caught.value.words


async def test_a_cache_that_cannot_be_read_is_like_none():
    async with personal() as made:
        with pytest.raises(AuthFailed, match="is gone"):
            await made.connector(secrets={CACHE: "[]"}).poll(fresh=False)


async def test_where_the_administrator_consented_nobody_needs_to():
    async with office() as made:
        with pytest.raises(Misconfigured, match="for everybody"):
            Person(made).consent()


async def test_a_sign_in_that_talks_nonsense_is_told_and_not_logged(caplog):
    async with personal() as made:
        secrets = await sign_in(made)
        made.server.login.revoke()
        made.server.login.nonsense = "<html>s3ns1tive"
        connector = made.connector(secrets=secrets)
        with pytest.raises(BadData, match="no sign-in"):
            await connector.poll(fresh=False)
        assert "s3ns1tive" not in caplog.text


async def test_an_answer_without_end_is_not_read_to_its_end():
    async with personal() as made:
        secrets = await sign_in(made)
        made.server.login.revoke()
        made.server.login.nonsense = "{" + " " * 3_000_000 + "}"
        with pytest.raises(BadData, match="more than a sign-in"):
            await made.connector(secrets=secrets).poll(fresh=False)
