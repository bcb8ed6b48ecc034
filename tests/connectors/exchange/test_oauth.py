"""Signing in with an application's secret (hybrid modern authentication)."""

import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from connectors.errors import AuthFailed
from tests.connectors.exchange.support import ALICE, meeting, office
from tests.connectors.microsoft.login_server import CLIENT_ID, CLIENT_SECRET, TENANT, LoginServer
from tests.support.certificates import Authority


@asynccontextmanager
async def modern_office(mode: str, folder: Path):
    """Both servers are encrypted: neither library gives a token to one that is not."""
    authority = Authority(folder)
    own = authority.issue("localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own.certificate, own.key)
    login = LoginServer(app_roles=frozenset({"full_access_as_app"}))
    app = web.Application()
    app.add_routes(login.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    login.base = f"https://localhost:{runner.addresses[0][1]}"
    settings = {"sign_in": "oauth", "tenant": TENANT, "client_id": CLIENT_ID, "login": login.base}
    quiet = {"notifications": False, "automatic_replies": False} if mode == "calendar" else {}
    try:
        async with office(tls=tls, mode=mode, **settings, **quiet) as made:
            made.secret = CLIENT_SECRET
            made.world.http.ca_file = authority.path
            made.ews.accepts = lambda token: token in login.grants
            yield made, login
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("mode", ["free-busy", "calendar"])
async def test_a_token_is_fetched_once_and_shown_each_time(mode, tmp_path):
    async with modern_office(mode, tmp_path) as (made, login):
        made.ews.put(ALICE, meeting(10))
        connector = made.connector()
        assert (await connector.poll(fresh=False)).facts
        assert (await connector.poll(fresh=True)).facts
        assert login.asked == ["client_credentials"]


@pytest.mark.parametrize("mode", ["free-busy", "calendar"])
async def test_a_wrong_secret_says_what_to_check(mode, tmp_path):
    async with modern_office(mode, tmp_path) as (made, _):
        made.secret = "wrong"
        made.ews.put(ALICE)
        with pytest.raises(AuthFailed, match="no token") as raised:
            await made.connector().poll(fresh=False)
        assert "client secret" in raised.value.words
        assert "wrong" not in raised.value.words
