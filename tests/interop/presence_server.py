"""A presence server as its own process: ``python -m tests.interop.presence_server [database URL [certificate key]]``.

It prints one JSON line with the ports it has found free, and serves until its standard input ends.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.clock import SystemClock
from agent.net.resolver import Resolver
from agent.net.tls import Credentials
from agent.server.config import ServerConfig
from agent.server.server import PresenceServer
from agent.server.transports import Listen
from agent.sip.flows import Transport
from agent.store.store import Store
from agent.supervise import Supervisor


async def serve(url: str, certificate: Sequence[str]) -> None:
    clock = SystemClock()
    async with Supervisor() as supervisor:
        store = await Store.open(url, clock)
        config = ServerConfig(domains=frozenset({"example.org"}))
        server = PresenceServer(store, clock, config, Resolver(), supervisor.spawn)
        try:
            listeners = [Listen(kind, "127.0.0.1", 0) for kind in (Transport.UDP, Transport.TCP)]
            if certificate:
                shown = Credentials(*map(Path, certificate))
                listeners.append(Listen(Transport.TLS, "127.0.0.1", 0, credentials=shown))
            await server.start(listeners)
            ports = {kind.value: where[1] for kind, where in server.transports.addresses()}
            print(json.dumps(ports), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        finally:
            server.close()
            await store.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else "memory:", sys.argv[2:]))
