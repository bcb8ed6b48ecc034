"""From people and their links to what the connector runner takes."""

from collections.abc import Iterator

from agent.settings.model import Settings
from agent.settings.people import LinkSettings, PersonSettings, placeholders
from connectors.base import Entry, Link


def links(settings: Settings) -> tuple[Link, ...]:
    """Every link of everybody. Ids are stable: ``office/alice``, or ``office/alice/private`` for a named one."""
    entries = entries_of(settings)
    return tuple(
        _link(settings, entries[link.connector], key, person, link)
        for key, person in settings.people.items()
        for link in written_and_implied(settings, person)
    )


def entries_of(settings: Settings) -> dict[str, Entry]:
    """What the links of each entry under `connectors` have in common."""
    return {
        key: Entry(key, entry.shared(), entry.revealed.get_secret_value() if entry.revealed else None)
        for key, entry in settings.connectors.items()
    }


def written_and_implied(settings: Settings, person: PersonSettings) -> Iterator[LinkSettings]:
    """The links at the person, then those of the entries that link people by themselves."""
    yield from person.links
    written = {link.connector for link in person.links}
    for key, entry in settings.connectors.items():
        if key not in written and entry.links_by_itself(person):
            yield LinkSettings(connector=key)


def _link(settings: Settings, entry: Entry, key: str, person: PersonSettings, link: LinkSettings) -> Link:
    shared = settings.connectors[link.connector]
    return Link(
        id="/".join(part for part in (link.connector, key, link.name) if part),
        connector=shared.connector,
        person=key,
        settings=shared.for_link(link.settings, placeholders(key, person)),
        secret=link.revealed.get_secret_value() if link.revealed else entry.secret,
        zone=person.timezone or settings.timezone,
        addresses=person.emails,
        privacy=person.privacy or settings.privacy,
        entry=entry,
    )
