"""`lamplighter publish` against the built-in server and against servers that behave as scripted."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.publish import command, document, publish, read_document
from agent.cli.shown import of_presence
from agent.cli.sip_client import open_client
from agent.clock import SystemClock
from agent.documents import pidf
from agent.errors import EXIT_USAGE, UserError
from agent.sip.flows import Transport
from tests.support.running_server import running_server
from tests.support.scripted_server import scripted_server

ALICE = "sip:alice@example.org"
CLOCK = SystemClock()
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_document_says_what_was_asked_for() -> None:
    shown = of_presence(pidf.parse(document(ALICE, "closed", ("meeting", "juggling"), "Back at <11>", NOW)))
    assert (shown.state, shown.activities, shown.notes) == (
        "closed",
        ("meeting", "juggling"),
        ("Back at <11>",),
    )
    assert shown.since == NOW


def test_a_file_must_be_a_presence_document(tmp_path: Path) -> None:
    file = tmp_path / "state.xml"
    file.write_text("<html/>")
    with pytest.raises(UserError, match="not a presence document"):
        read_document(file)
    with pytest.raises(UserError, match="no such file"):
        read_document(tmp_path / "none")
    body = document(ALICE, "open", (), None, NOW)
    file.write_bytes(body)
    assert read_document(file) == body


def test_a_file_and_a_state_cannot_be_combined(tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        command(ALICE, note="x", file=tmp_path / "state.xml")
    assert told.value.exit_code == EXIT_USAGE


async def published(next_hop: str, keep: bool = True) -> int:
    body = document(ALICE, "open", (), None, NOW)
    async with asyncio.timeout(20), open_client(CLOCK, next_hop, None, raw=False) as client:
        return await publish(client, CLOCK, ALICE, body, 600, keep)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_kept_state_stays_at_the_server(
    transport: Transport, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_server() as running:
        code = await published(f"sip:{running.address(transport)};transport={transport.value}")
        (row,) = running.store.publications(ALICE, "presence")
    out = capsys.readouterr().out
    assert code == 0
    assert f"entity-tag {row.entity_tag}" in out and "expires in 600 s" in out


async def test_a_longer_lifetime_that_the_server_wants_is_granted(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted_server(
        lambda request: (
            (423, [("Min-Expires", "3600")])
            if request.headers.get("Expires") != "3600"
            else (200, [("SIP-ETag", "x"), ("Expires", "3600")])
        )
    ) as server:
        assert await published(f"sip:{server.address}") == 0
    assert "entity-tag x, expires in 3600 s" in capsys.readouterr().out


async def test_a_refusal_is_exit_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted_server(lambda request: (403, [])) as server:
        assert await published(f"sip:{server.address}") == 4
    assert "not allowed to publish" in capsys.readouterr().err


async def test_a_server_that_is_not_there_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    async with scripted_server(lambda request: (200, [])) as server:
        address = server.address
    assert await published(f"sip:{address};transport=tcp") == 3
    assert "--server" in capsys.readouterr().err


async def test_the_program_removes_its_state_when_interrupted() -> None:
    async with running_server() as running:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "publish", "alice@example.org", "--activity", "meeting"),
            *("--server", running.address(Transport.UDP)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(30):
                line = await process.stdout.readline()
                (row,) = running.store.publications(ALICE, "presence")
                process.send_signal(signal.SIGINT)
                out, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert running.store.publications(ALICE, "presence") == ()
    assert row.entity_tag.encode() in line
    assert (process.returncode, errors) == (0, b"")
    assert b"removed" in out
