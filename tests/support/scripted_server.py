"""A SIP server over loopback UDP or TCP whose every answer is a function of the test."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent.clock import SystemClock
from agent.net.resolver import Resolver
from agent.net.user_agent import UserAgent
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request, Response, response_to

Answer = tuple[int, list[tuple[str, str]]]
"(status, headers)"


@dataclass(slots=True)
class ScriptedServer:
    agent: UserAgent
    requests: list[Request] = field(default_factory=list)

    @property
    def address(self) -> str:
        """``127.0.0.1:40123``, over UDP and TCP alike if both were asked for."""
        return self.uri(Transport.UDP).removeprefix("sip:ps@")

    def uri(self, transport: Transport) -> str:
        return self.agent.contact(transport, "ps").strip("<>")


@asynccontextmanager
async def scripted_server(answer: Callable[[Request], Answer]) -> AsyncIterator[ScriptedServer]:
    """``answer(request)`` says what to respond; the response has a To tag and a Contact besides."""
    async with UserAgent.open(SystemClock(), Resolver(), listen_tcp=True) as agent:
        server = ScriptedServer(agent)

        def respond(request: Request, flow: Flow) -> Response:
            server.requests.append(request)
            status, headers = answer(request)
            # In a redirection Contact is where to go instead.
            contact = [("Contact", agent.contact(flow.transport, "ps"))] if status // 100 != 3 else []
            return response_to(request.headers, status, to_tag="scripted", headers=[*contact, *headers])

        agent.on_request(respond)
        yield server
