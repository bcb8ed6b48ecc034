"""Dialogs as a SUBSCRIBE makes them (RFC 3261 §12, RFC 6665 §4.4.1): identity, route set, targets and sequence numbers.

`Dialog` is what one side must remember. It is a value: every step gives a new one, so that a store can keep it.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.routing import request_path
from agent.sip.values import NameAddr, parse_name_addr


class Sequence(Enum):
    """What the CSeq of a request in the dialog says (RFC 3261 §12.2.2)."""

    NEXT = auto()
    OUT_OF_ORDER = auto()
    "Lower than one already seen: answer 500, touch nothing."


@dataclass(slots=True, init=False)
class Dialog:
    """``local_uri`` and ``remote_uri`` are whole From/To values without their tags (display names stay).

    Made like `agent.presence.records.Subscription`, for the same reason.
    """

    call_id: Final[str]
    local_tag: Final[str]
    remote_tag: Final[str]
    local_uri: Final[str]
    remote_uri: Final[str]
    remote_target: Final[str]
    route_set: Final[tuple[str, ...]]
    "Route header values in the order in which they are sent."
    local_cseq: Final[int]
    remote_cseq: Final[int]

    def __init__(
        self,
        call_id: str,
        local_tag: str,
        remote_tag: str,
        local_uri: str,
        remote_uri: str,
        remote_target: str,
        route_set: tuple[str, ...],
        local_cseq: int,
        remote_cseq: int,
    ) -> None:
        self.call_id = call_id
        self.local_tag = local_tag
        self.remote_tag = remote_tag
        self.local_uri = local_uri
        self.remote_uri = remote_uri
        self.remote_target = remote_target
        self.route_set = route_set
        self.local_cseq = local_cseq
        self.remote_cseq = remote_cseq

    @property
    def key(self) -> tuple[str, str, str]:
        """(Call-ID, local tag, remote tag): RFC 3261 §12."""
        return (self.call_id, self.local_tag, self.remote_tag)

    @classmethod
    def as_uas(cls, request: Request, local_tag: str, target: str | None = None) -> "Dialog":
        """The dialog that our 2xx to ``request`` makes (§12.1.1). ``target``: the URI of its one Contact, where the
        caller has read it already. Raises ValueError for an unusable Contact.
        """
        if target is None:
            contacts = request.headers.values("Contact")
            if len(contacts) != 1:
                raise ValueError("not exactly one Contact")
            target = parse_name_addr(contacts[0]).uri
        peer = request.from_
        # By its name and in the order of the fields: compiled code calls it directly then.
        return Dialog(
            request.call_id,
            local_tag,
            peer.tag or "",
            _written(request.to),
            _written(peer),
            target,
            tuple(request.headers.values("Record-Route")),
            0,
            request.cseq.number,
        )

    @classmethod
    def as_uac(cls, request: Request, answer: Response | Request) -> "Dialog":
        """The dialog that our ``request`` got: from its 2xx, or from a NOTIFY that came first (RFC 6665 §4.4.1)."""
        contacts = answer.headers.values("Contact")
        records = answer.headers.values("Record-Route")
        from_response = isinstance(answer, Response)
        peer = answer.to if isinstance(answer, Response) else answer.from_
        return Dialog(
            call_id=request.call_id,
            local_tag=request.from_.tag or "",
            remote_tag=peer.tag or "",
            local_uri=without_tag(request.headers.get("From") or ""),
            remote_uri=without_tag(request.headers.get("To") or ""),
            remote_target=parse_name_addr(contacts[0]).uri if contacts else request.uri,
            route_set=tuple(reversed(records)) if from_response else tuple(records),
            local_cseq=request.cseq.number,
            remote_cseq=0 if from_response else answer.cseq.number,
        )

    def take_request(self, request: Request) -> tuple["Dialog", Sequence]:
        """A request of the peer in this dialog: new remote CSeq, and its Contact becomes the target (§12.2.2).

        Its Record-Route changes nothing: the route set of a dialog never changes. Raises ValueError for an unusable
        Contact.
        """
        number = request.cseq.number
        if self.remote_cseq and number < self.remote_cseq:
            return self, Sequence.OUT_OF_ORDER
        contacts = request.headers.values("Contact")
        target = self.remote_target
        if len(contacts) == 1:
            target = parse_name_addr(contacts[0]).uri
        return replace(self, remote_cseq=number, remote_target=target), Sequence.NEXT

    def request(
        self, method: str, headers: list[tuple[str, str]], body: bytes = b""
    ) -> tuple["Dialog", Request]:
        """The next request of ours in the dialog, CSeq one higher."""
        following = replace(self, local_cseq=self.local_cseq + 1)
        uri, routes, _ = request_path(self.remote_target, self.route_set)
        built = Headers()
        built.items = [
            ("Max-Forwards", "70"),
            *(("Route", value) for value in routes),
            ("From", f"{self.local_uri};tag={self.local_tag}"),
            ("To", f"{self.remote_uri};tag={self.remote_tag}" if self.remote_tag else self.remote_uri),
            ("Call-ID", self.call_id),
            ("CSeq", f"{following.local_cseq} {method}"),
            *headers,
        ]
        return following, Request(method, uri, built, body)

    @property
    def next_hop(self) -> str:
        """URI that the next request travels to."""
        return request_path(self.remote_target, self.route_set)[2]


def without_tag(value: str) -> str:
    """A From or To value without ``;tag``, always in angle brackets so that parameters stay where they belong.

    COMPAT(pjsua, linphone): they write ``sip:bob@example.org;tag=1`` without brackets, where the tag is the header's.
    """
    return _written(parse_name_addr(value))


def _written(address: NameAddr) -> str:
    params = address.params
    if not address.display and (not params or (len(params) == 1 and "tag" in params)):
        return f"<{address.uri}>"
    display = (
        '"' + address.display.replace("\\", "\\\\").replace('"', '\\"') + '" ' if address.display else ""
    )
    rest = "".join(
        f";{name}" + (f"={_quoted(text)}" if text is not None else "")
        for name, text in params.items()
        if name != "tag"
    )
    return f"{display}<{address.uri}>{rest}"


def _quoted(text: str) -> str:
    plain = all(char.isalnum() or char in "-.!%*_+`'~[]:" for char in text)
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
