"""What the SIP core tells its user: requests, outcomes of requests, and what was of no use."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from agent.sip.client_transactions import ClientTransaction, TransactionUser
from agent.sip.errors import MessageError
from agent.sip.flows import Flow
from agent.sip.messages import Request, Response
from agent.sip.parsing import parse_datagram
from agent.sip.server_transactions import ServerTransaction


@dataclass(slots=True, init=False)
class RequestReceived:
    """A new request. Answer it with `Endpoint.respond`."""

    transaction: ServerTransaction
    request: Request
    flow: Flow

    def __init__(
        self,
        transaction: ServerTransaction,
        request: Request,
        flow: Flow,
    ) -> None:
        self.transaction = transaction
        self.request = request
        self.flow = flow


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a gate says to a request that is not to be taken on. ``status`` 0: nothing is said at all."""

    status: int
    headers: list[tuple[str, str]]


SILENCE: Final = Refusal(0, [])


class ResponseReceived:
    """The final response to a request of ours. ``response`` is parsed when first asked for."""

    __slots__ = ("_response", "data", "owner", "status", "transaction")

    def __init__(
        self,
        owner: TransactionUser,
        status: int,
        transaction: ClientTransaction,
        data: bytes,
        response: Response | None,
    ) -> None:
        self.owner = owner
        self.status = status
        self.transaction = transaction
        self.data = data
        self._response = response

    @property
    def response(self) -> Response:
        if self._response is None:
            try:
                parsed = parse_datagram(self.data)
            except MessageError as error:
                parsed = Response(self.status, headers=error.headers)
            assert isinstance(parsed, Response)
            self._response = parsed
        return self._response


class Failure(Enum):
    TIMEOUT = auto()
    "Timer F: nobody answered."
    TRANSPORT = auto()
    "The bytes could not be sent, or the connection is gone (RFC 3261 §18.4)."


@dataclass(slots=True)
class TransactionFailed:
    """A request of ours that will have no response."""

    owner: TransactionUser
    cause: Failure
    transaction: ClientTransaction


@dataclass(slots=True)
class Discarded:
    """Something was received that is no use; worth one log line. ``status`` is what was answered, or None."""

    flow: Flow
    reason: str
    status: int | None


@dataclass(slots=True)
class StreamBroken:
    """The framing of a stream is lost: flush what is to be sent, then close it."""

    flow: Flow


Event = RequestReceived | ResponseReceived | TransactionFailed | Discarded | StreamBroken
