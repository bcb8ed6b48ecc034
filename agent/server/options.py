"""OPTIONS: what this server can do (RFC 3261 §11.2, RFC 3903 §7, RFC 6665 §4.4.4)."""

from agent.server import message
from agent.server.authenticate import Identity
from agent.server.config import ServerConfig
from agent.server.replies import Replies
from agent.sip.content_coding import CODINGS
from agent.sip.flows import Flow
from agent.sip.messages import Request, Response
from agent.sip.server_transactions import ServerTransaction


class OptionsHandler:
    def __init__(self, config: ServerConfig, replies: Replies) -> None:
        types = [media_type for package in config.packages.values() for media_type in package.publish_types]
        if config.agent_address is not None:
            types += message.TYPES
        self._replies = replies
        self._headers = [
            ("Allow", config.methods),
            ("Accept", ", ".join(dict.fromkeys(types))),
            ("Accept-Encoding", ", ".join(CODINGS)),
            ("Accept-Language", ", ".join(message.LANGUAGES)),
            ("Allow-Events", config.allow_events),
            ("Supported", "outbound" if config.registrar else ""),
        ]

    def __call__(
        self, request: Request, transaction: ServerTransaction, flow: Flow, identity: Identity | None
    ) -> Response | None:
        return self._replies.to(request, 200, headers=self._headers)
