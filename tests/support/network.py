"""A simulated network with virtual time: datagrams that get lost, doubled or overtaken, and connections that break.

Nothing sleeps and nothing runs by itself: `step` jumps to the next arrival or timer, and every way of driving is
bounded, so that two parties that answer each other for ever fail a test instead of hanging it.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Protocol

from agent.sip.endpoint import Endpoint, Event, RequestReceived
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request, response_to


class Party(Protocol):
    """Whatever takes part: an Endpoint in `EndpointParty`, a whole server, or a script's actor.

    It may also have ``flow_closed(flow, now)``.
    """

    outbox: list[tuple[Flow, bytes]]
    "What is to be sent; the network takes it out."

    def receive(self, data: bytes, flow: Flow, now: float) -> None: ...

    def next_deadline(self) -> float | None: ...

    def handle_timeout(self, now: float) -> None: ...


class Livelock(AssertionError):
    """The parties did not come to rest within the number of steps allowed."""


@dataclass(slots=True)
class Sent:
    """One thing that was put on the wire, for looking at afterwards."""

    at: float
    sender: str
    receiver: str
    transport: Transport
    data: bytes
    lost: bool

    @property
    def start(self) -> str:
        """The start line."""
        return self.data.partition(b"\r\n")[0].decode("utf-8", "replace")


@dataclass(slots=True)
class Node:
    name: str
    party: Party
    address: tuple[str, int]
    public: tuple[str, int]
    "The address that others see: differs behind a NAT."


@dataclass(slots=True)
class Network:
    """``loss``, ``duplication``, ``reordering``: probabilities for each datagram; streams keep order and arrive."""

    seed: int = 0
    latency: float = 0.01
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    segment: int = 0
    "Streams are cut into segments of at most so many bytes; 0: not cut."
    now: float = 1000.0
    log: list[Sent] = field(default_factory=list)
    drop: Callable[[Sent], bool] = field(default=lambda sent: False)
    "Drops the datagrams that it says; for losses that a test wants exactly."

    _nodes: dict[str, Node] = field(default_factory=dict)
    _arrivals: list[tuple[float, int, Node, bytes, Flow]] = field(default_factory=list)
    _connections: dict[int, tuple[Node, Flow]] = field(default_factory=dict)
    "Number of one end -> (node, flow) of the other."
    _order: Iterator[int] = field(default_factory=count)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    # -- who is there --------------------------------------------------------------------------------------------

    def add(
        self, name: str, party: Party, host: str, port: int = 5060, public: tuple[str, int] | None = None
    ) -> Node:
        node = self._nodes[name] = Node(name, party, (host, port), public or (host, port))
        return node

    def flow(self, sender: Node, receiver: Node, transport: Transport = Transport.UDP) -> Flow:
        """``sender``'s flow to ``receiver``; for anything but UDP that opens a connection."""
        if transport is Transport.UDP:
            return Flow(transport, sender.address, receiver.public)
        near, far = next(self._numbers), next(self._numbers)
        outward = Flow(transport, sender.address, receiver.public, near)
        self._connections[near] = (receiver, Flow(transport, receiver.address, sender.public, far))
        self._connections[far] = (sender, outward)
        return outward

    def cut(self, flow: Flow) -> None:
        """Break a connection; both ends hear it at once, what was under way is gone."""
        receiver, far = self._connections.pop(flow.connection)
        sender, near = self._connections.pop(far.connection)
        self._arrivals = [
            a for a in self._arrivals if a[4].connection not in (near.connection, far.connection)
        ]
        heapq.heapify(self._arrivals)
        for node, end in ((receiver, far), (sender, near)):
            closed = getattr(node.party, "flow_closed", None)
            if closed is not None:
                closed(end, self.now)
        self.collect()

    # -- bytes ---------------------------------------------------------------------------------------------------

    def inject(self, sender: Node, flow: Flow, data: bytes) -> None:
        """Put bytes on the wire as if ``sender`` had sent them."""
        self._send(sender, flow, data)

    def collect(self) -> None:
        """Take what the parties want to send."""
        for node in self._nodes.values():
            while node.party.outbox:
                flow, data = node.party.outbox.pop(0)
                self._send(node, flow, data)

    def _send(self, sender: Node, flow: Flow, data: bytes) -> None:
        if flow.transport is Transport.UDP:
            receiver = next((n for n in self._nodes.values() if n.public == flow.remote), None)
            sent = Sent(
                self.now, sender.name, receiver.name if receiver else "nobody", flow.transport, data, False
            )
            self.log.append(sent)
            sent.lost = receiver is None or self._random.random() < self.loss or self.drop(sent)
            if receiver is not None and not sent.lost:
                inward = Flow(flow.transport, receiver.address, sender.public)
                self._arrive(receiver, data, inward, self._random.random() < self.reordering)
                if self._random.random() < self.duplication:
                    self._arrive(receiver, data, inward, True)
            return
        other = self._connections.get(flow.connection)
        name = other[0].name if other else "nobody"
        self.log.append(Sent(self.now, sender.name, name, flow.transport, data, other is None))
        if other is not None:
            size = self.segment or len(data)
            for start in range(0, len(data), size):
                self._arrive(other[0], data[start : start + size], other[1], False)

    def _arrive(self, receiver: Node, data: bytes, flow: Flow, late: bool) -> None:
        delay = self.latency * (1 + 9 * self._random.random()) if late else self.latency
        heapq.heappush(self._arrivals, (self.now + delay, next(self._order), receiver, data, flow))

    # -- time ----------------------------------------------------------------------------------------------------

    def next_event(self) -> float | None:
        """When something happens next."""
        times = [self._arrivals[0][0]] if self._arrivals else []
        for node in self._nodes.values():
            deadline = node.party.next_deadline()
            if deadline is not None:
                times.append(deadline)
        return min(times) if times else None

    def step(self) -> bool:
        """Jump to the next arrival or timer and let it happen. False: nothing will ever happen again."""
        self.collect()
        at = self.next_event()
        if at is None:
            return False
        self.now = max(self.now, at)
        if self._arrivals and self._arrivals[0][0] <= self.now:
            _, _, node, data, flow = heapq.heappop(self._arrivals)
            node.party.receive(data, flow, self.now)
        else:
            for node in self._nodes.values():
                deadline = node.party.next_deadline()
                if deadline is not None and deadline <= self.now:
                    node.party.handle_timeout(self.now)
        self.collect()
        return True

    def drive(self, limit: int = 1000) -> None:
        """Until nothing is left to happen. Raises Livelock after ``limit`` steps."""
        for _ in range(limit):
            if not self.step():
                return
        raise Livelock(f"still busy after {limit} steps at {self.now:.3f}")

    def drive_for(self, seconds: float, limit: int = 10_000) -> None:
        """So much virtual time. Raises Livelock."""
        end = self.now + seconds
        self.collect()
        for _ in range(limit):
            at = self.next_event()
            if at is None or at > end:
                self.now = end
                return
            self.step()
        raise Livelock(f"{limit} steps and only at {self.now:.3f} of {end:.3f}")

    def sent_by(self, name: str) -> list[Sent]:
        return [sent for sent in self.log if sent.sender == name]


