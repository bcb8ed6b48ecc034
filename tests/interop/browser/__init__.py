"""A headless Chromium that shows one page, and a web server for that page and the packages that it imports."""

import asyncio
import base64
import functools
import itertools
import os
import shutil
import tarfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from tests.interop.program import PATIENCE, Program
from tests.interop.programs import run

PAGE = Path(__file__).parent / "page.html"
PACKAGES = {
    "sip.js": "0.21.2",
    "jssip": "3.13.8",
    "debug": "4.4.3",
    "ms": "2.1.3",
    "events": "3.3.0",
    "sdp-transform": "2.15.0",
}
"The two libraries, and what JsSIP requires."


def fetch_packages(folder: Path) -> None:
    """Each as ``folder/<name>``, from the npm registry."""
    assert shutil.which("npm"), "npm is not installed; deploy/install-test-packages brings it"
    for name, version in PACKAGES.items():
        code, said = run("npm", "pack", "--silent", f"{name}@{version}", cwd=folder)
        assert code == 0, said
        archive = folder / f"{name}-{version}.tgz"
        # Python 3.11.4 is the first to have filters; Debian 12 has 3.11.2.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        with tarfile.open(archive) as packed:
            packed.extractall(folder / f".{name}", **safely)  # type: ignore[arg-type]
        (folder / f".{name}" / "package").rename(folder / name)


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Its address, ``http://127.0.0.1:PORT``."""
    shutil.copy(PAGE, folder)
    handler = functools.partial(_Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Page:
    """One page in the browser, spoken to over its debugging protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.log: list[str] = []

    async def call(self, method: str, **parameters: object) -> dict[str, object]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            said = await self._socket.receive_json(timeout=PATIENCE)
            if said.get("id") == number:
                return said.get("result", {})
            if said.get("method") == "Runtime.consoleAPICalled":
                self.log += [str(each.get("value", "")) for each in said["params"]["args"]]
            if said.get("method") == "Runtime.exceptionThrown":
                self.log.append(
                    str(said["params"]["exceptionDetails"].get("exception", {}).get("description"))
                )

    async def open(self, address: str, query: Mapping[str, str]) -> None:
        """``address``: of the `web_server`."""
        await self.call("Page.navigate", url=f"{address}/page.html?{urlencode(query)}")

    async def until(self, expression: str, value: str) -> None:
        """Until the page's JavaScript gives this. An AssertionError shows the page's log."""
        end = time.monotonic() + PATIENCE
        while True:
            result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
            shown = result["result"].get("value")  # type: ignore[attr-defined]
            if shown == value:
                return
            assert time.monotonic() < end, f"{expression} is {shown!r}, not {value!r}\n" + "\n".join(self.log)
            await asyncio.sleep(0.02)

    async def screenshot(self) -> bytes:
        """PNG."""
        clip = {"x": 0, "y": 0, "width": 640, "height": 120, "scale": 1}
        data = (await self.call("Page.captureScreenshot", clip=clip))["data"]
        return base64.b64decode(str(data))


@asynccontextmanager
async def chromium(home: Path) -> AsyncIterator[Page]:
    """Started for this block; what it keeps is in ``home``."""
    flags = (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--remote-debugging-port=0", "--remote-allow-origins=*",
        f"--user-data-dir={home}", "--window-size=640,240",
    )  # fmt: skip
    browser = Program(["chromium", *flags, "about:blank"], env={"HOME": str(home)})
    try:
        port = browser.wait_for(r"DevTools listening on ws://127\.0\.0\.1:(\d+)", within=60)[1]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (target,) = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                shown = Page(socket)
                await shown.call("Runtime.enable")
                yield shown
    finally:
        os.killpg(browser.process.pid, 15)
        browser.stop()
