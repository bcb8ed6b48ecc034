"""From settings to what the parts take: the translations that `app` needs, each a plain function."""

import logging
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.accounts import Accounts
from agent.clock import Clock
from agent.errors import UserError
from agent.net.tls import Credentials, UnusableCertificate, client_context
from agent.presence.admission import Thresholds
from agent.presence.authorization import Authorize, DomainPolicy, SubHandling
from agent.presence.composition import Mode, Policy
from agent.presence.packages import DEFAULT_PACKAGES, DIALOG, ExpiryLimits
from agent.presence.records import OWN_PUBLISHER, StandingPublication
from agent.publisher.publisher import Options, StoredTag, TagStore
from agent.server.config import ServerConfig
from agent.server.server import Passwords
from agent.server.transports import Listen
from agent.settings import Settings
from agent.settings.sip import ExpiresSettings
from agent.sip import digest
from agent.sip.digest import make_ha1s
from agent.sip.flows import Transport
from agent.sip.parsing import Limits
from agent.sip.values import address_of_record, parse_host_port
from agent.store.errors import StoreUnavailable
from agent.store.protocols import SecretStore, UserStore
from agent.store.store import Store
from agent.vault.keyring import KEY_SIZE
from agent.vault.rotation import Keys
from agent.vault.sealing import NONCE_SIZE, Vault
from agent.vault.sources import find_keys
from agent.working_hours import WorkingHours, parse_region, parse_spans
from rules import Person, RulesError, RuleSet
from rules.files import load_file, load_pack

log = logging.getLogger("lamplighter.app")

OWN_RANK = 60
"What the rules decided outranks what a single device publishes of itself (50)."


def server_config(settings: Settings) -> ServerConfig:
    """Limits and domains. Every package gets the same limits, but for changes of calls."""
    publish, subscribe = _limits(settings.limits.publish), _limits(settings.limits.subscribe)
    packages = {
        name: replace(package, publish_limits=publish, subscribe_limits=subscribe)
        for name, package in DEFAULT_PACKAGES.items()
    }
    change = int(settings.dialogs.shortest_change.total_seconds())
    packages[DIALOG.name] = replace(packages[DIALOG.name], shortest_change=change)
    return ServerConfig(
        domains=frozenset(settings.domains),
        packages=packages,
        ranks={OWN_PUBLISHER: OWN_RANK},
        limits=Limits(message=settings.limits.message_size),
        locations=settings.notify.locations,
        notify_credentials={
            realm: digest.Credentials(each.username, each.revealed.get_secret_value())
            for realm, each in settings.notify.credentials.items()
            if each.revealed is not None
        },
        minimum_interval=settings.notify.minimum_interval.total_seconds(),
        minimum_dialog_interval=settings.dialogs.minimum_interval.total_seconds(),
        requests_per_second=settings.limits.requests_per_second,
        requests_burst=settings.limits.requests_burst,
        thresholds=Thresholds(transactions=settings.limits.transactions),
        max_connections=settings.limits.connections,
        registrar=settings.registrar,
        register_limits=_limits(settings.limits.registration),
        agent_address=address_of_record(settings.agent_address or f"sip:lamplighter@{settings.domains[0]}"),
        message_relay=settings.message_relay,
        dialog_details=settings.dialogs.details,
        one_dialog_for=settings.dialogs.one_at_a_time,
        publishers={
            _published_as(person.sip, settings.publisher.from_domain): frozenset(
                map(address_of_record, person.may_publish)
            )
            for person in settings.people.values()
            if person.may_publish
        },
        large_notify_over_tcp=settings.notify.large == "tcp",
        max_subscriptions_per_watcher=settings.limits.subscriptions_per_watcher,
        pending_for=int(settings.authorization.pending_for.total_seconds()),
        authorize=authorize(settings),
    )