class EndpointParty:
    """An Endpoint as a party: answers each request through ``answer``, keeps every event with its time."""

    def __init__(self, name: str, answer: Callable[[Request], int | None] | None = None) -> None:
        """``answer(request)`` gives the status to respond with; None leaves the request unanswered."""
        self.endpoint = Endpoint(lambda: name, name.encode())
        self.outbox: list[tuple[Flow, bytes]] = []
        self.events: list[tuple[float, Event]] = []
        self._answer = answer

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        if flow.transport.framed_by_us:
            self.endpoint.receive_stream(data, flow, now)
        else:
            self.endpoint.receive_datagram(data, flow, now)
        self._drain(now)

    def next_deadline(self) -> float | None:
        return self.endpoint.next_deadline()

    def handle_timeout(self, now: float) -> None:
        self.endpoint.handle_timeout(now)
        self._drain(now)

    def flow_closed(self, flow: Flow, now: float) -> None:
        self.endpoint.flow_closed(flow, now)
        self._drain(now)

    def request(self, request: Request, flow: Flow, now: float, owner: object = None) -> None:
        self.endpoint.request(request, flow, owner, now)
        self._drain(now)

    def _drain(self, now: float) -> None:
        events = self.endpoint.events
        while events:
            event = events.popleft()
            self.events.append((now, event))
            if isinstance(event, RequestReceived) and self._answer is not None:
                status = self._answer(event.request)
                if status is not None:
                    tag = self.endpoint.tag_for(event.request)
                    response = response_to(event.request.headers, status, to_tag=tag)
                    self.endpoint.respond(event.transaction, response, now)
        self.outbox.extend(self.endpoint.take_outbox())

    def seen(self, kind: type) -> list[Event]:
        """The events of one kind, in order."""
        return [event for _, event in self.events if isinstance(event, kind)]
