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
        """``tag``: the To tag, where the caller has chosen one."""
        extra = [*headers, self._server] if headers else [self._server]
        if tag is None:
            # Of a challenge nothing is kept: its copy has to carry the same tag (RFC 3261 §8.2.7).
            endpoint = self._endpoint
            tag = endpoint.tag_for(request) if status in (401, 407) else endpoint.new_tag()
        return response_to(request.headers, status, reason, to_tag=tag, headers=extra, body=body)

    def bad_event(self, request: Request) -> Response:
        """489 names the packages that we do have (RFC 6665 §8.3.2)."""
        return self.to(request, 489, headers=[("Allow-Events", self._config.allow_events)])
