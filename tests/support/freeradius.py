"""FreeRADIUS on a free loopback port that hands accounting on by rlm_rest, and `radclient` as an access point."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port

CONFIGURATION = """
prefix = /usr
name = test
logdir = {folder}
raddbdir = {folder}
run_dir = {folder}
libdir = /usr/lib/freeradius
modules {{
  rest {{
    connect_uri = "{url}"
    accounting {{
      uri = "{url}{path}"
      method = 'post'
      body = 'json'
      auth = 'basic'
      username = 'radius'
      password = '{secret}'
    }}
    pool {{
      start = 0
      min = 0
      max = 4
      spare = 1
    }}
  }}
}}
server default {{
  listen {{
    type = acct
    ipaddr = 127.0.0.1
    port = {port}
  }}
  client localhost {{
    ipaddr = 127.0.0.1
    secret = testing123
  }}
  accounting {{
    rest
  }}
}}
"""


@dataclass
class FreeRadius:
    port: int

    async def account(self, **attributes: str) -> bool:
        """As an access point: whether the server has acknowledged it. ``User_Name`` stands for User-Name."""
        lines = "".join(f'{name.replace("_", "-")} = "{value}"\n' for name, value in attributes.items())
        process = await asyncio.create_subprocess_exec(
            "radclient", "-q", "-r", "1", "-t", "10", f"127.0.0.1:{self.port}", "acct", "testing123",
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        await process.communicate(lines.encode())
        return process.returncode == 0


@asynccontextmanager
async def freeradius(folder: Path, url: str, path: str, secret: str) -> AsyncIterator[FreeRadius]:
    """Running until the end of the block; posts to ``url`` + ``path`` as user ``radius``."""
    port = free_port()
    (folder / "radiusd.conf").write_text(
        CONFIGURATION.format(folder=folder, url=url, path=path, secret=secret, port=port)
    )
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    process = await asyncio.create_subprocess_exec(
        "/usr/sbin/freeradius", "-d", str(folder), "-n", "radiusd", "-f", "-l", "stdout",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(20):
            while b"Ready to process requests" not in said:
                line = await process.stdout.readline()
                said += line
                assert line, said.decode()
        yield FreeRadius(port)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
