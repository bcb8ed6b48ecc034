"""The watchers: real SIP user agents, each a process `lamplighter watch --json` on a UDP or TCP socket of its own."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.demo.organisation import DOMAIN, MEMBERS, Member
from agent.demo.processes import Child, start
from agent.demo.scenario import Seen


@dataclass(frozen=True, slots=True)
class Watcher:
    """One user agent and whom it follows."""

    name: str
    transport: str
    members: tuple[Member, ...]


WATCHERS = (
    Watcher("reception", "udp", MEMBERS),
    *(Watcher(f"desk-{member.key}", "tcp", (member,)) for member in MEMBERS),
)
"One who sees everybody, as at a reception, over UDP; and one lamp for each over TCP."

OnSeen = Callable[[str, str, Seen, float], object]
"(watcher, member, what it was shown, wall clock of the NOTIFY's arrival in seconds)"


async def start_watcher(watcher: Watcher, sip_port: int, folder: Path) -> Child:
    """A subscriber to the presence of its members at 127.0.0.1."""
    arguments = [
        "watch",
        *(member.uri for member in watcher.members),
        *("--server", f"127.0.0.1:{sip_port}", "--transport", watcher.transport),
        *("--from", f"sip:{watcher.name}@{DOMAIN}", "--json"),
    ]
    return await start(
        f"watcher {watcher.name}", "agent", arguments, folder / f"{watcher.name}.log", read=True
    )


async def follow(watcher: Watcher, child: Child, on_seen: OnSeen) -> None:
    """Read what the watcher prints until it ends."""
    stream = child.process.stdout
    assert stream is not None, "started with read=True"
    while line := await stream.readline():
        told = json.loads(line)
        if told["subscription"] == "terminated":
            continue  # the state once more, as a farewell
        member = next(each.key for each in watcher.members if each.uri == told["uri"])
        on_seen(watcher.name, member, seen_in(told), datetime.fromisoformat(told["received_at"]).timestamp())


def seen_in(told: dict[str, object]) -> Seen:
    """From one line of `lamplighter watch --json`."""
    activities, notes = told.get("activities") or (), told.get("notes") or ()
    assert isinstance(activities, Iterable) and isinstance(notes, Iterable)
    return Seen(str(told.get("state") or "unknown"), tuple(activities), " / ".join(notes) or None)


async def end_watchers(children: Iterable[Child]) -> None:
    """Each unsubscribes, all at the same time."""
    await asyncio.gather(*(child.end(signal.SIGINT, 4.0) for child in children))
