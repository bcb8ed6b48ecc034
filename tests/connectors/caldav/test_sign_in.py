"""Basic, Digest, bearer, and access tokens that run out, against a server that checks."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import md5, sha256
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from connectors.authorization import basic
from connectors.base import Context, Entry, Link
from connectors.caldav.connector import CalDavConnector
from connectors.errors import AuthFailed, ConnectorError
from connectors.oauth import OAuthSettings, PageConsent
from connectors.registry import load
from tests.connectors.caldav.test_conformance import answer
from tests.connectors.support import World, new_world, serve

SECRET = "correct horse"
CLIENT = Entry("cal")


@dataclass
class Server:
    """Asks for what ``wants`` says; gives tokens at /token."""

    wants: str
    algorithm: str = "SHA-256"
    requests: list[str] = field(default_factory=list)
    "What each request signed in by."
    good_tokens: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=lambda: {"refresh-1"})
    given: int = 0
    replaces: bool = False
    "A new refresh token comes with each access token."
    forms: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/token":
            return await self._token(request)
        given = request.headers.get("Authorization", "")
        self.requests.append(given.partition(" ")[0])
        if not self._right(request, given):
            challenge = {
                "basic": 'Basic realm="cal"',
                "digest": f'Digest realm="cal", nonce="n1", qop="auth", algorithm={self.algorithm}',
                "bearer": 'Bearer error="invalid_token"',
            }[self.wants]
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return answer(request, await request.read(), 0)

    def _right(self, request: web.BaseRequest, given: str) -> bool:
        if self.wants == "basic":
            return given == basic("alice", SECRET)
        if self.wants == "bearer":
            return given.removeprefix("Bearer ") in self.good_tokens
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', given.removeprefix("Digest ")))
        if not given.startswith("Digest "):
            return False

        def h(text: str) -> str:
            return (sha256 if self.algorithm == "SHA-256" else md5)(text.encode()).hexdigest()

        one, two = h(f"alice:cal:{SECRET}"), h(f"{request.method}:{request.path}")
        right = h(f"{one}:n1:{said['nc']}:{said['cnonce']}:auth:{two}")
        return said["uri"] == request.path and said["response"] == right

    async def _token(self, request: web.BaseRequest) -> web.Response:
        form = {key: values[0] for key, values in parse_qs((await request.read()).decode()).items()}
        self.forms.append(form)
        known = form.get("refresh_token") in self.refresh_tokens or form.get("code") == "code-1"
        if not known:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.given += 1
        token = f"access-{self.given}"
        self.good_tokens = {token}
        found = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        if self.replaces or "code" in form:
            self.refresh_tokens = {f"refresh-{self.given + 1}"}
            found["refresh_token"] = f"refresh-{self.given + 1}"
        return web.json_response(found)


Make = Callable[..., CalDavConnector]


@asynccontextmanager
async def account(server: Server) -> AsyncIterator[tuple[World, Make, dict[str, str], dict[str, str]]]:
    """(world, what makes a connector, its state, its secrets)"""
    async with serve(server) as url, new_world() as world:
        state: dict[str, str] = {}
        secrets: dict[str, str] = {}

        def make(secret: str = SECRET, entry: Entry = CLIENT, **settings: object) -> CalDavConnector:
            given = {"url": f"{url}/h/", **settings}
            if "oauth" in settings:
                given["oauth"] = {"token_url": f"{url}/token", "client_id": "lamplighter"}
            link = Link("alice", "caldav", "alice", given, secret, entry=entry)
            made_of = load("caldav")
            context = Context(world.http, world.clock, world.workshop, world.context().spawn, state, secrets)
            return made_of.create(link, made_of.read_settings(link), context)  # type: ignore[return-value]

        yield world, make, state, secrets


async def test_a_password_goes_by_basic_where_that_is_wanted():
    server = Server("basic")
    async with account(server) as (_, make, _, _):
        assert (await make(username="alice").poll(fresh=False)).facts
        assert set(server.requests) == {"Basic"}
        with pytest.raises(AuthFailed):
            await make("wrong", username="alice").poll(fresh=False)


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_digest_is_found_out_and_remembered(algorithm):
    server = Server("digest", algorithm)
    async with account(server) as (_, make, state, _):
        connector = make(username="alice")
        assert (await connector.poll(fresh=False)).facts
        assert state["auth"] == "digest"
        server.requests.clear()
        await connector.poll(fresh=False)
        assert server.requests == ["Digest"], "the challenge is remembered"
        server.requests.clear()
        assert (await make(username="alice").poll(fresh=False)).facts
        assert "Basic" not in server.requests, "after a restart too"


async def test_a_wrong_password_by_digest_is_no_loop():
    server = Server("digest")
    async with account(server) as (_, make, _, _):
        with pytest.raises(AuthFailed):
            await make("wrong", username="alice", auth="digest").poll(fresh=False)
        assert len(server.requests) <= 3 and "Basic" not in server.requests


async def test_a_token_given_as_the_secret_is_sent_as_such():
    server = Server("bearer", good_tokens={"t1"})
    async with account(server) as (_, make, _, _):
        assert (await make("t1", auth="bearer").poll(fresh=False)).facts
        with pytest.raises(AuthFailed):
            await make("t2", auth="bearer").poll(fresh=False)


async def test_access_tokens_are_got_kept_renewed_and_survive_restarts():
    server = Server("bearer", replaces=True)
    async with account(server) as (world, make, _, secrets):
        entry = Entry("cal", {}, "client-secret")
        connector = make("refresh-1", entry, oauth=True)
        assert (await connector.poll(fresh=False)).facts
        assert server.forms == [
            {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "lamplighter",
             "client_secret": "client-secret"}
        ]  # fmt: skip
        await connector.poll(fresh=False)
        assert (await make("refresh-1", entry, oauth=True).poll(fresh=False)).facts
        assert server.given == 1, "kept over a restart"
        world.clock.advance(3600)
        await connector.poll(fresh=False)
        assert server.given == 2 and secrets["access_token"] == "access-2"
        assert server.forms[-1]["refresh_token"] == "refresh-2", "the provider had replaced it"
        server.good_tokens = set()
        await connector.poll(fresh=False)
        assert server.given == 3, "refused before its time: renewed at once"


async def test_a_withdrawn_consent_says_to_sign_in_again():
    server = Server("bearer", refresh_tokens=set())
    async with account(server) as (_, make, _, _):
        with pytest.raises(AuthFailed) as refused:
            await make("refresh-1", oauth=True).poll(fresh=False)
        assert "invalid_grant" in refused.value.words and "Sign in again" in refused.value.words
        assert "refresh-1" not in refused.value.words


async def test_signing_in_by_the_providers_page():
    server = Server("bearer")
    async with account(server) as (world, make, _, secrets), serve(server) as url:
        settings = OAuthSettings(
            token_url=f"{url}/token", authorize_url="https://login.example.org/a", client_id="lamplighter",
            scope="calendar.read", parameters={"access_type": "offline"},
        )  # fmt: skip
        context = Context(world.http, world.clock, world.workshop, world.context().spawn, {}, secrets)
        consent = PageConsent(settings, context, None)
        visit = await consent.begin("http://127.0.0.1:9/back")
        asked = parse_qs(urlsplit(visit.address).query)
        assert asked["access_type"] == ["offline"] and asked["code_challenge_method"] == ["S256"]
        for wrong in ({"state": "x", "code": "code-1"}, {"state": visit.state, "error": "access_denied"}):
            with pytest.raises(ConnectorError):
                await consent.finish(visit, wrong)
        agreed = await consent.finish(visit, {"state": visit.state, "code": "code-1"})
        assert len(server.forms[-1]["code_verifier"]) >= 43
        secrets.update(agreed.secrets)
        assert (await make(None, oauth=True).poll(fresh=False)).facts