def composition(settings: Settings) -> Policy:
    """How publications become one document."""
    said = settings.composition
    return Policy(Mode(said.mode), empty_when_unpublished=said.unpublished == "empty")


def authorize(settings: Settings) -> Authorize:
    """Who may watch whom."""
    said = settings.authorization
    names = {each.name.lower().replace("_", "-"): each for each in SubHandling}
    return DomainPolicy(names[said.default], {domain: names[each] for domain, each in said.domains.items()})


def _limits(expires: ExpiresSettings) -> ExpiryLimits:
    return ExpiryLimits(
        int(expires.default.total_seconds()),
        int(expires.minimum.total_seconds()),
        int(expires.maximum.total_seconds()),
    )


def listeners(settings: Settings) -> list[Listen]:
    """The sockets to open."""
    return [
        Listen(
            Transport(each.transport),
            each.host,
            each.port,
            _advertised(each.advertise, each.port),
            Credentials(each.certificate, each.key) if each.certificate is not None else None,
            each.client_ca,
            each.origins,
        )
        for each in settings.listeners
    ]


def tls_client(settings: Settings) -> ssl.SSLContext:
    """For the TLS connections that we open. Raises UserError."""
    tls = settings.tls
    shown = Credentials(tls.certificate, tls.key) if tls.certificate is not None else None
    try:
        return client_context([tls.ca_file] if tls.ca_file is not None else [], shown)
    except UnusableCertificate as error:
        raise UserError(error.reason) from None


def _advertised(text: str | None, port: int) -> tuple[str, int] | None:
    if text is None:
        return None
    host, named = parse_host_port(text)
    return host, named or port


def realm(settings: Settings) -> str:
    """Of the passwords."""
    return settings.authentication.realm or settings.domains[0]


def accounts(settings: Settings, store: UserStore, clock: Clock, vault: Vault) -> Accounts:
    """Those in the settings, and those in the store."""
    own = realm(settings)
    hashes = {
        name: make_ha1s(name, own, account.revealed.get_secret_value())
        for name, account in settings.authentication.accounts.items()
        if account.revealed is not None
    }
    return Accounts(store, clock, own, hashes, vault)


def keys(settings: Settings, environ: Mapping[str, str], store: SecretStore) -> tuple[Vault, Keys]:
    """What unseals the store's secrets, and what keeps its keys. Raises UserError for keys that can't be used."""
    source = find_keys(settings.store.key_file, environ)
    vault = Vault(source.ring, lambda: secrets.token_bytes(NONCE_SIZE))
    return vault, Keys(vault, source, store, lambda: secrets.token_bytes(KEY_SIZE))


def passwords(settings: Settings, accounts: Accounts) -> Passwords | None:
    """None: authentication is off."""
    authentication = settings.authentication
    if authentication.mode == "off":
        return None
    return Passwords(
        accounts.realm,
        accounts.lookup,
        authentication.trusted_addresses,
        tuple(
            address_of_record(name) if ":" in name else name for name in authentication.trusted_certificates
        ),
        tuple(authentication.algorithms),
        authentication.accept_without_qop,
        authentication.md5_only_for,
    )


def people(settings: Settings) -> dict[str, tuple[Person, str]]:
    """Key -> (whom the rules decide about, the address of record that is published)."""
    return {
        key: (
            Person(
                key,
                person.name or key,
                person.groups,
                person.roles,
                person.timezone or settings.timezone,
                (person.privacy or settings.privacy).value,
                person.show_time_zone,
            ),
            _published_as(person.sip, settings.publisher.from_domain),
        )
        for key, person in settings.people.items()
    }


def working_hours(settings: Settings) -> dict[str, WorkingHours]:
    """Of everybody whose working hours are known."""
    found: dict[str, WorkingHours] = {}
    for key, person in settings.people.items():
        texts = settings.working_hours if person.working_hours is None else person.working_hours
        region = person.holidays or settings.holidays
        spans = tuple(span for text in texts for span in parse_spans(text))
        if spans:
            found[key] = WorkingHours(
                spans, person.timezone or settings.timezone, parse_region(region) if region else None
            )
    return found


