"""Puts the presence server together: one driver, its listeners, the handlers and the notifier."""

import secrets
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from agent.clock import Clock
from agent.net.driver import Driver
from agent.net.tokens import Tokens
from agent.net.transcript import Transcript
from agent.net.user_agent import Resolver, new_endpoint
from agent.presence.authorization import Authorize
from agent.presence.composition import DEFAULT, Policy
from agent.presence.records import OWN_PUBLISHER
from agent.server.admission import Admission
from agent.server.authenticate import Authenticator, DigestAuthenticator, Unchecked
from agent.server.bodies import check_body
from agent.server.clock_jumps import ClockJumps
from agent.server.config import ServerConfig
from agent.server.departure import Departure
from agent.server.flood_guard import FloodGuard
from agent.server.gatekeeper import Gatekeeper
from agent.server.message import MessageHandler
from agent.server.next_hops import NextHops, Spawn
from agent.server.notifier import Notifier
from agent.server.notify_credentials import NotifyCredentials
from agent.server.options import OptionsHandler
from agent.server.pressure import Pressure
from agent.server.publish import PublishHandler
from agent.server.reconsider import Reconsider
from agent.server.register import RegisterHandler
from agent.server.registered_flows import RegisteredFlows
from agent.server.relay import Relay
from agent.server.replies import Replies
from agent.server.router import Handler, Router
from agent.server.stranded import StrandedAnswers
from agent.server.subscribe import SubscribeHandler
from agent.server.sweeper import Sweeper
from agent.server.transports import Listen, Transports
from agent.server.views import Views
from agent.sip.digest_server import DigestServer
from agent.sip.endpoint import Discarded
from agent.store.protocols import PresenceStore


