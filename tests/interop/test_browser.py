"""SIP.js and JsSIP in a headless Chromium: a page subscribes over WebSocket (RFC 7118) and shows the lamp."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.browser import chromium, fetch_packages, web_server
from tests.interop.clients.client import PASSWORD
from tests.interop.conftest import House
from tests.interop.peer import Peer, State

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("web")
    fetch_packages(folder)
    with web_server(folder) as address:
        yield address


@pytest.mark.parametrize("digest", [False, True], ids=["open", "digest"])
@pytest.mark.parametrize("library", ["sipjs", "jssip"])
async def test_a_page_shows_the_lamp(
    house: House, web: str, tmp_path: Path, library: str, digest: bool
) -> None:
    service = house.service({} if digest else None)
    user, friend = house.user(), house.user()
    query = {
        "library": library,
        "server": f"ws://127.0.0.1:{service.ports['ws']}",
        "user": user,
        "password": PASSWORD if digest else "",
        "watched": friend,
    }
    peer = Peer(service.udp)
    try:
        async with chromium(tmp_path / "chromium") as page:
            for event, dark in (("presence", "offline"), ("dialog", "dark")):
                await page.open(web, query | {"event": event})
                state = "document.body.dataset.state"
                await page.until(state, dark)
                peer.publish(friend, State.BUSY, "In a meeting")
                await page.until(state, "busy")
                if event == "presence":
                    await page.until("document.getElementById('note').textContent", "In a meeting")
                (tmp_path / f"{event}.png").write_bytes(await page.screenshot())
                peer.publish(friend, State.OFFLINE)
                await page.until(state, dark)
    finally:
        peer.close()
