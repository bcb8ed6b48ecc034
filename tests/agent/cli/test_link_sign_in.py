"""`lamplighter link` where a person signs in by the provider's page, as a process of its own with a browser beside."""

import asyncio
import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp

from agent.cli.keys_create import fresh_key
from agent.vault.keyring import KeyRing
from agent.vault.sources import write_keys
from tests.connectors.caldav.test_sign_in import Server
from tests.connectors.support import serve

SETTINGS = """
domains: [example.org]
outbound: {{allow_private: [127.0.0.1]}}
store: {{url: "sqlite:///state.db"}}
people: {{alice: {{sip: "sip:alice@example.org"}}}}
connectors:
  google-caldav:
    connector: caldav
    settings:
      url: {url}/h/
      oauth: {{token_url: "{url}/token", authorize_url: "{url}/page", client_id: lamplighter, scope: read}}
"""


async def lamplighter(path: Path, *arguments: str) -> asyncio.subprocess.Process:
    program = Path(sys.executable).with_name("lamplighter")
    return await asyncio.create_subprocess_exec(
        program, *arguments, "--settings", str(path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def page_of(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    while not (line := (await process.stderr.readline()).decode().strip()).startswith("http"):
        assert line, "it ended without a page"
    return line


async def visit(page: str, **answer: str) -> str:
    """What a browser does after the person has decided."""
    asked = {key: values[0] for key, values in parse_qs(urlsplit(page).query).items()}
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(asked["redirect_uri"], params={"state": asked["state"], **answer}) as shown,
    ):
        return await shown.text()


async def test_a_person_agrees_by_page_and_the_account_is_linked(tmp_path):
    server = Server("bearer")
    async with serve(server) as url:
        path = tmp_path / "lamplighter.yaml"
        path.write_text(SETTINGS.format(url=url))
        write_keys(tmp_path / "lamplighter.key", KeyRing((fresh_key(),)))

        process = await lamplighter(path, "link", "alice", "google-caldav", "--json")
        page = await page_of(process)
        assert page.startswith(f"{url}/page?")
        assert "close this window" in await visit(page, error="access_denied")
        _, told = await process.communicate()
        assert process.returncode == 1 and b"access_denied" in told

        process = await lamplighter(path, "link", "alice", "google-caldav", "--json")
        await visit(await page_of(process), code="code-1")
        out, told = await process.communicate()
        assert process.returncode == 0, told
        assert json.loads(out)["kept"]

        process = await lamplighter(path, "links", "check", "--json")
        out, told = await process.communicate()
        assert json.loads(out)[0]["state"] == "ok", told
        assert server.given == 1, "the token that signing in gave is used on"
        on_disk = b"".join(each.read_bytes() for each in tmp_path.iterdir())
        assert b"access-1" not in on_disk and b"refresh-2" not in on_disk
