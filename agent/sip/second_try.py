"""What a client sends after a refusal that tells it how to ask better (RFC 3261 §8.1.3.4, §8.1.3.5). Pure.

Redirections are followed with a limit and never twice to one place; 416 and 420 are answered once. The answers to
413 and 415 lie with whoever made the body: waiting, or nothing that could be done.
"""

from dataclasses import dataclass, field

from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.values import parse_name_addr, split_uri

MOST_PLACES = 5
"Redirections and their targets that one request may lead to."
_FOLLOWED = frozenset({300, 301, 302})


@dataclass(slots=True)
class Attempt:
    """Send this next."""

    request: Request
    next_hop: str | None
    "None: where its Route or Request-URI leads."


@dataclass(slots=True)
class SecondTries:
    """One request's way through refusals; make a new one for every request."""

    next_hop: str | None
    "Where it was to be sent at first."
    _seen: set[str] = field(default_factory=set)
    _waiting: list[str] = field(default_factory=list)
    _corrected: set[int] = field(default_factory=set)

    def after(self, request: Request, response: Response) -> Attempt | None:
        """What to send after a final response to ``request``; None: the response is what its sender gets."""
        if not self._seen:
            self._seen.add(_key(request.uri))
        status = response.status
        if status == 305 and request.to.tag is None:
            return self._by_proxy(request, response)
        if status in _FOLLOWED and request.to.tag is None:
            # Within a dialog the peer has told its target itself, and a redirection would leave the dialog.
            self._waiting[:0] = _targets(response, request.uri.startswith("sips:"))
            return self._next(request)
        if status >= 300 and status < 600 and self._waiting and status not in (401, 407):
            return self._next(request)  # the next of several places (§8.1.3.4)
        if status in (416, 420) and status not in self._corrected:
            self._corrected.add(status)
            changed = _without(request, response) if status == 420 else _as_sip(request)
            return Attempt(_raised(changed), self.next_hop) if changed is not None else None
        return None

    def _next(self, request: Request) -> Attempt | None:
        while self._waiting and len(self._seen) <= MOST_PLACES:
            uri = self._waiting.pop(0)
            if _key(uri) not in self._seen:
                self._seen.add(_key(uri))
                moved = Request(request.method, uri, request.headers.copy(), request.body)
                # A fixed next hop was meant for the first place; a Route header still says the way.
                self.next_hop = None
                return Attempt(_raised(moved), None)
        return None

    def _by_proxy(self, request: Request, response: Response) -> Attempt | None:
        proxies = _targets(response, request.uri.startswith("sips:"))
        if not proxies or 305 in self._corrected:
            return None
        self._corrected.add(305)
        self.next_hop = proxies[0]
        return Attempt(_raised(request), self.next_hop)


def _targets(response: Response, secure: bool) -> list[str]:
    """SIP URIs of Contact, the best ``q`` first, without header parts; of ``sips`` only, if it was asked for so."""
    found: list[tuple[float, str]] = []
    for value in response.headers.values("Contact"):
        try:
            contact = parse_name_addr(value)
            scheme = split_uri(contact.uri)[0]
        except ValueError:
            continue
        if scheme == "sips" or (scheme == "sip" and not secure):
            found.append((-_quality(contact.params.get("q")), contact.uri.partition("?")[0]))
    return [uri for _, uri in sorted(found, key=lambda each: each[0])]


def _quality(text: str | None) -> float:
    try:
        return min(max(float(text), 0.0), 1.0) if text is not None else 1.0
    except ValueError:
        return 1.0


def _key(uri: str) -> str:
    """Spellings of one place that differ by case of the scheme and host only."""
    scheme, user, address = split_uri(uri)
    return f"{scheme}:{user}@{address.lower()}"


def _without(request: Request, response: Response) -> Request | None:
    """Without the extensions that the server names as unsupported; None: we had required none of them."""
    unsupported = {tag.lower() for tag in response.headers.values("Unsupported")}
    headers = Headers()
    changed = False
    for name, value in request.headers.items:
        if name in ("Require", "Proxy-Require"):
            tags = [tag.strip() for tag in value.split(",")]
            kept = [tag for tag in tags if tag.lower() not in unsupported]
            changed = changed or kept != tags
            if not kept:
                continue
            value = ", ".join(kept)
        headers.items.append((name, value))
    return Request(request.method, request.uri, headers, request.body) if changed else None


def _as_sip(request: Request) -> Request | None:
    """A presence URI (RFC 3859) as a SIP URI. What was asked for as ``sips`` is never asked for in the open."""
    scheme, _, rest = request.uri.partition(":")
    if scheme.lower() not in ("pres", "im") or "@" not in rest:
        return None
    return Request(request.method, f"sip:{rest}", request.headers.copy(), request.body)


def _raised(request: Request) -> Request:
    """A copy with the next CSeq: a new transaction of the same call."""
    headers = request.headers.copy()
    cseq = request.cseq
    headers.set("CSeq", f"{cseq.number + 1} {cseq.method}")
    return Request(request.method, request.uri, headers, request.body)
