"""A storm of positions at a real service in a process of its own: how many a second, how late, in how much memory.

python -m tests.bench.location_storm --rate 1000 --seconds 10
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from agent.cli.control_client import ask
from agent.errors import UserError
from tests.support.ports import free_port

PEOPLE = 200
CONNECTIONS = 20
HERE, THERE = 47.6, 48.6

SETTINGS = """
domains: [example.org]
authentication: {{mode: "off"}}
listeners: [{{transport: udp, host: 127.0.0.1, port: 0}}]
http: {{enabled: false}}
store: {{url: "sqlite:///state.db"}}
ingress: {{enabled: true, port: {port}, limits: {{per_address: 100000, per_sender: 100000}}}}
zones: {{office: {{center: [47.6, 8.7], radius: 150}}}}
allow_inline_secrets: true
connectors: {{phones: {{connector: owntracks, everyone: true, password: storm-password}}}}
people:
{people}
"""


@dataclass
class Storm:
    """What came of it."""

    rate: float = 0.0
    "Posts a second, as sent and answered."
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: list[float] = field(default_factory=list)
    "Seconds from sending to the answer, sorted."
    processor: float = 0.0
    "Seconds of processor time that the service took for all posts."
    memory: list[int] = field(default_factory=list)
    "Bytes of the service before, at most, and after."
    backwards: list[str] = field(default_factory=list)
    "People who were seen at an older moment than before."
    wrong: list[str] = field(default_factory=list)
    "People who are not where their newest position is."

    def __str__(self) -> str:
        late = [self.slowest[int(len(self.slowest) * share)] * 1000 for share in (0.5, 0.99)]
        sizes = ", ".join(f"{size / 1e6:.0f}" for size in self.memory)
        return (
            f"{self.rate:.0f} posts/s, answers {dict(self.statuses)}, p50 {late[0]:.1f} ms, p99 {late[1]:.1f} ms, "
            f"{self.processor / max(1, len(self.slowest)) * 1000:.2f} ms of processor time each, "
            f"RSS {sizes} MB (before, most, after), backwards {len(self.backwards)}, wrong {len(self.wrong)}"
        )


def people() -> list[str]:
    return [f"p{number:03}" for number in range(PEOPLE)]


def post(person: str, turn: int, began: float, stays: bool) -> bytes:
    """Everybody comes and goes with every post, or ``stays`` in the office. Times are of the last minutes, so that each
    is a second later than the one before."""
    latitude = HERE if stays or turn % 2 else THERE
    body = {
        "_type": "location",
        "lat": latitude,
        "lon": 8.7,
        "acc": 9,
        "tst": int(began) - 3000 + turn,
        "tid": "x",
    }
    data = json.dumps(body).encode()
    return (
        f"POST /in/phones?u={person}&token=storm-password HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    ).encode() + data


async def storm(folder: Path, rate: int, seconds: float, *, still: bool = False) -> Storm:
    """``still``: nobody moves, so that nothing has to be decided. Raises when the service does not start."""
    port = free_port()
    rows = "\n".join(f'  {person}: {{sip: "sip:{person}@example.org"}}' for person in people())
    (folder / "lamplighter.yaml").write_text(SETTINGS.format(port=port, people=rows))
    settings = ["--settings", str(folder / "lamplighter.yaml")]
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "agent", "serve", *settings]
        process = await asyncio.create_subprocess_exec(*command, stderr=log)
    try:
        await _until_it_listens(port, process)
        return await _blow(folder, port, process.pid, rate, seconds, still)
    finally:
        process.terminate()
        await process.wait()


async def _blow(folder: Path, port: int, pid: int, rate: int, seconds: float, still: bool) -> Storm:
    result, began = Storm(), time.time()
    result.memory = [resident(pid)] * 3
    count = int(rate * seconds)
    turns = -(-count // PEOPLE)
    posts = [(person, turn, still or turn == turns - 1) for turn in range(turns) for person in people()]
    lanes = [posts[lane::CONNECTIONS] for lane in range(CONNECTIONS)]
    start, busy = time.perf_counter(), processor_time(pid)
    watching = asyncio.ensure_future(_watch(folder, pid, result))
    await asyncio.gather(*(_lane(port, lane, rate / CONNECTIONS, began, start, result) for lane in lanes))
    result.rate = len(posts) / (time.perf_counter() - start)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    result.processor = processor_time(pid) - busy
    result.slowest.sort()
    result.memory[2] = resident(pid)
    for person in people():
        (row,) = await asyncio.to_thread(places, folder, person)
        if row["zone"] != "office":
            result.wrong.append(person)
    return result


async def _lane(
    port: int, posts: list[tuple[str, int, bool]], rate: float, began: float, start: float, result: Storm
) -> None:
    """One connection. A person's posts come over several of them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, (person, turn, stays) in enumerate(posts):
        wait = start + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        sent = time.perf_counter()
        writer.write(post(person, turn, began, stays))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        await reader.readexactly(length)
        result.slowest.append(time.perf_counter() - sent)
        result.statuses[int(head[9:12])] += 1
    writer.close()
    await writer.wait_closed()


async def _watch(folder: Path, pid: int, result: Storm) -> None:
    """Memory, and whether anybody goes back in time."""
    told: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    while True:
        result.memory[1] = max(result.memory[1], resident(pid))
        for person in people()[::50]:
            # A service that is busy may take longer than a command waits.
            with contextlib.suppress(UserError):
                rows = await asyncio.to_thread(places, folder, person)
            for row in rows:
                if row["told"] < told.get(person, ""):
                    result.backwards.append(person)
                told[person] = row["told"]
        await asyncio.sleep(0.2)


def places(folder: Path, person: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ask(folder / "lamplighter.yaml", f"/v1/people/{person}/places")
    return found


def resident(pid: int) -> int:
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def processor_time(pid: int) -> float:
    """Seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _until_it_listens(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while True:
            assert process.returncode is None, "the service did not start"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--still", action="store_true", help="nobody moves")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(storm(Path(folder), given.rate, given.seconds, still=given.still)))


if __name__ == "__main__":
    main()
