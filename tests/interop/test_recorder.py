"""A live session becomes a script, and the script holds against a server that makes up other tags.

With ``LAMPLIGHTER_RECORD=FOLDER`` in the environment the script is also written there.
"""

import asyncio
import os
from pathlib import Path

import pytest

from agent.net.transcript import Entry, Transcript
from agent.sip.flows import Transport
from tests.interop.clients.baresip import Baresip
from tests.interop.clients.client import Setup, Way
from tests.interop.peer import Peer, State
from tests.support.certificates import Authority
from tests.support.record import to_script
from tests.support.running_server import running_server
from tests.support.script import read_script
from tests.support.server_party import replay

pytestmark = pytest.mark.interop


def session(home: Path, way: Way) -> None:
    """baresip registers, watches, publishes and leaves; the peer publishes whom it watches."""
    client, peer = Baresip(Setup(home, "bob", way, ("alice",))), Peer((way.host, way.port))
    try:
        client.start()
        client.registered()
        for state in State:
            peer.publish("alice", state)
            client.sees("alice", state)
        watch = peer.watch("bob")
        for state in client.publishes:
            client.publish(state)
            peer.until(watch, state)
    finally:
        client.stop()
        peer.close()


async def recorded(folder: Path) -> str:
    """The script of a session at a server on this machine."""
    entries: list[Entry] = []
    authority = Authority(folder / "authority")
    async with running_server(transcript=Transcript(listener=entries.append)) as server:
        host, _, port = server.address(Transport.UDP).rpartition(":")
        await asyncio.to_thread(session, folder, Way("udp", host, int(port), authority.path))
    return to_script(entries)


def test_a_session_of_baresip_can_be_replayed(tmp_path: Path) -> None:
    script = asyncio.run(recorded(tmp_path))
    if folder := os.environ.get("LAMPLIGHTER_RECORD"):
        (Path(folder) / "baresip.sip").write_text(script)
    assert "Bob sends: REGISTER" in script and "Bob sends: SUBSCRIBE sip:alice@example.org" in script
    replay(read_script(script, "baresip.sip"))
