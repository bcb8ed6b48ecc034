"""Answers whose connection is gone, sent over a new one by what their Via says (RFC 3261 §18.2.2, RFC 3263 §5)."""

import logging
from collections.abc import Sequence

from agent.net.driver import Driver
from agent.server.next_hops import FlowFactory, Spawn
from agent.sip.errors import MessageError
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Response
from agent.sip.parsing import parse_datagram
from agent.sip.resolution import default_port, literal_address
from agent.sip.routing import Destination, Target
from agent.sip.values import Via

AT_A_TIME = 64
"Connections that are opened for it at once; each may hang for seconds."

log = logging.getLogger(__name__)


class StrandedAnswers:
    """Set ``driver.on_stranded`` to `take`. One attempt for each answer: what answers there may hang up again."""

    def __init__(self, driver: Driver, flows: FlowFactory, spawn: Spawn) -> None:
        self._driver = driver
        self._flows = flows
        self._spawn = spawn
        self._under_way: set[bytes] = set()

    def take(self, flow: Flow, data: bytes) -> None:
        # Nobody can connect to a browser.
        if flow.transport not in (Transport.TCP, Transport.TLS) or data in self._under_way:
            return
        try:
            answer = parse_datagram(data)
        except MessageError:
            return
        if not isinstance(answer, Response) or len(self._under_way) >= AT_A_TIME:
            return
        self._under_way.add(data)
        self._spawn(self._send(answer, flow, data), "stranded-answer")

    async def _send(self, answer: Response, flow: Flow, data: bytes) -> None:
        try:
            for destination in await self._destinations(answer, flow):
                try:
                    other = await self._flows.connect(destination)
                except OSError:
                    continue
                self._driver.resend(other, data)
                return
            log.info("an answer for %s could not be delivered: its connection is gone", flow)
        except OSError as error:
            log.info("an answer for %s could not be delivered: %s", flow, error)
        finally:
            self._under_way.discard(data)

    async def _destinations(self, answer: Response, flow: Flow) -> Sequence[Destination]:
        """First where the request came from, then what its sent-by means.

        The second way is for what was granted only: whoever may ask nothing of us must not have us call others.
        """
        first = [source_of(answer.via, flow)]
        if answer.status >= 300 or literal_address(answer.via.host) is not None:
            return first
        target = Target(answer.via.host, answer.via.port, flow.transport, flow.transport.secure)
        try:
            return [*first, *await self._flows.resolve(target)]
        except OSError:
            return first


def source_of(via: Via, flow: Flow) -> Destination:
    """The address that the request came from, at the port where its sender listens."""
    name = via.host if flow.transport.secure and literal_address(via.host) is None else ""
    return Destination(flow.transport, flow.remote[0], via.port or default_port(flow.transport), name)