def _published_as(sip: str, domain: str | None) -> str:
    address = address_of_record(sip)
    return address if domain is None else f"{address.rpartition('@')[0]}@{domain}"


def load_rules(settings: Settings) -> RuleSet:
    """The rules file, or the shipped `office` pack when none is named. Raises UserError with every problem."""
    if settings.rules is None:
        return load_pack("office")
    return read_rules(settings.rules)


def read_rules(path: Path) -> RuleSet:
    """Raises UserError with every problem, each with file, line and column."""
    try:
        return load_file(path)
    except RulesError as error:
        count = len(error.problems)
        raise UserError(
            f"{path}: {count} problem{'s' if count > 1 else ''} in the rules", error.problems
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None
    except OSError as error:
        raise UserError(
            f"cannot read the rules file {path}: {(error.strerror or 'it failed').lower()}"
        ) from None


def publisher_options(settings: Settings) -> Options:
    """Built-in: over the in-process hop, where the Request-URI says enough."""
    publisher = settings.publisher
    built_in = publisher.target == "built-in"
    found: digest.Credentials | None = None
    if publisher.username is not None and publisher.revealed is not None:
        found = digest.Credentials(publisher.username, publisher.revealed.get_secret_value())
    return Options(
        target=None if built_in else publisher.target,
        outbound_proxy=publisher.outbound_proxy,
        expires=int(publisher.expires.total_seconds()),
        # In process nobody is slowed down by more; over a network 64 is what a server takes without queueing.
        at_a_time=512 if built_in else 64,
        credentials=lambda entity: found,
    )


class OwnTags:
    """A TagStore for the built-in server: its own store already knows our publications' entity-tags."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> Mapping[str, StoredTag]:
        return {
            row.presentity: StoredTag(row.entity_tag, row.expires_at)
            for row in self._store.all_publications()
            if row.publisher == OWN_PUBLISHER
        }

    def save(self, entity: str, tag: StoredTag | None) -> None:
        """The server has saved it with the publication."""


class KeptTags:
    """A TagStore for another presence server."""

    def __init__(self, store: Store, target: str) -> None:
        self._store = store
        self._target = target

    async def load(self) -> Mapping[str, StoredTag]:
        return {
            row.presentity: StoredTag(row.entity_tag, row.expires_at)
            for row in self._store.standing()
            if row.target == self._target
        }

    def save(self, entity: str, tag: StoredTag | None) -> None:
        if tag is None:
            self._store.remove_standing(entity)
        else:
            row = StandingPublication(entity, self._target, tag.entity_tag, tag.expires_at)
            self._store.put_standing(row)

        def written(error: StoreUnavailable | None) -> None:
            if error is not None:
                # Nothing is lost but, after a restart, the publication that stands now: it ends when it expires.
                log.warning("the entity-tag of %s is not kept: %s", entity, error)

        self._store.when_durable(written)


def tags(settings: Settings, store: Store) -> TagStore:
    target = settings.publisher.target
    return OwnTags(store) if target == "built-in" else KeptTags(store, target)


def standing_bodies(settings: Settings, store: Store) -> dict[str, bytes]:
    """What we have published of whom, as far as the built-in server has kept it."""
    if settings.publisher.target != "built-in":
        return {}
    return {
        row.presentity: row.body
        for row in store.all_publications()
        if row.publisher == OWN_PUBLISHER and row.package == "presence"
    }


def token() -> str:
    """Fresh and unguessable, 64 bits."""
    return secrets.token_hex(8)


def client_bind(settings: Settings) -> str:
    """The address that requests to another presence server leave from: that of the first UDP listener."""
    for listener in settings.listeners:
        if listener.transport == "udp":
            return listener.host
    return "0.0.0.0"
