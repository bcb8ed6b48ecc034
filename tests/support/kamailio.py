"""Kamailio as a presence server on a free loopback port, all its state in memory, with or without digest."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.ports import free_port

SCHEMAS = Path("/usr/share/kamailio/db_sqlite")
SHUTDOWN = 3.0
"Seconds. A Kamailio that is told to end while its last process starts may wait for it for a minute."
PASSWORD = "secret"
REALM = "example.org"

CONFIGURATION = """#!KAMAILIO
debug=-1
log_stderror=yes
fork=yes
children=2
tcp_children=2
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "db_sqlite.so"
loadmodule "presence.so"
loadmodule "presence_xml.so"
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", 1)
modparam("auth", "algorithm", "{algorithm}")
modparam("presence", "db_url", "sqlite://{folder}/kamailio.db")
modparam("presence_xml", "db_url", "sqlite://{folder}/kamailio.db")
modparam("presence_xml", "force_active", 1)
modparam("presence", "server_address", "sip:127.0.0.1:{port}")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "clean_period", 0)
modparam("presence", "db_update_period", 0)
request_route {{
  if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
  {challenge}
  if (is_method("PUBLISH")) {{ if (t_newtran()) {{ handle_publish(); t_release(); }} exit; }}
  if (is_method("SUBSCRIBE")) {{ if (t_newtran()) {{ handle_subscribe(); t_release(); }} exit; }}
  sl_send_reply("405", "Method Not Allowed");
}}
"""
CHALLENGE = (
    'if (!pv_www_authenticate("{realm}", "{password}", "0")) {{ www_challenge("{realm}", "1"); exit; }}'
)


def database(folder: Path) -> None:
    """``kamailio.db`` there, with the tables of its presence modules."""
    with contextlib.closing(sqlite3.connect(folder / "kamailio.db")) as made:
        for schema in ("standard", "presence"):
            made.executescript((SCHEMAS / f"{schema}-create.sql").read_text())


@asynccontextmanager
async def kamailio(folder: Path, algorithm: str | None = None) -> AsyncIterator[str]:
    """Its ``127.0.0.1:PORT`` over UDP and TCP. ``algorithm``: challenge every request with it."""
    port = free_port()
    database(folder)
    challenge = CHALLENGE.format(realm=REALM, password=PASSWORD) if algorithm is not None else ""
    configuration = folder / "kamailio.cfg"
    configuration.write_text(
        CONFIGURATION.format(port=port, folder=folder, algorithm=algorithm or "MD5", challenge=challenge)
    )
    async with running(configuration, folder, port) as address:
        yield address


def command(configuration: Path, folder: Path, *options: str) -> tuple[str, ...]:
    """In the foreground, with little memory, and with what it writes in ``folder``."""
    program = shutil.which("kamailio", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program is not None, "kamailio is not installed; deploy/install-test-packages brings it"
    how = ("-DD", "-E", "-m", "64", "-M", "8", "-Y", str(folder), "-w", str(folder))
    return (program, "-f", str(configuration), *how, *options)


@asynccontextmanager
async def running(configuration: Path, folder: Path, port: int, *options: str) -> AsyncIterator[str]:
    """Kamailio with any configuration that makes it listen on that port. ``folder``: for what it writes."""
    log = folder / "kamailio.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command(configuration, folder, *options),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await _until_it_listens(port, process, log)
        yield f"127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), SHUTDOWN)
            except TimeoutError:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def _until_it_listens(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    for _ in range(200):
        assert process.returncode is None, _said(log)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError(f"kamailio does not listen:\n{_said(log)}")


def _said(log: Path) -> str:
    return log.read_text("utf-8", "replace")
