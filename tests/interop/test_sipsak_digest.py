"""sipsak signs in with a password: REGISTER and PUBLISH with digest, MESSAGE, against the whole service."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.app import App, open_app
from agent.clock import SystemClock
from agent.presence.records import SipUser
from agent.settings import load_settings
from agent.sip.digest import make_ha1s
from tests.interop.programs import run
from tests.interop.test_raw import BODY, message

pytestmark = pytest.mark.interop
SETTINGS = """
domains: [example.org]
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
store: {url: "memory:"}
# COMPAT(sipsak 0.9.8): it reads the first challenge only, and knows no SHA-256.
authentication: {algorithms: [MD5]}
"""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    async with open_app(load_settings(path, {}), SystemClock()) as app:
        made = make_ha1s("alice", "example.org", "wonderland")
        user = SipUser("alice", "example.org", made["MD5"], made["SHA-256"], made["SHA-512-256"], 0.0)
        app.store.put_user(user)
        await app.store.commit()
        yield app


async def sipsak(
    app: App, folder: Path, name: str, data: bytes, password: str = "wonderland"
) -> tuple[int, str]:
    (folder / name).write_bytes(data)
    port = app.addresses[0][1][1]
    options = ("-vvv", "-f", name, "-s", f"sip:alice@127.0.0.1:{port}", "-u", "alice", "-a", password)
    return await asyncio.to_thread(run, "sipsak", *options, cwd=folder)


def registration() -> bytes:
    data = message("REGISTER", "udp", "Contact: <sip:alice@127.0.0.1:5099>", "Expires: 120")
    return data.replace(b"REGISTER sip:alice@example.org", b"REGISTER sip:example.org")


async def test_register(app: App, tmp_path: Path) -> None:
    code, said = await sipsak(app, tmp_path, "register.sip", registration())
    assert code == 0, said
    (row,) = app.store.all_bindings()
    assert row.contact == "sip:alice@127.0.0.1:5099" and row.address == "sip:alice@example.org"


async def test_register_with_a_wrong_password(app: App, tmp_path: Path) -> None:
    code, said = await sipsak(app, tmp_path, "register.sip", registration(), password="guess")
    assert code != 0 and "401" in said
    assert not app.store.all_bindings()


async def test_publish(app: App, tmp_path: Path) -> None:
    lines = ("Event: presence", "Expires: 60", "Content-Type: application/pidf+xml")
    code, said = await sipsak(app, tmp_path, "publish.sip", message("PUBLISH", "udp", *lines, body=BODY))
    assert code == 0, said
    assert [row.publisher for row in app.store.all_publications()] == ["sip:alice@example.org"]


async def test_message_to_somebody_else_is_refused(app: App, tmp_path: Path) -> None:
    data = message("MESSAGE", "udp", "Content-Type: text/plain", body="hello")
    code, said = await sipsak(app, tmp_path, "message.sip", data)
    assert code != 0 and "404" in said
