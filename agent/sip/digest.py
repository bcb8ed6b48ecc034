"""Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): the arithmetic, and the client that answers challenges.

The server's half, which makes challenges and checks answers, is `agent.sip.digest_server`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.sip.messages import Request, Response

STRONGEST_FIRST = ("SHA-512-256", "SHA-256", "MD5")
"Hash names as RFC 7616 §3.3 registers them; each also exists as `…-sess`."
_HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
_SESSION = "-SESS"
_CHALLENGE_HEADERS = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}
MAX_ATTEMPTS = 5
"A proxy, a server and a stale nonce at each: nobody needs more requests than that for one answer."


def hash_name(algorithm: str) -> str | None:
    """The hash that a token means, ``-sess`` taken off; None for one we don't know. Tokens ignore case."""
    name = algorithm.upper().removesuffix(_SESSION)
    return name if name in _HASHES else None


def hash_hex(name: str, data: str | bytes) -> str:
    """``name`` as `hash_name` gives it. Text is hashed as the bytes it had on the wire."""
    octets = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    return hashlib.new(_HASHES[name], octets, usedforsecurity=False).hexdigest()


def make_ha1(name: str, username: str, realm: str, password: str) -> str:
    """H(username:realm:password): what is stored instead of a password (RFC 7616 §3.4.2)."""
    return hash_hex(name, f"{username}:{realm}:{password}")


def make_ha1s(
    username: str, realm: str, password: str, names: Iterable[str] = STRONGEST_FIRST
) -> dict[str, str]:
    """One stored hash for each algorithm that may be offered."""
    return {name: make_ha1(name, username, realm, password) for name in names}


class Proof(NamedTuple):
    """What goes into a response besides the stored hash. ``algorithm`` is the token, ``-sess`` included."""

    algorithm: str
    method: str
    uri: str
    nonce: str
    qop: str | None
    "None: the form of RFC 2069."
    nc: str
    cnonce: str
    body: bytes


def digest_response(ha1: str, proof: Proof) -> str:
    """The ``response`` value (RFC 7616 §3.4.1; RFC 2069 §2.1.2 without qop). The algorithm must be known."""
    name = hash_name(proof.algorithm)
    assert name is not None
    if proof.algorithm.upper().endswith(_SESSION):
        ha1 = hash_hex(name, f"{ha1}:{proof.nonce}:{proof.cnonce}")
    subject = f"{proof.method}:{proof.uri}"
    if proof.qop == "auth-int":
        subject += f":{hash_hex(name, proof.body)}"
    ha2 = hash_hex(name, subject)
    if proof.qop is None:
        return hash_hex(name, f"{ha1}:{proof.nonce}:{ha2}")
    return hash_hex(name, f"{ha1}:{proof.nonce}:{proof.nc}:{proof.cnonce}:{proof.qop}:{ha2}")


def parse_authentication(value: str) -> tuple[str, dict[str, str]]:
    """A challenge or credentials: (scheme in lower case, parameters with names in lower case, quotes taken off).

    Escapes inside quotes stay, because the hashes are made over the text as it was sent. Raises ValueError.
    """
    scheme, _, rest = value.strip().partition(" ")
    if not scheme or "=" in scheme or "," in scheme:
        raise ValueError("no authentication scheme")
    return scheme.lower(), dict(_parameters(rest))


def _parameters(text: str) -> Iterable[tuple[str, str]]:
    position = 0
    while position < len(text):
        name, equals, _ = text[position:].partition("=")
        if not equals:
            if name.strip(" ,"):
                raise ValueError("parameter without a value")
            return
        position += len(name) + 1
        while position < len(text) and text[position] == " ":
            position += 1
        if text[position : position + 1] == '"':
            end = position + 1
            while end < len(text) and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            if end >= len(text):
                raise ValueError("unclosed quote")
            found = text[position + 1 : end]
            comma = text.find(",", end)
        else:
            comma = text.find(",", position)
            found = text[position : comma if comma >= 0 else len(text)].strip()
        yield name.strip(" ,").lower(), found
        position = comma + 1 if comma >= 0 else len(text)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Challenge:
    """A Digest challenge that we can answer."""

    realm: str
    nonce: str
    algorithm: str | None
    "The token as offered; None: none was, which means MD5."
    qop: str | None
    "The one we chose; None: none was offered."
    opaque: str | None
    stale: bool

    @property
    def hash_name(self) -> str:
        return hash_name(self.algorithm or "MD5") or "MD5"


def parse_challenge(value: str, prefer_integrity: bool = False) -> Challenge | None:
    """None for every scheme, algorithm or quality of protection that we can't answer (RFC 8760 §2.4)."""
    try:
        scheme, parameters = parse_authentication(value)
    except ValueError:
        return None
    algorithm = parameters.get("algorithm")
    if scheme != "digest" or "nonce" not in parameters or hash_name(algorithm or "MD5") is None:
        return None
    offered = [token.strip().lower() for token in parameters.get("qop", "").split(",") if token.strip()]
    wanted = ("auth-int", "auth") if prefer_integrity else ("auth", "auth-int")
    qop = next((token for token in wanted if token in offered), None)
    if qop is None and (offered or (algorithm or "").upper().endswith(_SESSION)):
        return None
    return Challenge(
        realm=parameters.get("realm", ""),
        nonce=parameters["nonce"],
        algorithm=algorithm,
        qop=qop,
        opaque=parameters.get("opaque"),
        stale=parameters.get("stale", "").lower() == "true",
    )


