"""Rows of linked accounts and of what their connectors keep. Secrets in them are sealed texts (`agent.vault`)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StoredLink:
    """An account that was linked by command or page, not by the settings file."""

    id: str
    "As `connectors.base.Link.id`: `office/alice`, `ics/alice/holidays`."
    person: str
    source: str
    "Key of an entry under `connectors`, else a connector's name."
    name: str | None
    "Tells several links of one person to the same source apart."
    settings: str
    "JSON object."
    secret: str | None = field(repr=False)
    "Sealed. None: the account needs none."
    linked_at: float
    "Or changed."
    linked_by: str
    "Through which door: `command`, `web:alice`."


@dataclass(frozen=True, slots=True)
class ConnectorMemory:
    """What the connector of one link, or the hub of one entry, wants to find again after a restart."""

    owner: str
    "Id of the link, or key of the entry."
    account: str
    "Which account it is of: what was kept of one is no good for another."
    state: str
    "JSON object; no secrets."
    secrets: str | None = field(repr=False)
    "Sealed JSON object. None: there are none."
