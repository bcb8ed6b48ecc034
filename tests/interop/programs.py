"""Running foreign programs against the server under test."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.interop.clients.client import Way
from tests.interop.sipp_scenario import adapted
from tests.support.ports import free_port

SCENARIOS = Path(__file__).parent / "sipp"


def run(
    *command: str,
    cwd: Path | None = None,
    given: bytes | None = None,
    env: Mapping[str, str] | None = None,
    limit: float = 60,
) -> tuple[int, str]:
    """(exit code, everything that was printed). Raises TimeoutExpired."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=limit,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def sipp(scenario: str, way: Way, logs: Path, user: str, *, proxy: bool = False, calls: int = 1) -> None:
    """Run a scenario of sipp/ about that user; an AssertionError shows what SIPp complained of."""
    text = (SCENARIOS / f"{scenario}.xml").read_text()
    made = logs / f"{scenario}.xml"
    made.write_text(adapted(text, digest=way.password is not None, proxy=proxy))
    code, said = run(
        "sipp", f"{way.host}:{way.port}",
        "-sf", str(made),
        "-key", "user", user, "-au", user, "-ap", way.password or "",
        "-i", "127.0.0.1", "-p", str(free_port()),
        "-t", {"udp": "u1", "tcp": "t1"}[way.transport],
        "-m", str(calls), "-l", str(calls), "-r", str(calls),
        "-nostdin", "-timeout", "40s", "-timeout_error",
        "-trace_err", "-error_file", str(logs / "errors.log"),
        "-trace_msg", "-message_file", str(logs / "messages.log"),
        cwd=logs,
    )  # fmt: skip
    errors = logs / "errors.log"
    complaint = errors.read_text(errors="replace") if errors.exists() else ""
    assert code == 0, f"{scenario} over {way.transport}: exit {code}\n{complaint}\n{said[-1500:]}"
