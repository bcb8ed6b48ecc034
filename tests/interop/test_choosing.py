"""Somebody writes to the service from their softphone what they want to be shown as, and takes it back."""

from pathlib import Path

import pytest

from agent.documents import pidf
from tests.interop.clients.baresip import Baresip
from tests.interop.clients.client import AGENT, PASSWORD, Client, Setup
from tests.interop.clients.linphone import Linphone
from tests.interop.peer import DOMAIN, Peer, State
from tests.interop.service import USERS, serving
from tests.support.certificates import Authority

ALICE = USERS[0]


def notes(document: pidf.Presence) -> list[str]:
    return [note.text for each in document.tuples for note in each.notes]


@pytest.mark.interop
@pytest.mark.parametrize("driver", [Linphone, Baresip], ids=["linphone", "baresip"])
def test_lunch_by_message_is_shown_and_taken_back(
    driver: type[Client], authority: Authority, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    people = {ALICE: {"sip": f"sip:{ALICE}@{DOMAIN}"}}
    with serving(tmp_path, authority, {}, people=people) as entrance:
        peer = Peer(entrance.udp)
        watch = peer.watch(ALICE)
        client = driver(Setup(home, ALICE, entrance.way("udp", PASSWORD), (), tmp_path))
        try:
            client.start()
            client.registered()
            client.send_message(AGENT, "lunch 45m")
            peer.until(watch, State.AVAILABLE, "At lunch")
            client.got_message("shown as lunch .At lunch. until")
            client.send_message(AGENT, "luntch")
            client.got_message("no state .luntch.")
            client.send_message(AGENT, "auto")
            client.got_message("shown as")
            # Its registration is all that is known now. What is told in between may still be lunch.
            while "At lunch" in notes(peer.until(watch, State.AVAILABLE)):
                pass
        finally:
            client.stop()
            peer.close()
