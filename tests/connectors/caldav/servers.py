"""Real CalDAV servers as processes of their own, on free loopback ports, ended by process id."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "alice", "correct horse"


@dataclass
class Server:
    """One server process over one folder; may be killed and started again on the same port."""

    kind: str
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    paths: dict[str, str] = field(default_factory=dict)
    "Calendar name → path."

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> str:
        return f"/{USER}/" if self.kind == "radicale" else f"/{USER}/calendars/"

    def start(self) -> None:
        if not self.port:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                self.ask("OPTIONS", "/")
                return
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)  # a real process needs real time to start

    def _command(self) -> list[str]:
        data = str(self.folder / "data")
        if self.kind == "radicale":
            users = self.folder / "users"
            users.write_text(f"{USER}:{PASSWORD}\n")
            config = self.folder / "config"
            config.write_text(
                f"[server]\nhosts = 127.0.0.1:{self.port}\n[storage]\nfilesystem_folder = {data}\n"
                f"[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
                "[logging]\nlevel = warning\n"
            )
            return [sys.executable, "-m", "radicale", "--config", str(config)]
        program = Path(sys.executable).with_name("xandikos")
        return [str(program), "-d", data, "-l", "127.0.0.1", "-p", str(self.port), "--defaults",
                "--current-user-principal", f"/{USER}/"]  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def ask(self, method: str, path: str, body: str | None = None, kind: str = "text/xml") -> int:
        """One request with the right password; the status."""
        pair = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else body.encode(),
            method=method,
            headers={"Authorization": f"Basic {pair}", "Content-Type": f"{kind}; charset=utf-8"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def make_calendar(self, slug: str, name: str) -> None:
        body = (
            '<?xml version="1.0"?><c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set>'
            f"<d:prop><d:displayname>{name}</d:displayname></d:prop></d:set></c:mkcalendar>"
        )
        status = self.ask("MKCALENDAR", f"{self.home}{slug}/", body)
        assert status == 201, status

    def put(self, slug: str, name: str, text: str) -> None:
        status = self.ask("PUT", f"{self.home}{slug}/{name}.ics", text, "text/calendar")
        assert status in (201, 204), (status, text)

    def delete(self, slug: str, name: str) -> None:
        status = self.ask("DELETE", f"{self.home}{slug}/{name}.ics")
        assert status in (200, 204), status


@contextlib.contextmanager
def running(kind: str) -> Iterator[Server]:
    """A fresh server of that kind with an empty calendar home of `alice`."""
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-"))
    server = Server(kind, folder)
    try:
        server.start()
        if kind == "xandikos":
            server.ask("PROPFIND", f"/{USER}/", "")
        yield server
    finally:
        if server.process is not None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
