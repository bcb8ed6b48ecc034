"""baresip 1.0 watches through the server. COMPAT(baresip): see the test."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.interop.programs import sipp
from tests.support.ports import free_port

pytestmark = pytest.mark.interop

MODULES = "/usr/lib/baresip/modules"


class Baresip:
    """A running baresip whose printed lines can be waited for."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, within: float = 10.0) -> None:
        end = time.monotonic() + within
        while text not in self.said:
            assert self.process.poll() is None and time.monotonic() < end, f"no {text!r} in:\n{self.said}"
            time.sleep(0.05)


@contextmanager
def baresip(home: Path, user: str, port: int, transport: str, *contacts: str) -> Iterator[Baresip]:
    """Without sound, registered nowhere; everything goes to the server under test."""
    home.mkdir()
    modules = "".join(f"module_app {name}.so\n" for name in ("account", "contact", "menu", "presence"))
    (home / "config").write_text(
        f"module_path {MODULES}\nsip_listen 127.0.0.1:{free_port()}\nmodule_tmp uuid.so\n"
        f"net_interface 127.0.0.1\ncall_max_calls 1\nsip_cafile {home.parent}/certificates/ca.pem\n{modules}"
    )
    (home / "accounts").write_text(
        f"<sip:{user}@example.org;transport={transport}>;regint=0;"
        f'outbound="sip:127.0.0.1:{port};transport={transport}"\n'
    )
    (home / "contacts").write_text("".join(f"<sip:{name}@example.org>;presence=p2p\n" for name in contacts))
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["baresip", "-v", "-f", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Baresip(process, log)
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_it_sees_what_is_published(ports: dict[str, int], tmp_path: Path, transport: str) -> None:
    # Over TLS it listens without a certificate: NOTIFYs have to come back over the connection that it has opened.
    # It sends no Accept, wants exactly application/pidf+xml, and looks for the text <basic>open</basic>.
    with baresip(tmp_path / "watcher", "carol", ports[transport], transport, "alice") as watcher:
        watcher.wait_for("baresip is ready")
        sipp("stay_open", "udp", ports["udp"], tmp_path)
        watcher.wait_for("Online")
