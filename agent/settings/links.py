"""From people and their links to what the connector runner takes."""

from agent.settings.model import Settings
from connectors.base import Link


def links(settings: Settings) -> tuple[Link, ...]:
    """Every link of everybody. Ids are stable: ``office/alice``, or ``office/alice/private`` for a named one."""
    return tuple(
        Link(
            id="/".join(part for part in (link.connector, key, link.name) if part),
            connector=settings.connectors[link.connector].connector,
            person=key,
            settings=settings.connectors[link.connector].for_link(link.settings),
            secret=link.revealed.get_secret_value() if link.revealed else None,
            zone=person.timezone or settings.timezone,
            addresses=person.emails,
            privacy=person.privacy or settings.privacy,
        )
        for key, person in settings.people.items()
        for link in person.links
    )
