"""Building answers: what every response of this server has in common."""

from typing import Final

from agent.server.config import ServerConfig
from agent.sip.endpoint import Endpoint
from agent.sip.messages import Request, Response, response_to

KNOWN: Final = frozenset(
    "INVITE ACK BYE CANCEL REGISTER OPTIONS PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE".split()  # noqa: SIM905
)
"Methods that exist; a method that is not among them is 501, one that is but is not ours 405."


class Replies:
    """Makes responses with our Server header and the To tag that belongs to the request."""

    def __init__(self, config: ServerConfig, endpoint: Endpoint) -> None:
        self._config = config
        self._endpoint = endpoint
        self._server = ("Server", config.server_name)

    def to(
        self,
        request: Request,
        status: int,
        reason: str | None = None,
        headers: list[tuple[str, str]] | None = None,
        body: bytes = b"",
        tag: str | None = None,
    ) -> Response:
        """``tag``: what `Endpoint.tag_for` says of the request, where the caller has asked it already."""
        extra = [*headers, self._server] if headers else [self._server]
        if tag is None:
            tag = self._endpoint.tag_for(request)
        return response_to(request.headers, status, reason, to_tag=tag, headers=extra, body=body)

    def bad_event(self, request: Request) -> Response:
        """489 names the packages that we do have (RFC 6665 §8.3.2)."""
        return self.to(request, 489, headers=[("Allow-Events", self._config.allow_events)])