class Meter(Protocol):
    """What the server reports; agent.telemetry satisfies it."""

    def sip_answered(self, method: str, status: int) -> None:
        """A request was answered."""

    def notify_sent(self, lateness: float) -> None:
        """A NOTIFY left ``lateness`` seconds after the write that caused it."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """What Digest authentication needs. ``lookup(username, hash name)`` gives the stored HA1 of ``realm``."""

    realm: str
    lookup: Callable[[str, str], str | None]
    trusted: Sequence[IPv4Network | IPv6Network] = ()
    trusted_certificates: Sequence[str] = ()
    "Domains and addresses of record."
    algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    accept_without_qop: bool = False
    "COMPAT(libpurple 2.14): answers in the form of RFC 2069, which can be replayed while the nonce lives."
    md5_only_for: Sequence[str] = ()
    "COMPAT(baresip 1.0, Sofia-SIP 1.12, sipsak 0.9): give up at a first challenge that they do not know."


class PresenceServer:
    """Make it, `start` it, `close` it. Handlers run in the event loop; nothing here creates tasks but ``spawn``.

    ``passwords`` None: authentication is off. ``tls_client``: for connections to watchers, from `tls.client_context`.
    """

    def __init__(
        self,
        store: PresenceStore,
        clock: Clock,
        config: ServerConfig,
        resolver: Resolver,
        spawn: Spawn,
        *,
        passwords: Passwords | None = None,
        tls_client: ssl.SSLContext | None = None,
        meter: Meter | None = None,
        transcript: Transcript | None = None,
        policy: Policy = DEFAULT,
        on_discarded: Callable[[Discarded], None] | None = None,
    ) -> None:
        self.driver = Driver(new_endpoint(config.limits), clock, transcript)
        self.driver.on_discarded = on_discarded
        self.transports = Transports(
            self.driver,
            resolver,
            tls_client,
            largest=config.limits.message,
            connections=config.max_connections,
        )
        self._config = config
        self._store = store
        replies = Replies(config, self.driver.endpoint)
        self._views = Views(store, clock, policy, locations=config.locations)
        count: Callable[[str, int], None] = (
            meter.sip_answered if meter is not None else lambda method, status: None
        )
        on_sent: Callable[[float], None] = meter.notify_sent if meter is not None else lambda lateness: None
        self.driver.on_stranded = StrandedAnswers(self.driver, self.transports, spawn).take
        flows = RegisteredFlows(self.driver, store, self._registered)
        self.driver.on_connection_lost = flows.lost
        next_hops = NextHops(self.driver, self.transports, spawn, flows.other_flow)
        self._admission = Admission(config.authorize)
        self.notifier = Notifier(
            self.driver,
            store,
            clock,
            config,
            self._views,
            next_hops,
            on_sent,
            self._admission,
            NotifyCredentials(config.notify_credentials, lambda: secrets.token_hex(8)),
        )
        self._reconsider = Reconsider(store, self.notifier, clock, self._admission)
        jumps = ClockJumps(store, clock)
        self._sweeper = Sweeper(store, self.notifier, clock, jumps, config.pending_for)
        self._views.on_boundary = self._sweeper.at_boundary

        def counted(method: str, status: int) -> None:
            count(method, status)
            self._sweeper.wake_soon()

        new_token = Tokens()
        publish = PublishHandler(self.driver, store, clock, config, replies, new_token, check_body, counted)
        subscribe = SubscribeHandler(
            self.driver, store, clock, config, replies, self.notifier, self._admission.decide, counted
        )
        relay: Relay | None = None
        if config.message_relay is not None:
            relay = Relay(self.driver, self.transports, spawn, replies, config.message_relay)
        self.messages = MessageHandler(
            self.driver, store, config, replies, new_token, spawn, clock.wall, relay
        )
        self.on_registration: Callable[[str], None] = lambda address: None
        "Told each address of record whose bindings are others, once that is durable."
        register = RegisterHandler(
            self.driver, store, clock, config, replies, self._registered, flows, counted
        )
        self._sweeper.on_unregistered = self._registered
        handlers: dict[str, Handler] = {
            "PUBLISH": publish,
            "SUBSCRIBE": subscribe,
            "OPTIONS": OptionsHandler(config, replies),
        }
        if config.registrar:
            handlers["REGISTER"] = register
        if config.takes_messages:
            handlers["MESSAGE"] = self.messages
        authenticate: Authenticator = Unchecked()
        if passwords is not None:
            authenticate = DigestAuthenticator(
                DigestServer(
                    passwords.realm,
                    secrets.token_bytes(32),
                    new_token,
                    algorithms=passwords.algorithms,
                    accept_without_qop=passwords.accept_without_qop,
                ),
                passwords.lookup,
                clock,
                replies,
                config.domains,
                passwords.trusted,
                self._is_ours,
                self.driver.certified,
                passwords.trusted_certificates,
                passwords.md5_only_for,
            )
        router = Router(
            self.driver,
            config,
            replies,
            handlers,
            authenticate,
            self._is_ours,
            count,
        )
        self.driver.on_request = router.receive
        self._pressure = Pressure(
            clock,
            self.transports.waiting,
            lambda: self.notifier.owed,
            lambda: self.driver.endpoint.open_transactions[1],
        )
        self.gatekeeper = Gatekeeper(
            authenticate.trusts,
            FloodGuard(config.requests_per_second, config.requests_burst),
            self._pressure.load,
            config.thresholds,
            jumps.look,
            count,
        )
        self.driver.endpoint.gate = self.gatekeeper
        self.departure = Departure(store, self.notifier, self.gatekeeper, self.driver.endpoint, clock)

    async def start(self, listeners: Sequence[Listen]) -> None:
        """Listen, and tell everybody who was watching before a restart. Raises OSError."""
        await self.transports.listen(listeners)
        self.notifier.resume()
        self._reconsider.all(at_start=True)
        self._sweeper.wake()

    def sizes(self) -> dict[str, int]:
        """Of everything that could grow. All of it comes back to what there are subscriptions and publications for."""
        clients, servers = self.driver.endpoint.open_transactions
        return {
            "client transactions": clients,
            "server transactions": servers,
            "timers": self.driver.endpoint.timers_set,
            "connections": self.driver.open_connections,
            "watches": len(self.notifier.watches),
            "notifies owed": self.notifier.owed,
            "documents": len(self._views),
        }

    @property
    def documents_kept(self) -> int:
        """Presentities whose documents are kept ready: those that somebody watches."""
        return len(self._views)

    def allow(self, authorize: Authorize) -> None:
        """Put other decisions on who may watch in force, also for those who watch already."""
        if authorize != self._admission.authorize:
            self._admission.use(authorize)
            self._reconsider.all()

    def withdraw(self, presentity: str) -> None:
        """This service publishes no more for the address. If nobody else does, its watchers hear that it is gone."""
        packages = self._config.packages
        rows = [row for package in packages for row in self._store.publications(presentity, package)]
        if all(row.publisher == OWN_PUBLISHER for row in rows):
            self._reconsider.withdraw(presentity, packages)

    def _registered(self, address: str) -> None:
        self.on_registration(address)

    def _is_ours(self, host: str) -> bool:
        return host in self._config.domains or self.transports.is_own(host)

    def close(self) -> None:
        self._sweeper.close()
        self._pressure.close()
        self.notifier.close()
        self.driver.close()
        self.transports.close()
