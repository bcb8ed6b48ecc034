"""A SIP server over loopback UDP and TCP that takes subscriptions and notifies what the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent.clock import Clock
from agent.net.resolver import Resolver
from agent.net.user_agent import UserAgent
from agent.sip.dialogs import Dialog
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request, Response, response_to

ACTIVE = "active;expires=600"
Verdict = Callable[[Request], tuple[int, list[tuple[str, str]]]]


def accept(request: Request) -> tuple[int, list[tuple[str, str]]]:
    return 200, [("Expires", request.headers.get("Expires") or "600")]


@dataclass(slots=True)
class Notifier:
    """``verdict``: what a SUBSCRIBE is answered. ``subscribes``: those that came, in order."""

    agent: UserAgent
    verdict: Verdict = accept
    subscribes: list[Request] = field(default_factory=list)
    _dialogs: dict[str, Dialog] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def uri(self, user: str, transport: Transport = Transport.UDP) -> str:
        return self.agent.contact(transport, user).strip("<>")

    async def subscribed(self, count: int) -> Request:
        """The SUBSCRIBE of that number, from 1."""
        while len(self.subscribes) < count:
            self._changed.clear()
            await self._changed.wait()
        return self.subscribes[count - 1]

    async def notify(
        self, subscribe: Request, body: str = "", content_type: str = "text/plain", state: str = ACTIVE
    ) -> int:
        """Tell a subscriber; returns the status that it answers."""
        dialog = self._dialogs[subscribe.call_id]
        headers = [("Event", subscribe.headers.get("Event") or ""), ("Subscription-State", state)]
        headers.append(("Contact", self.agent.contact(Transport.UDP, "notifier")))
        if body:
            headers.append(("Content-Type", content_type))
        self._dialogs[subscribe.call_id], request = dialog.request("NOTIFY", headers, body.encode())
        return (await self.agent.request(request)).status

    def respond(self, request: Request, flow: Flow) -> Response | None:
        if request.method != "SUBSCRIBE":
            return None
        status, headers = self.verdict(request)
        contact = ("Contact", self.agent.contact(flow.transport, "notifier"))
        response = response_to(
            request.headers, status, to_tag=f"tag-{request.call_id}", headers=[contact, *headers]
        )
        if 200 <= status < 300 and request.call_id not in self._dialogs:
            self._dialogs[request.call_id] = Dialog.as_uas(request, f"tag-{request.call_id}")
        self.subscribes.append(request)
        self._changed.set()
        return response


@asynccontextmanager
async def notifier(clock: Clock) -> AsyncIterator[Notifier]:
    async with UserAgent.open(clock, Resolver(), listen_tcp=True) as agent:
        made = Notifier(agent)
        agent.on_request(made.respond)
        yield made
