"""The two servers that the load is put on: Lamplighter as it is shipped, and Kamailio's presence module in memory.

Neither authenticates the load. Both run on one processor, and each is started afresh for each load.
"""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.bench.machine import SERVER_CPU, pinned
from tests.support.kamailio import SCHEMAS
from tests.support.ports import free_port

KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
children=2
maxbuffer=33554432
listen=udp:127.0.0.1:{port}
auto_aliases=no
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "db_sqlite.so"
loadmodule "presence.so"
loadmodule "presence_xml.so"
modparam("presence|presence_xml", "db_url", "sqlite://{folder}/kamailio.db")
modparam("presence_xml", "force_active", 1)
modparam("presence", "server_address", "sip:127.0.0.1:{port}")
# All in memory: no database on any request's way.
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "clean_period", 0)
modparam("presence", "db_update_period", 0)
modparam("presence", "notifier_processes", 0)
# 32,768 slots each.
modparam("presence", "subs_htable_size", 15)
modparam("presence", "pres_htable_size", 15)
request_route {{
  if (is_method("PUBLISH")) {{ if (t_newtran()) {{ handle_publish(); t_release(); }} exit; }}
  if (is_method("SUBSCRIBE")) {{ if (t_newtran()) {{ handle_subscribe(); t_release(); }} exit; }}
  sl_send_reply("405", "Method Not Allowed");
}}
"""
"What a deployment for speed would say. As Debian ships it, its receive buffer overflows in bursts."


def kamailio_is_there() -> bool:
    return shutil.which("kamailio") is not None and (SCHEMAS / "presence-create.sql").exists()


@contextlib.contextmanager
def lamplighter(folder: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of a running service, durable as by default."""
    port = free_port()
    settings = {
        "domains": ["example.org"],
        "authentication": "off",
        "listeners": [{"transport": "udp", "host": "127.0.0.1", "port": port}],
        "http": {"enabled": False},
        "store": {"url": f"sqlite:///{folder}/state.db"},
        "limits": {"subscriptions_per_watcher": 1_000_000},
    }
    (folder / "lamplighter.yaml").write_text(yaml.safe_dump(settings))
    program = str(Path(sys.executable).with_name("lamplighter"))
    command = [program, "serve", "--settings", str(folder / "lamplighter.yaml")]
    with _running(command, folder / "lamplighter.log", "is ready") as process:
        yield port, process.pid


@contextlib.contextmanager
def kamailio(folder: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of Kamailio, all in memory."""
    port = free_port()
    # So that bursts do not overflow its receive buffer. Without the right to set it, its tail is 0.7 seconds.
    subprocess.run(["sysctl", "-qw", "net.core.rmem_max=67108864"], check=False, stderr=subprocess.DEVNULL)
    with contextlib.closing(sqlite3.connect(folder / "kamailio.db")) as database:
        for name in ("standard", "presence"):
            database.executescript((SCHEMAS / f"{name}-create.sql").read_text())
    (folder / "kamailio.cfg").write_text(KAMAILIO.format(port=port, folder=folder))
    command = ["kamailio", "-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-m", "1024", "-M", "64"]
    with _running(command, folder / "kamailio.log", None) as process:
        yield port, process.pid


@contextlib.contextmanager
def _running(command: list[str], log: Path, ready: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """``ready``: what its log says when it is; None: it says nothing, and gets two seconds."""
    with log.open("wb") as output:
        process = subprocess.Popen(pinned(SERVER_CPU, *command), stdout=output, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + (60 if ready else 2)
        while time.monotonic() < end and not (ready and ready in log.read_text(errors="replace")):
            time.sleep(0.1)
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
