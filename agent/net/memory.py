"""An in-process hop between two drivers: whole messages, reliable, in order.

The built-in publisher's way to the built-in server.
"""

import asyncio
from collections import deque

from agent.net.driver import Driver
from agent.sip.flows import Flow, Transport

SERVER = ("localhost", 5060)
CLIENT = ("localhost", 5061)


class _End:
    """One side: what it sends, the peer's driver receives in a later turn of the loop."""

    def __init__(self, driver: Driver, local: tuple[str, int], remote: tuple[str, int]) -> None:
        self.driver = driver
        self.flow = Flow(Transport.MEMORY, local, remote, driver.new_number())
        self.peer: _End | None = None
        self._inbox: deque[bytes] = deque()
        driver.add_connection(self.flow.connection, self)

    def send(self, flow: Flow, data: bytes) -> None:
        peer = self.peer
        if peer is None:
            asyncio.get_running_loop().call_soon(self.driver.send_failed, flow)
            return
        if not peer._inbox:
            asyncio.get_running_loop().call_soon(peer._deliver)
        peer._inbox.append(data)

    def _deliver(self) -> None:
        batch = [(data, self.flow) for data in self._inbox]
        self._inbox.clear()
        self.driver.datagrams(batch)

    def close(self) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            self.driver.connection_lost(self.flow)
            peer.close()


def join(client: Driver, server: Driver) -> Flow:
    """Connect two drivers; returns the client's flow to the server."""
    near, far = _End(client, CLIENT, SERVER), _End(server, SERVER, CLIENT)
    near.peer, far.peer = far, near
    return near.flow
