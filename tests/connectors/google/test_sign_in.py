"""Signing in: a service account that acts for people, a person by page with PKCE, and what is never told."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.errors import AuthFailed, BadData, Misconfigured, Unreachable
from connectors.google.consent import GoogleConsent
from connectors.google.settings import GoogleSettings
from connectors.google.tokens import client_secret, service_account
from tests.connectors.google.google_server import CLIENT_SECRET, SCOPES
from tests.connectors.google.support import ALICE, BOB, Office, meeting, office

AGAIN = "lamplighter link alice google"


async def test_a_service_account_acts_for_each_person():
    async with office() as made:
        for person in (ALICE, BOB):
            made.server.calendar(person).put(meeting(10))
            assert (await made.connector(person).poll(fresh=False)).facts
        assert {grant.user for grant in made.server.grants.values()} == {ALICE, BOB}
        assert {scope for grant in made.server.grants.values() for scope in grant.scopes} == {
            f"{SCOPES}/calendar.events.readonly"
        }


async def test_a_token_serves_until_it_ends_and_is_replaced_when_withdrawn():
    async with office() as made:
        connector = made.connector()
        for _ in range(3):
            await connector.poll(fresh=False)
        assert len(made.server.tokens_asked) == 1
        made.server.revoke()
        await connector.poll(fresh=False)
        assert len(made.server.tokens_asked) == 2
        made.world.clock.advance(3400)
        await connector.poll(fresh=False)
        assert len(made.server.tokens_asked) == 3


async def test_a_scope_that_was_not_delegated_is_named():
    async with office() as made:
        made.server.delegated = frozenset()
        with pytest.raises(AuthFailed, match="unauthorized_client") as caught:
            await made.connector().poll(fresh=False)
        assert "domain-wide delegation" in caught.value.words


async def test_a_person_who_is_not_in_the_organisation():
    async with office() as made:
        with pytest.raises(AuthFailed, match="service account"):
            await made.connector("nobody@example.org").poll(fresh=False)


@pytest.mark.parametrize("secret", [None, "", "GOCSPX-x", "{}", '{"private_key": "s3cr3t"}', "[]"])
def test_what_is_no_service_account_is_refused_without_a_word_of_it(secret):
    with pytest.raises(Misconfigured, match="service account") as caught:
        service_account(secret)
    assert "s3cr3t" not in caught.value.words


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (None, ""),
        (" GOCSPX-x ", "GOCSPX-x"),
        ('{"installed": {"client_id": "i", "client_secret": "GOCSPX-x"}}', "GOCSPX-x"),
        ('{"web": {"client_secret": "GOCSPX-x"}}', "GOCSPX-x"),
    ],
)
def test_a_client_secret_comes_alone_or_in_its_file(secret, expected):
    assert client_secret(secret) == expected


@pytest.mark.parametrize("secret", ["{}", "{", '{"a": 1, "b": 2}'])
def test_a_file_without_a_client_secret_is_refused(secret):
    with pytest.raises(Misconfigured):
        client_secret(secret)


# -- a person -------------------------------------------------------------------------------------------------


def personal(**given):
    return office(sign_in="person", **given)


def consent_of(made: Office) -> GoogleConsent:
    link = made.link()
    return GoogleConsent(link, GoogleSettings.model_validate(dict(link.settings)), made.world.context())


async def browse(made: Office, address: str) -> dict[str, str]:
    """The person's browser at Google's page; gives the query with which it comes back."""
    response = await made.world.http.request("GET", address, follow=False)
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


async def sign_in(made: Office) -> dict[str, str]:
    consent = consent_of(made)
    visit = await consent.begin("http://127.0.0.1:8400/")
    consented = await consent.finish(visit, await browse(made, visit.address))
    await consent.close()
    return dict(consented.secrets)


async def test_a_person_signs_in_by_a_page_with_pkce():
    async with personal() as made:
        made.server.calendar(ALICE).put(meeting(10))
        visit = await consent_of(made).begin("http://127.0.0.1:8400/")
        asked = dict(parse_qsl(urlsplit(visit.address).query))
        assert asked["code_challenge_method"] == "S256" and asked["login_hint"] == ALICE
        assert asked["scope"] == f"{SCOPES}/calendar.events.readonly" and asked["access_type"] == "offline"
        assert json.loads(visit.kept)["verifier"] not in visit.address + repr(visit)
        secrets = await sign_in(made)
        assert (await made.connector(secrets=secrets).poll(fresh=False)).facts


@pytest.mark.parametrize("back", [{"code": "x", "state": "another"}, {"code": "x"}, {}])
async def test_what_comes_back_from_another_visit_is_refused(back):
    async with personal() as made:
        consent = consent_of(made)
        visit = await consent.begin("http://127.0.0.1:8400/")
        with pytest.raises(AuthFailed, match="another sign-in"):
            await consent.finish(visit, back)


async def test_a_person_who_declines_is_told_how_to_begin_again():
    async with personal() as made:
        consent = consent_of(made)
        visit = await consent.begin("http://127.0.0.1:8400/")
        with pytest.raises(AuthFailed, match="with no") as caught:
            await consent.finish(visit, {"error": "access_denied", "state": visit.state})
        assert AGAIN in caught.value.words


async def test_a_stolen_code_is_useless_without_the_verifier():
    async with personal() as made:
        consent = consent_of(made)
        first, second = [await consent.begin("http://127.0.0.1:8400/") for _ in range(2)]
        stolen = await browse(made, first.address)
        with pytest.raises(AuthFailed):
            await consent.finish(second, {**stolen, "state": second.state})


async def test_a_consent_without_the_calendar_is_refused():
    async with personal() as made:
        consent = consent_of(made)
        visit = await consent.begin("http://127.0.0.1:8400/")
        back = await browse(made, visit.address)
        made.server.codes[back["code"]]["scope"] = "openid"
        with pytest.raises(AuthFailed, match="left out"):
            await consent.finish(visit, back)


async def test_there_are_no_codes_for_calendars():
    async with personal() as made:
        with pytest.raises(Misconfigured, match="not asked for codes"):
            await consent_of(made).by_code(print)


async def test_a_withdrawn_consent_says_how_to_sign_in_again(caplog):
    async with personal() as made:
        secrets = await sign_in(made)
        connector = made.connector(secrets=secrets)
        await connector.poll(fresh=False)
        made.server.revoke()
        with pytest.raises(AuthFailed, match="expired or was withdrawn") as caught:
            await connector.poll(fresh=False)
        assert f"Sign in again: {AGAIN}" in caught.value.words
        assert secrets["refresh_token"] not in caught.value.words + caplog.text


async def test_nobody_has_signed_in_yet():
    async with personal() as made:
        with pytest.raises(AuthFailed, match="nobody has signed in") as caught:
            await made.connector().poll(fresh=False)
        assert AGAIN in caught.value.words


async def test_a_wrong_client_secret_is_named_and_not_told(caplog):
    async with personal() as made:
        secrets = await sign_in(made)
        made.secret = "n0t-the-s3cr3t"
        made.server.grants.clear()
        with pytest.raises(AuthFailed, match="invalid_client") as caught:
            await made.connector(secrets=secrets).poll(fresh=False)
        told = caught.value.words + caplog.text
        assert "n0t-the-s3cr3t" not in told and CLIENT_SECRET not in told


@pytest.mark.parametrize(
    ("error", "kind"), [({"error": "temporarily_unavailable"}, Unreachable), ({"x": 1}, AuthFailed)]
)
async def test_refusals_are_told_apart(error, kind):
    async with personal() as made:
        secrets = await sign_in(made)
        made.server.token_error = error
        made.server.grants.clear()
        with pytest.raises(kind):
            await made.connector(secrets=secrets).poll(fresh=False)


async def test_a_sign_in_that_talks_nonsense():
    async with personal() as made:
        secrets = await sign_in(made)
        made.server._token = lambda form: made.server.page()
        made.server.grants.clear()
        with pytest.raises(BadData, match="not JSON"):
            await made.connector(secrets=secrets).poll(fresh=False)


async def test_where_the_administrator_consented_nobody_needs_to():
    async with office() as made:
        with pytest.raises(Misconfigured, match="for everybody"):
            consent_of(made)
