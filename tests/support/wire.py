"""A simulated UDP network between drivers and scripted parties, in the time of the event loop that runs.

Latency, loss, duplication and reordering come from one seed, so that a run can be had again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from agent.net.driver import Driver
from agent.sip.flows import Flow, Transport

Address = tuple[str, int]
SERVER: Address = ("192.0.2.1", 5060)


class Receiver(Protocol):
    """Who is bound to an address."""

    def arrived(self, data: bytes, source: Address) -> None: ...


@dataclass(slots=True)
class Carried:
    """One datagram as it was put on the wire."""

    at: float
    source: Address
    destination: Address
    data: bytes


class Wire:
    """``loss``, ``duplication``, ``reordering``: probabilities for each datagram."""

    def __init__(
        self,
        seed: int = 0,
        *,
        latency: float = 0.01,
        loss: float = 0.0,
        duplication: float = 0.0,
        reordering: float = 0.0,
    ) -> None:
        self.latency = latency
        self.loss = loss
        self.duplication = duplication
        self.reordering = reordering
        self.log: list[Carried] = []
        self.drop: Callable[[Carried], bool] = lambda carried: False
        "Says which datagrams get lost besides: for a test that wants exactly these."
        self._random = Random(seed)
        self._bound: dict[Address, Receiver] = {}
        self._loop = asyncio.get_running_loop()

    def bind(self, address: Address, receiver: Receiver) -> None:
        assert address not in self._bound
        self._bound[address] = receiver

    def unbind(self, address: Address) -> None:
        self._bound.pop(address, None)

    def carry(self, source: Address, destination: Address, data: bytes) -> None:
        carried = Carried(self._loop.time(), source, destination, data)
        self.log.append(carried)
        if self._random.random() < self.loss or self.drop(carried):
            return
        self._deliver_later(carried, self._random.random() < self.reordering)
        if self._random.random() < self.duplication:
            self._deliver_later(carried, True)

    def is_bound(self, address: Address) -> bool:
        return address in self._bound

    def _deliver_later(self, carried: Carried, late: bool) -> None:
        delay = self.latency * (1 + 9 * self._random.random()) if late else self.latency
        self._loop.call_later(delay, self._deliver, carried)

    def _deliver(self, carried: Carried) -> None:
        receiver = self._bound.get(carried.destination)
        if receiver is not None:
            receiver.arrived(carried.data, carried.source)


class WirePort:
    """A driver's datagram port on the wire. Satisfies `transports.DatagramPort` and `driver.Sender`.

    ``waiting``: how many datagrams the kernel is made to say that it holds."""

    waiting = 0

    def __init__(self, driver: Driver, wire: Wire, address: Address, *, icmp: bool = False) -> None:
        """``icmp``: hear at once that nobody is bound where a datagram goes (RFC 3261 §18.4)."""
        self.address = self.advertised = address
        self._driver = driver
        self._wire = wire
        self._icmp = icmp
        self._number = driver.new_number()
        driver.add_listener(self._number, self)
        wire.bind(address, self)

    def flow_to(self, remote: Address) -> Flow:
        return Flow(Transport.UDP, self.address, remote, 0, self._number)

    def send(self, flow: Flow, data: bytes) -> None:
        if self._icmp and not self._wire.is_bound(flow.remote):
            asyncio.get_running_loop().call_soon(self._driver.send_failed, flow)
        self._wire.carry(self.address, flow.remote, data)

    def arrived(self, data: bytes, source: Address) -> None:
        self._driver.datagrams([(self.flow_to(source), data)])

    def close(self) -> None:
        self._wire.unbind(self.address)
