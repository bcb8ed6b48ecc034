"""`lamplighter link` where a person signs in at the source: by a code, and by a page that leads back here."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from agent.app import open_app
from agent.cli import main as cli
from agent.cli.keys_create import fresh_key
from agent.cli.serve import control_path
from agent.clock import SystemClock
from agent.settings import load_settings
from agent.vault.keyring import KeyRing
from agent.vault.sources import write_keys
from connectors.addresses import AllowList
from connectors.http import Http
from tests.connectors.google import google_server as google
from tests.connectors.microsoft import login_server as microsoft
from tests.connectors.microsoft.graph_server import graph_server

ALICE = "alice@example.org"


@dataclass
class Place:
    """A folder with settings and keys, in which commands are run as a user would."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def settings(self, entry: dict, **outbound: object) -> None:
        given = {
            "domains": ["example.org"],
            "listeners": [{"transport": "udp", "host": "127.0.0.1", "port": 0}],
            "http": {"enabled": False},
            "outbound": {"allow_private": ["127.0.0.1"], **outbound},
            "store": {"url": "sqlite:///state.db"},
            "people": {"alice": {"sip": f"sip:{ALICE}", "emails": [ALICE]}},
            "connectors": {"cloud": entry},
        }
        (self.folder / "lamplighter.yaml").write_text(yaml.safe_dump(given))
        write_keys(self.folder / "lamplighter.key", KeyRing((fresh_key(),)))

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *arguments, "--settings", str(self.folder / "lamplighter.yaml")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "COLUMNS": "100"},
        )

    async def run(self, *arguments: str) -> tuple[int, str]:
        """In a thread of this process, which starts faster. Gives the status and all that was printed."""

        def now() -> tuple[int, str]:
            with pytest.raises(SystemExit) as ended:
                cli.main([*arguments, "--settings", str(self.folder / "lamplighter.yaml")])
            captured = self.capsys.readouterr()
            return int(ended.value.code or 0), captured.out + captured.err

        return await asyncio.to_thread(now)

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[None]:
        path = self.folder / "lamplighter.yaml"
        settings = load_settings(path, {})
        reread = lambda: load_settings(path, {})  # noqa: E731
        async with open_app(
            settings, SystemClock(), control_path=control_path(path), environ={}, reread=reread
        ):
            yield


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys)


@contextlib.asynccontextmanager
async def at_microsoft(place: Place):
    async with graph_server(place.folder / "authority", SystemClock().now, interval=0) as server:
        server.mailbox(ALICE)
        entry = {
            "connector": "microsoft",
            "settings": {
                "tenant": microsoft.TENANT,
                "client_id": microsoft.CLIENT_ID,
                "cloud": {"login": server.url, "graph": server.url},
                "sign_in": "person",
            },
        }
        place.settings(entry, ca_file="authority/ca.pem")
        yield server


@pytest.mark.parametrize("runs", [True, False], ids=["service", "alone"])
async def test_alice_signs_in_at_microsoft_by_a_code(place, runs):
    async with at_microsoft(place) as server, place.service() if runs else contextlib.nullcontext():
        linking = asyncio.create_task(place.run("link", "alice", "cloud"))
        code = await server.login.shown.get()
        server.login.sign_in(code, ALICE)
        status, told = await linking
        assert status == 0, told
        assert "https://microsoft.com/devicelogin" in told and code in told
        assert f"Signed in as {ALICE}." in told and "linked cloud/alice" in told
        _, listed = await place.run("links", "check", "alice", "--json")
        assert json.loads(listed)[0]["state"] == "ok", "what was consented to is remembered"
        everything = told + listed
        for database in place.folder.glob("state.db*"):
            everything += database.read_bytes().decode("latin-1")
        assert not any(secret in everything for secret in [*server.login.grants, *server.login.refresh])


async def test_a_person_who_declines_is_told_and_nothing_is_linked(place):
    async with at_microsoft(place) as server:
        linking = asyncio.create_task(place.run("link", "alice", "cloud"))
        server.login.decline(await server.login.shown.get())
        status, told = await linking
        assert status == 1 and "answered with no" in told and "Traceback" not in told
        assert json.loads((await place.run("links", "--json"))[1]) == []


async def test_somebody_elses_sign_in_is_pointed_out(place):
    async with at_microsoft(place) as server:
        server.mailbox("bob@example.org")
        linking = asyncio.create_task(place.run("link", "alice", "cloud"))
        server.login.sign_in(await server.login.shown.get(), "bob@example.org")
        assert "none of the addresses" in (await linking)[1]


async def test_alice_signs_in_at_google_by_a_page(place):
    async with google.google_server(SystemClock().now) as server:
        server.calendar(ALICE)
        secret = place.folder / "secret"
        secret.write_text(google.CLIENT_SECRET)
        entry = {
            "connector": "google",
            "password_file": "secret",
            "settings": {
                "sign_in": "person",
                "client_id": google.CLIENT_ID,
                "endpoints": {
                    "api": f"{server.url}/calendar/v3",
                    "token": f"{server.url}/token",
                    "authorize": f"{server.url}/authorize",
                },
            },
        }
        place.settings(entry)
        linking = await place.start("link", "alice", "cloud")
        while not (line := (await linking.stdout.readline()).decode().strip()).startswith("http"):
            assert line or not linking.stdout.at_eof(), (await linking.stderr.read()).decode()
        await browse(line)
        out, err = await linking.communicate()
        told = (out + err).decode()
        assert linking.returncode == 0, told
        assert "linked cloud/alice" in told
        assert not any(token in told for token in [*server.grants, *server.refresh, google.CLIENT_SECRET])
        code, _ = await place.run("links", "check", "alice")
        assert code == 0


async def browse(address: str) -> None:
    """A browser: to the provider, and back; an older return and a stranger come first."""
    http = Http(AllowList.parse(["127.0.0.0/8"]))
    there = await http.request("GET", address, follow=False)
    back = there.headers["Location"].replace("localhost", "127.0.0.1")
    root = back.partition("?")[0]
    assert dict(parse_qsl(urlsplit(back).query))["state"]
    assert (await http.request("GET", f"{root}favicon.ico")).status == 404
    assert (await http.request("GET", root)).status == 400
    assert (await http.request("GET", f"{root}?state=another&code=x")).status == 200
    thanks = await http.request("GET", back)
    assert thanks.status == 200 and b"close this window" in thanks.body
    await http.close()


async def test_where_the_administrator_consented_nobody_is_asked(place):
    async with graph_server(place.folder / "authority", SystemClock().now) as server:
        server.mailbox(ALICE)
        (place.folder / "secret").write_text(microsoft.CLIENT_SECRET)
        entry = {
            "connector": "microsoft",
            "password_file": "secret",
            "settings": {
                "tenant": microsoft.TENANT,
                "client_id": microsoft.CLIENT_ID,
                "cloud": {"login": server.url, "graph": server.url},
            },
        }
        place.settings(entry, ca_file="authority/ca.pem")
        code, told = await place.run("link", "alice", "cloud")
        assert code == 0 and "linked cloud/alice" in told and server.login.asked == ["client_credentials"]
