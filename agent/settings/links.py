"""From people and their links to what the connector runner takes."""

from collections.abc import Iterable, Mapping
from typing import Any

from agent.linked_accounts import LinkedAccount
from agent.settings.model import Settings
from agent.settings.people import ConnectorSettings, LinkSettings, placeholders
from connectors.base import Entry, Link
from connectors.registry import find, load, names
from rules.yaml_marks import closest


def links(settings: Settings, linked: Iterable[LinkedAccount] = ()) -> tuple[Link, ...]:
    """Every link of everybody: those written at the person, then those that were linked by command or page, then those
    of the entries that link people by themselves. Ids are stable: ``office/alice``, or ``office/alice/private`` for a
    named one. Of ``linked`` what does not fit to the settings any more is left out."""
    entries = entries_of(settings)
    accounts: dict[str, list[LinkedAccount]] = {}
    for account in linked:
        accounts.setdefault(account.person, []).append(account)
    found: dict[str, Link] = {}
    for key, person in settings.people.items():
        named = [(entries[each.connector], _written(key, each)) for each in person.links]
        named += [
            (entry, account)
            for account in accounts.get(key, ())
            if (entry := _entry(entries, account.source)) is not None
        ]
        sources = {account.source for _, account in named}
        named += [
            (entries[source], LinkedAccount(key, source))
            for source, entry_settings in settings.connectors.items()
            if source not in sources and entry_settings.links_by_itself(person)
        ]
        for entry, account in named:
            found.setdefault(account.id, _link(settings, entry, account))
    return tuple(found.values())


def link_of(settings: Settings, account: LinkedAccount) -> Link:
    """An account as a link. Raises ValueError with words when it does not fit to the settings."""
    person = settings.people.get(account.person)
    if person is None:
        raise ValueError(f"nobody is called {account.person!r}{_meant(account.person, settings.people)}")
    if any(_written(account.person, each).id == account.id for each in person.links):
        raise ValueError(f"{account.id} stands in the settings file; change it there")
    entry = _entry(entries_of(settings), account.source)
    if entry is None:
        known = [*settings.connectors, *names()]
        raise ValueError(
            f"there is no source {account.source!r}{_meant(account.source, known)}; there are: {', '.join(known)}"
        )
    return _link(settings, entry, account)


def entries_of(settings: Settings) -> dict[str, Entry]:
    """What the links of each entry under `connectors` have in common."""
    zones = {name: zone.model_dump(exclude_defaults=True) for name, zone in settings.zones.items()}
    return {
        key: Entry(
            key,
            _with_zones(entry.connector, entry.shared(), zones),
            entry.revealed.get_secret_value() if entry.revealed else None,
        )
        for key, entry in settings.connectors.items()
    }


def _with_zones(connector: str, given: dict[str, Any], zones: Mapping[str, Any]) -> dict[str, Any]:
    """Connectors of places get the organisation's zones, or only their tags; what is their own goes before."""
    if not zones:
        return given
    model, known = load(connector).settings_model, dict(given)
    if getattr(model, "TAKES_ZONES", False):
        known["zones"] = {**zones, **(given.get("zones") or {})}
    if getattr(model, "TAKES_ZONE_TAGS", False):
        tags = {name: zone["tags"] for name, zone in zones.items() if zone.get("tags")}
        known["zone_tags"] = {**tags, **(given.get("zone_tags") or {})}
    return known


def _over_shared(given: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """A link's own zones come to those of its entry, which have those of the organisation already."""
    names = [name for name in ("zones", "zone_tags") if shared.get(name)]
    return {**given, **{name: {**shared[name], **(given.get(name) or {})} for name in names}}


def _entry(entries: Mapping[str, Entry], source: str) -> Entry | None:
    """The entry of that key; else one without settings for the connector of that name."""
    if source in entries:
        return entries[source]
    return None if find(source) is None else Entry(source)


def _written(key: str, link: LinkSettings) -> LinkedAccount:
    secret = link.revealed.get_secret_value() if link.revealed else None
    return LinkedAccount(key, link.connector, link.name, link.settings, secret)


def _link(settings: Settings, entry: Entry, account: LinkedAccount) -> Link:
    person = settings.people[account.person]
    shared = settings.connectors.get(entry.key) or ConnectorSettings(connector=find(entry.key) or entry.key)
    return Link(
        id=account.id,
        connector=shared.connector,
        person=account.person,
        settings=_over_shared(
            shared.for_link(account.settings, placeholders(account.person, person)), entry.settings
        ),
        secret=account.secret if account.secret is not None else entry.secret,
        zone=person.timezone or settings.timezone,
        addresses=person.emails,
        privacy=person.privacy or settings.privacy,
        entry=entry,
    )


def _meant(word: str, known: Iterable[str]) -> str:
    guess = closest(word, list(known))
    return f" (did you mean {guess!r}?)" if guess else ""
