"""Who sends a request, and to whom it goes."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.presence.records import IngressToken
from agent.web.ingress.credentials import Query, shown_tokens
from agent.web.ingress.destinations import Destination, Destinations
from agent.web.ingress.refusal import Refusal
from agent.web.ingress.tokens import IngressTokens, same
from connectors.ingress import BY_TOKEN

ROOT = "in"
NOTHING_HERE = Refusal(404, "there is nothing here")
"Said of unknown entries and of unknown tokens in the path alike."


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may come in, as far as its headers tell. A signature is still to be checked, if there has to be
    one."""

    destination: Destination
    rest: str
    "What is left of the path."
    token: IngressToken | None
    "None: opened by the entry's own secret, by its signature, or by nothing (`Reception.checks_itself`)."

    @property
    def person(self) -> str | None:
        return self.token.person if self.token is not None else None

    @property
    def sender(self) -> str:
        """Whom limits are counted for: each token has its own."""
        return self.token.id if self.token is not None else self.destination.source


class Admission:
    def __init__(self, destinations: Destinations, tokens: IngressTokens) -> None:
        self._destinations, self._tokens = destinations, tokens

    def admit(self, method: str, path: str, headers: Mapping[str, str], query: Query) -> Admitted:
        """``path`` decoded, header names in lower case. Raises Refusal: 401, 404, 405."""
        root, _, place = path.strip("/").partition("/")
        entry, _, rest = place.partition("/")
        if root != ROOT or not entry:
            raise NOTHING_HERE
        if entry == BY_TOKEN:
            shown, _, rest = rest.partition("/")
            token = self._tokens.find(shown)
            if token is None:
                raise NOTHING_HERE
            return self._by_token(method, token, rest)
        if entry not in self._destinations.entries():
            raise NOTHING_HERE
        rows = [
            row for shown in shown_tokens(headers, query) if (row := self._tokens.find(shown)) is not None
        ]
        token = next((row for row in rows if row.entry == entry), None)
        if token is not None:
            return self._by_token(method, token, rest)
        found = self._destinations.find(entry, rest, None)
        if found is None:
            # Perhaps there are only links of persons; without a token it is not said whose.
            raise _unauthorized(entry)
        admitted = Admitted(found[0], found[1], None)
        _check_method(admitted, method)
        if not self._is_open(admitted.destination, headers, query):
            raise _unauthorized(entry)
        return admitted

    def _by_token(self, method: str, token: IngressToken, rest: str) -> Admitted:
        found = self._destinations.find(token.entry, rest, token.person)
        if found is None:
            raise NOTHING_HERE
        admitted = Admitted(found[0], found[1], token)
        _check_method(admitted, method)
        return admitted

    def _is_open(self, destination: Destination, headers: Mapping[str, str], query: Query) -> bool:
        reception, secret = destination.reception, destination.secret
        if reception.checks_itself:
            return True
        if secret is None:
            return False
        if reception.signature is not None:
            return True  # looked at when the body is there
        # All are compared, so that the time taken tells nothing.
        fits = [same(shown, secret) for shown in shown_tokens(headers, query)]
        return reception.secret_opens and any(fits)


def _check_method(admitted: Admitted, method: str) -> None:
    methods = admitted.destination.reception.methods
    if method not in methods:
        allowed = ", ".join(methods)
        raise Refusal(405, f"this takes {allowed}", {"Allow": allowed}, admitted.destination.source)


def _unauthorized(entry: str) -> Refusal:
    words = "a token is needed: as bearer, as password of Basic, or in the address"
    return Refusal(401, words, {"WWW-Authenticate": 'Basic realm="lamplighter", charset="UTF-8"'}, entry)
