"""The server under test, as a process of its own on free loopback ports."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Has signed the server's certificate."""
    return Authority(tmp_path / "certificates")


@pytest.fixture
def ports(authority: Authority) -> Iterator[dict[str, int]]:
    """``{"udp": port, "tcp": port, "tls": port}`` of a presence server for example.org on 127.0.0.1."""
    shown = authority.issue("127.0.0.1")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.interop.presence_server",
            "memory:",
            str(shown.certificate),
            str(shown.key),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=10) == 0
