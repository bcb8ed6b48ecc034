"""Users who sign in with Digest, and their answers to challenges, as values that a test writes as it wants."""

from agent.server.server import Passwords
from agent.sip.digest import Proof, digest_response, make_ha1, parse_authentication
from agent.sip.messages import Response

REALM = "example.org"
USERS = {"alice": "wonderland", "bob": "builder"}


def lookup(username: str, algorithm: str) -> str | None:
    """The stored HA1 of MD5 and SHA-256."""
    if username not in USERS or algorithm not in ("MD5", "SHA-256"):
        return None
    return make_ha1(algorithm, username, REALM, USERS[username])


PASSWORDS = Passwords(REALM, lookup)


def nonce_of(challenge: Response, algorithm: str = "MD5") -> str:
    assert challenge.status == 401
    offered = (parse_authentication(value)[1] for value in challenge.headers.get_all("WWW-Authenticate"))
    return next(given["nonce"] for given in offered if given["algorithm"] == algorithm)


def answer(
    nonce: str,
    method: str,
    uri: str,
    username: str = "alice",
    *,
    algorithm: str = "MD5",
    qop: str | None = "auth",
    nc: int = 1,
    cnonce: str = "c0",
) -> dict[str, str]:
    """The parameters of an Authorization header. ``qop`` None: in the form of RFC 2069."""
    proof = Proof(algorithm, method, uri, nonce, qop, f"{nc:08x}", cnonce, b"")
    response = digest_response(make_ha1(algorithm, username, REALM, USERS[username]), proof)
    fields = {"username": username, "realm": REALM, "nonce": nonce, "uri": uri, "response": response}
    if qop is not None:
        fields |= {"algorithm": algorithm, "qop": qop, "nc": f"{nc:08x}", "cnonce": cnonce}
    return fields
