"""Credentials for NOTIFYs that the far side challenges (RFC 3261 §22.2): some PBXs and proxies ask everybody."""

from collections.abc import Callable, Mapping

from agent.presence.records import Subscription
from agent.sip.digest import Credentials, DigestClient, parse_challenge
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response
from agent.sip.routing import request_path

_CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


class Signature:
    """What one watcher's challenges are answered with, in this NOTIFY and the later ones."""

    def __init__(self, realm: str, client: DigestClient) -> None:
        self.realm = realm
        self._client = client
        self._answered: set[tuple[int, str]] = set()

    def learn(self, response: Response) -> bool:
        """Whether another attempt has a point: a new challenge, or an answered one whose nonce was too old."""
        learned = self._client.learn(response)
        fresh = [
            each for each in learned if each.stale or (response.status, each.realm) not in self._answered
        ]
        for each in learned:
            if each not in fresh:
                self._client.forget(response, each.realm)
            self._answered.add((response.status, each.realm))
        return bool(fresh)

    def accepted(self) -> None:
        """A NOTIFY got through: the same challenge may come again some time later."""
        self._answered.clear()

    def lines(self, row: Subscription, tail: bytes) -> bytes:
        """Header lines that go before ``tail``, which ends the NOTIFY."""
        uri = request_path(row.remote_target, row.route_set)[0]
        signed = self._client.authorize(Request("NOTIFY", uri, Headers(), tail.partition(b"\r\n\r\n")[2]))
        text = "".join(f"{name}: {value}\r\n" for name, value in signed.headers)
        return text.encode("utf-8", "surrogateescape")


class NotifyCredentials:
    """``by_realm``: a challenge for any other realm is not answered, so that nobody can fish for hashes."""

    def __init__(self, by_realm: Mapping[str, Credentials], token: Callable[[], str]) -> None:
        self._by_realm = by_realm
        self._token = token

    def challenged(self, signature: Signature | None, response: Response) -> Signature | None:
        """What to sign the next attempt with; None: there is nothing to answer with, or it was refused."""
        header = _CHALLENGES.get(response.status)
        if header is None or not self._by_realm:
            return None
        for value in response.headers.get_all(header):
            challenge = parse_challenge(value)
            if challenge is None or challenge.realm not in self._by_realm:
                continue
            if signature is None:
                signature = Signature(
                    challenge.realm, DigestClient(self._by_realm[challenge.realm], self._token)
                )
            if signature.realm == challenge.realm:
                asked = Response(response.status, headers=Headers([(header, value)]))
                return signature if signature.learn(asked) else None
        return None
