"""Who a request comes from (RFC 3261 §22, RFC 8760, RFC 3325): by password, by address, or from this very process."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Protocol

from agent.clock import Clock
from agent.net.driver import Certified
from agent.presence.records import OWN_PUBLISHER
from agent.server.flood_guard import FloodGuard
from agent.server.replies import Replies
from agent.sip.digest_server import Authenticated, DigestServer, username_of
from agent.sip.flows import Flow, Transport
from agent.sip.messages import Request, Response
from agent.sip.values import address_of_record, parse_name_addr


class Identity:
    """``aor``: who it is. ``trusted``: a peer of ours, believed in what it says of others too."""

    __slots__ = ("aor", "trusted")

    def __init__(self, aor: str, trusted: bool) -> None:
        self.aor: Final = aor
        self.trusted: Final = trusted


OURSELVES: Final = Identity(OWN_PUBLISHER, trusted=True)
"The publisher in this process, whoever it speaks of."


class Authenticator(Protocol):
    def __call__(self, request: Request, flow: Flow) -> Identity | Response:
        """Who asks, or the answer that refuses or challenges."""

    def trusts(self, flow: Flow) -> bool:
        """Whether what comes over this flow is believed without a password, and not counted either."""


class Unchecked:
    """`authentication: off`: everybody is who From says."""

    def __call__(self, request: Request, flow: Flow) -> Identity | Response:
        return Identity(_claimed(request, asserted=False), trusted=True)

    def trusts(self, flow: Flow) -> bool:
        return True


FAILURES_PER_SECOND: Final = 0.2
"Of one user name from one address, lasting, before it is refused unread: guessing is slow, and loops end."
FAILURES_BURST: Final = 10
GUESSES: Final = 10
"So many times as many from one address, whatever the names."


class DigestAuthenticator:
    """Digest for everybody but trusted addresses and the publisher in this process."""

    def __init__(
        self,
        digest: DigestServer,
        lookup: Callable[[str, str], str | None],
        clock: Clock,
        replies: Replies,
        domains: frozenset[str],
        trusted: Sequence[IPv4Network | IPv6Network] = (),
        is_ours: Callable[[str], bool] = lambda host: True,
        certified: Callable[[Flow], Certified | None] = lambda flow: None,
        trusted_certificates: Sequence[str] = (),
        md5_only_for: Sequence[str] = (),
    ) -> None:
        """``lookup(username, hash name)`` gives the stored HA1; ``is_ours(host)``: a domain or address of ours.

        ``certified(flow)``: for whom the other end has shown a certificate. ``trusted_certificates``: domains and
        addresses of record of peers that are believed in what they say of others. ``md5_only_for``: patterns of
        User-Agent.
        """
        self._digest = digest
        self._lookup = lookup
        self._clock = clock
        self._replies = replies
        self._domains = domains
        self._trusted = tuple(trusted)
        self._is_ours = is_ours
        self._certified = certified
        self._trusted_names = frozenset(trusted_certificates)
        self._md5_only_for = tuple(pattern.lower() for pattern in md5_only_for)
        self._failures = FloodGuard(FAILURES_PER_SECOND, FAILURES_BURST)
        self._guesses = FloodGuard(FAILURES_PER_SECOND * GUESSES, FAILURES_BURST * GUESSES)

    def __call__(self, request: Request, flow: Flow) -> Identity | Response:
        if self.trusts(flow):
            return Identity(_claimed(request, asserted=True), trusted=True)
        if (shown := self._certified(flow)) is not None and shown.users:
            # Who has proven to be a user over TLS needs no password (RFC 5922 §7.1).
            claimed = _claimed(request, asserted=False)
            if claimed in shown.users:
                return Identity(claimed, trusted=False)
        now = self._clock.wall()
        stale = False
        for value in request.headers.get_all("Authorization"):
            if not self._digest.is_for_us(value):
                continue
            suspect = f"{flow.remote[0]} {username_of(value)}"
            ticks = self._clock.monotonic()
            if self._failures.is_spent(suspect, ticks) or self._guesses.is_spent(flow.remote[0], ticks):
                # COMPAT(aiosip 0.2): answers each 401 at once and without end; a 403 stops it.
                return self._replies.to(request, 403, "Too Many Failed Attempts")
            outcome = self._digest.check(value, request.method, request.body, self._lookup, now)
            if isinstance(outcome, Authenticated):
                if not self._is_for(request, outcome.uri):
                    return self._replies.to(request, 400, "Digest URI Is Of Another Resource")
                return self._identity(request, outcome)
            stale = stale or outcome.stale
            if not outcome.stale:
                self._failures.admit(suspect, ticks)
                self._guesses.admit(flow.remote[0], ticks)
        challenges = self._digest.challenges(now, stale, self._only_algorithm(request))
        return self._replies.to(request, 401, headers=[("WWW-Authenticate", value) for value in challenges])

    def _only_algorithm(self, request: Request) -> str | None:
        """Nothing is lost by it: whoever could change the User-Agent on its way could take the better challenge out."""
        user_agent = (request.headers.get("User-Agent") or "").lower()
        return "MD5" if any(fnmatchcase(user_agent, each) for each in self._md5_only_for) else None

    def _is_for(self, request: Request, uri: str) -> bool:
        """Whether the answer was made for this request (RFC 3261 §22.4). Proxies change a Request-URI on its way, so
        any other of ours will do too (RFC 8760 §2.6)."""
        try:
            address = address_of_record(uri)
            return address == address_of_record(request.uri) or self._is_ours(
                address.partition(":")[2].rpartition("@")[2]
            )
        except ValueError:
            return False

    def _identity(self, request: Request, who: Authenticated) -> Identity | Response:
        """From must be the user's own address in one of our domains (RFC 3903 §14.1)."""
        claimed = _claimed(request, asserted=False)
        user, _, host = claimed.partition(":")[2].rpartition("@")
        if user != who.username or (host not in self._domains and host != who.realm):
            return self._replies.to(request, 403, "From Is Not The Authenticated User")
        return Identity(claimed, trusted=False)

    def trusts(self, flow: Flow) -> bool:
        if flow.transport is Transport.MEMORY:
            return True
        if (
            self._trusted_names
            and (shown := self._certified(flow)) is not None
            and not self._trusted_names.isdisjoint(shown.domains | shown.users)
        ):
            return True
        if not self._trusted:
            return False
        address = ip_address(flow.remote[0].partition("%")[0])
        return any(address.version == network.version and address in network for network in self._trusted)


def _claimed(request: Request, *, asserted: bool) -> str:
    """The address in P-Asserted-Identity, if that may be believed, else in From."""
    if asserted:
        for value in request.headers.values("P-Asserted-Identity"):
            try:
                return address_of_record(parse_name_addr(value).uri)
            except ValueError:
                continue
    try:
        return address_of_record(request.from_.uri)
    except ValueError:
        # Anonymous and foreign schemes: a name that owns nothing.
        return "sip:anonymous@anonymous.invalid"
