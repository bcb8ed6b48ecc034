"""Sending a request with whatever credentials it takes, and to wherever it is redirected (RFC 3261 §22.2, §8.1.3.4)."""

from typing import Protocol

from agent.sip.digest import DigestClient, Exchange
from agent.sip.messages import Request, Response
from agent.sip.second_try import SecondTries


class Requester(Protocol):
    """`agent.net.user_agent.UserAgent`, as far as it is used for sending."""

    async def request(self, request: Request, *, next_hop: str | None = None) -> Response:
        """Raises RequestFailed when nobody answered, ValueError for a URI that is not SIP."""


async def request_authenticated(
    agent: Requester, request: Request, client: DigestClient | None, *, next_hop: str | None = None
) -> tuple[Request, Response]:
    """Send, answer challenges, follow redirections; returns the request as it was sent last, and the final response.

    Without ``client`` a 401 or 407 is returned like any other response. Raises what ``agent.request`` does.
    """
    tries = SecondTries(next_hop)
    while True:
        request, response = await _challenged(agent, request, client, next_hop)
        again = tries.after(request, response)
        if again is None:
            return request, response
        request, next_hop = again.request, again.next_hop


async def _challenged(
    agent: Requester, request: Request, client: DigestClient | None, next_hop: str | None
) -> tuple[Request, Response]:
    if client is None:
        return request, await agent.request(request, next_hop=next_hop)
    exchange = Exchange(client, request)
    while True:
        response = await agent.request(exchange.request, next_hop=next_hop)
        if response.status not in (401, 407) or not exchange.challenged(response):
            return exchange.request, response