@dataclass(frozen=True)
class Credentials:
    """A user's name with either the password, or hashes by algorithm made for one realm with `make_ha1s`."""

    username: str
    password: str | None = field(default=None, repr=False)
    ha1s: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    allow_md5: bool = True

    def ha1(self, name: str, realm: str) -> str | None:
        """None: nothing to answer this algorithm with."""
        if name == "MD5" and not self.allow_md5:
            return None
        if self.password is not None:
            return make_ha1(name, self.username, realm, self.password)
        return self.ha1s.get(name)


@dataclass(slots=True)
class _Remembered:
    """A challenge that was answered, and how often since."""

    challenge: Challenge
    header: str
    cnonce: str
    count: int = 0


class DigestClient:
    """Answers the challenges of one server, and uses its nonces again so that later requests need no second trip."""

    def __init__(
        self, credentials: Credentials, cnonce: Callable[[], str], prefer_integrity: bool = False
    ) -> None:
        """``cnonce()`` gives a fresh unguessable token."""
        self.credentials = credentials
        self._cnonce = cnonce
        self._prefer_integrity = prefer_integrity
        self._remembered: dict[tuple[str, str], _Remembered] = {}

    def authorize(self, request: Request) -> Request:
        """The request with an answer to every challenge known so far; itself when there is none."""
        if not self._remembered:
            return request
        headers = request.headers.copy()
        headers.items = [i for i in headers.items if i[0] not in ("Authorization", "Proxy-Authorization")]
        for remembered in self._remembered.values():
            headers.items.append((remembered.header, self._answer(remembered, request)))
        return Request(request.method, request.uri, headers, request.body)

    def learn(self, response: Response) -> list[Challenge]:
        """Take the challenges of a 401 or 407: for each realm the topmost that we can answer (RFC 8760 §2.4)."""
        source, header = _CHALLENGE_HEADERS[response.status]
        learned: dict[str, Challenge] = {}
        for value in response.headers.get_all(source):
            challenge = parse_challenge(value, self._prefer_integrity)
            if challenge is None or challenge.realm in learned:
                continue
            if self.credentials.ha1(challenge.hash_name, challenge.realm) is None:
                continue
            learned[challenge.realm] = challenge
            self._remembered[header, challenge.realm] = _Remembered(challenge, header, self._cnonce())
        return list(learned.values())

    def forget(self, response: Response, realm: str) -> None:
        """The answer was refused: don't send it again unasked."""
        self._remembered.pop((_CHALLENGE_HEADERS[response.status][1], realm), None)

    def _answer(self, remembered: _Remembered, request: Request) -> str:
        challenge = remembered.challenge
        remembered.count += 1
        proof = Proof(
            algorithm=challenge.algorithm or "MD5",
            method=request.method,
            uri=request.uri,
            nonce=challenge.nonce,
            qop=challenge.qop,
            nc=f"{remembered.count:08x}",
            # One for the life of the nonce: the session variants hash it into the key (RFC 7616 §3.4.2).
            cnonce=remembered.cnonce,
            body=request.body,
        )
        ha1 = self.credentials.ha1(challenge.hash_name, challenge.realm)
        assert ha1 is not None, "learn() takes only what can be answered"
        parts = [
            f"username={quoted(self.credentials.username)}",
            f'realm="{challenge.realm}"',
            f'nonce="{challenge.nonce}"',
            f'uri="{request.uri}"',
            f'response="{digest_response(ha1, proof)}"',
        ]
        if challenge.algorithm is not None:
            parts.append(f"algorithm={challenge.algorithm}")
        if challenge.opaque is not None:
            parts.append(f'opaque="{challenge.opaque}"')
        if challenge.qop is not None:
            parts += [f'cnonce="{proof.cnonce}"', f"qop={proof.qop}", f"nc={proof.nc}"]
        return "Digest " + ", ".join(parts)


class Exchange:
    """One request until its answer, with as many attempts as challenges demand (RFC 3261 §22.2, §8.1.3.5)."""

    def __init__(self, client: DigestClient, request: Request) -> None:
        self._client = client
        self._answered: set[tuple[int, str]] = set()
        self._attempts = 1
        self.request = client.authorize(request)
        "What to send now."

    def challenged(self, response: Response) -> bool:
        """After a 401 or 407: whether ``request`` is a new attempt. False: the answer is final.

        An answer made from the newest nonce that is refused without ``stale=true`` means wrong credentials.
        """
        learned = self._client.learn(response)
        for challenge in learned:
            key = (response.status, challenge.realm)
            if key in self._answered and not challenge.stale:
                self._client.forget(response, challenge.realm)
                return False
            self._answered.add(key)
        if not learned or self._attempts == MAX_ATTEMPTS:
            return False
        self._attempts += 1
        cseq = self.request.cseq
        self.request = self._client.authorize(self.request)
        self.request.headers.set("CSeq", f"{cseq.number + 1} {cseq.method}")
        return True
