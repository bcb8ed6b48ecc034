"""One UDP socket. Reads many datagrams per wake-up and hears ICMP errors."""

import asyncio
import contextlib
import select
import socket
import sys
from collections import deque
from typing import Final

from agent.net.driver import Driver
from agent.net.local_address import is_wildcard, local_address_for
from agent.sip.flows import Flow, Transport

BATCH: Final = 128
"Datagrams read before they are worked on: enough to amortise a wake-up, few enough to answer within milliseconds."
RECEIVE_BUFFER: Final = 16 << 20
"Bytes asked for: at the full hour thousands of answers arrive at once, and a dropped one costs half a second."
SEND_QUEUE: Final = 100_000
"Datagrams kept while the kernel's buffer is full; beyond it the oldest is dropped, as a network would."
KERNEL_BYTES: Final = 2_304
"What the kernel counts for one datagram of the size of a SIP answer."
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55


class UdpListener:
    """A bound socket; ``advertised`` is what peers should see as our address, if it is another."""

    def __init__(
        self, driver: Driver, sock: socket.socket, advertised: tuple[str, int] | None = None
    ) -> None:
        self._driver = driver
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[bytes, tuple[str, int]]] = deque()
        self._flows: dict[tuple[str, int], Flow] = {}
        name = sock.getsockname()
        self.address: tuple[str, int] = (name[0], name[1])
        "Where it is bound."
        self.number = driver.new_number()
        self.advertised = advertised
        "None: that of the socket; a socket for every address is seen at the one that leads to the peer."
        self._local = (
            None if advertised is None and is_wildcard(self.address[0]) else advertised or self.address
        )
        driver.add_listener(self.number, self)
        # The loop watches a set that holds the socket, and never the socket itself.
        # COMPAT(uvloop 0.22): it stops watching for good what reports an error, as UDP does for each ICMP.
        self._set = select.epoll()
        self._set.register(sock, select.EPOLLIN)
        self._loop.add_reader(self._set, self._ready)

    @classmethod
    def open(
        cls, driver: Driver, host: str, port: int, advertised: tuple[str, int] | None = None
    ) -> "UdpListener":
        """Bind. Raises OSError. Port 0 takes a free one."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            _enlarge_buffers(sock)
            with contextlib.suppress(OSError):
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
                else:
                    sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        return cls(driver, sock, advertised)

    @property
    def waiting(self) -> int:
        """Datagrams, roughly, that the kernel holds for us."""
        try:
            figures = self._sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        except OSError:  # before Linux 4.12
            return 0
        return int.from_bytes(figures[:4], sys.byteorder) // KERNEL_BYTES

    def flow_to(self, remote: tuple[str, int]) -> Flow:
        """The flow to a peer (numeric address)."""
        flow = self._flows.get(remote)
        if flow is None:
            if len(self._flows) > 65_536:
                self._flows.clear()
            local = self._local or self._on_the_way_to(remote)
            flow = self._flows[remote] = Flow(Transport.UDP, local, remote, 0, self.number)
        return flow

    def _on_the_way_to(self, remote: tuple[str, int]) -> tuple[str, int]:
        host, port = self.address
        with contextlib.suppress(OSError):  # no route: then nothing will arrive either
            host = local_address_for(*remote)
        return host, port

    def send(self, flow: Flow, data: bytes) -> None:
        if self._waiting:
            self._enqueue(data, flow.remote)
            return
        try:
            self._sock.sendto(data, flow.remote)
        except (BlockingIOError, InterruptedError):
            self._enqueue(data, flow.remote)
            self._set.modify(self._sock, select.EPOLLIN | select.EPOLLOUT)
        except OSError:
            # The error may belong to an earlier datagram (ICMP): hear those first, then try once more.
            self._hear_errors()
            try:
                self._sock.sendto(data, flow.remote)
            except OSError:
                self._loop.call_soon(self._driver.send_failed, flow)

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._set)
            self._set.close()
            self._sock.close()

    def _enqueue(self, data: bytes, remote: tuple[str, int]) -> None:
        self._waiting.append((data, remote))
        if len(self._waiting) > SEND_QUEUE:
            self._waiting.popleft()

    def _ready(self) -> None:
        """There is something to read, an error to hear, or room to send."""
        if self._waiting:
            self._write()
        self._read()

    def _read(self) -> None:
        batch: list[tuple[Flow, bytes]] = []
        receive = self._sock.recvfrom
        flows = self._flows
        for _ in range(BATCH):
            try:
                data, source = receive(65_535)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._hear_errors()
                continue
            remote = (source[0], source[1])
            batch.append((flows.get(remote) or self.flow_to(remote), data))
        if batch:
            self._driver.datagrams(batch)

    def _write(self) -> None:
        while self._waiting:
            data, remote = self._waiting[0]
            try:
                self._sock.sendto(data, remote)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._hear_errors()
            self._waiting.popleft()
        self._set.modify(self._sock, select.EPOLLIN)

    def _hear_errors(self) -> None:
        """ICMP errors (RFC 3261 §18.4): the request to that address has failed now, not in 32 seconds."""
        while True:
            try:
                _, _, _, address = self._sock.recvmsg(1, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            if address:
                self._loop.call_soon(self._driver.send_failed, self.flow_to((address[0], address[1])))


def _enlarge_buffers(sock: socket.socket) -> None:
    for forced, plain in ((_SO_RCVBUFFORCE, socket.SO_RCVBUF), (32, socket.SO_SNDBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, RECEIVE_BUFFER)
        except OSError:  # without CAP_NET_ADMIN the kernel's own limit applies
            sock.setsockopt(socket.SOL_SOCKET, plain, RECEIVE_BUFFER)
