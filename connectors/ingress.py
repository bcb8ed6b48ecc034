"""HTTP requests that sources send, as hubs and connectors get them. Pure.

Who may send, how much and how often is settled before: by the ingress of the service (`agent.web`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

BY_TOKEN = "t"
"Requests with a token in the path go to ``/in/t/<token>``, others to ``/in/<entry>``: no entry may be called so."


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    method: str
    path: str
    "What follows the receiver's own address, without the first slash."
    query: tuple[tuple[str, str], ...]
    "In order, decoded; names may repeat. Credentials are taken out."
    headers: Mapping[str, str]
    "Names in lower case."
    body: bytes = field(repr=False)
    received_at: datetime
    "Aware UTC."
    person: str | None = None
    "Whom the token that was shown speaks for. None: the request itself has to say who is meant."
    user: str | None = None
    "The user name of Basic, as claimed: only the password was looked at."
    address: str = ""
    "Where it came from, for what identifies nobody."

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the source is answered."""

    status: int = 204
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    "Further ones, for handshakes."
