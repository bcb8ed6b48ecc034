"""`lamplighter serve` with TLS, as a process: a renewed certificate is in force after SIGHUP."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

from tests.interop.programs import free_port
from tests.support.certificates import Authority

SETTINGS = """
domains: [example.org]
authentication: "off"
listeners: [{{transport: tls, host: 127.0.0.1, port: {port}, certificate: server.pem, key: server.key}}]
http: {{enabled: false}}
store: {{url: "memory:"}}
"""
PATIENCE = 20.0


def shown(port: int, authority: Authority) -> bytes:
    """The certificate in force. Raises OSError while nobody listens."""
    context: ssl.SSLContext = authority.trusting()
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as secure:
        secure.sendall(b"\r\n\r\n")
        assert secure.recv(10) == b"\r\n", "a ping gets its pong"
        certificate = secure.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def test_a_renewed_certificate_is_in_force_after_sighup(tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port()
    authority.issue("127.0.0.1")
    settings = tmp_path / "lamplighter.yaml"
    settings.write_text(SETTINGS.format(port=port))
    command = [sys.executable, "-m", "agent", "serve", "--settings", str(settings)]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as service:
        try:
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    before = shown(port, authority)
                    break
                except OSError:
                    assert service.poll() is None and time.monotonic() < end, (tmp_path / "log").read_text()
                    time.sleep(0.1)
            while "is ready" not in (tmp_path / "log").read_text():
                time.sleep(0.05)
            authority.issue("127.0.0.1")
            os.kill(service.pid, signal.SIGHUP)
            while shown(port, authority) == before:
                assert time.monotonic() < end
                time.sleep(0.05)
        finally:
            service.terminate()
    assert service.returncode == 0
    assert "a new certificate is in force" in (tmp_path / "log").read_text()
