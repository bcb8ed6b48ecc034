"""A lossy path for UDP between real sockets: what goes through it gets lost, doubled and overtaken, by one seed."""

import asyncio
import contextlib
import socket
from random import Random

Address = tuple[str, int]


class Relay:
    """One client's path to a server. The client sends to ``inside``; the server sees and answers ``outside``."""

    def __init__(
        self,
        server: Address,
        random: Random,
        *,
        loss: float = 0.1,
        duplication: float = 0.05,
        reordering: float = 0.2,
    ) -> None:
        self.loss = loss
        self.carried = self.lost = 0
        self._server = server
        self._random = random
        self._duplication = duplication
        self._reordering = reordering
        self._client: Address | None = None
        self._loop = asyncio.get_running_loop()
        self._inside, self._outside = _bound(), _bound()
        self._loop.add_reader(self._inside, self._from_client)
        self._loop.add_reader(self._outside, self._from_server)

    @property
    def inside(self) -> Address:
        name: Address = self._inside.getsockname()
        return name

    @property
    def outside(self) -> Address:
        name: Address = self._outside.getsockname()
        return name

    def close(self) -> None:
        for sock in (self._inside, self._outside):
            self._loop.remove_reader(sock)
            sock.close()

    def _from_client(self) -> None:
        data, self._client = self._inside.recvfrom(65_535)
        self._carry(data, self._outside, self._server)

    def _from_server(self) -> None:
        data, _ = self._outside.recvfrom(65_535)
        if self._client is not None:
            self._carry(data, self._inside, self._client)

    def _carry(self, data: bytes, sock: socket.socket, destination: Address) -> None:
        self.carried += 1
        if self._random.random() < self.loss:
            self.lost += 1
            return
        for _ in range(2 if self._random.random() < self._duplication else 1):
            late = self._random.random() < self._reordering
            self._loop.call_later(
                self._random.uniform(0.01, 0.1) if late else 0, _send, sock, data, destination
            )


def _send(sock: socket.socket, data: bytes, destination: Address) -> None:
    with contextlib.suppress(OSError):  # closed meanwhile, or nobody there
        sock.sendto(data, destination)


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock
