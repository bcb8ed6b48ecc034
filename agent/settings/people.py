"""Whose lamps are lit, and from what."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from agent.settings.fields import (
    FilePath,
    HolidayRegion,
    Section,
    SipAddress,
    WithPassword,
    WorkingTimes,
    Zone,
)
from connectors.privacy import Privacy
from connectors.settings import Duration

_PLACEHOLDER = re.compile(r"\{(?:person|email|sip|sip\.user)\}")


class LinkSettings(WithPassword):
    """One account of one person at one source."""

    connector: str = Field(description="Key of an entry under `connectors`.")
    name: str | None = Field(
        default=None,
        pattern=r"^[\w.-]{1,60}$",
        description="Tells several links of one person to the same connector apart.",
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="What the connector wants to know, e.g. `url` and `username`; see its own page. "
        "Goes before the settings of the connector's entry.",
    )


class PersonSettings(Section):
    """One person. The key is the name used in rules, logs and commands."""

    sip: SipAddress = Field(
        description="The address whose presence is published, e.g. `sip:alice@example.org`."
    )
    name: str = Field(default="", description="For people to read.")
    emails: tuple[str, ...] = Field(
        default=(),
        description="Every e-mail address of the person: finds them among the attendees of events.",
    )
    groups: tuple[str, ...] = Field(default=(), description="Groups that rules may ask for.")
    roles: tuple[str, ...] = Field(default=(), description="Roles that rules may ask for.")
    timezone: Zone | None = Field(
        default=None, description="IANA name; default: the organisation's `timezone`."
    )
    working_hours: WorkingTimes | None = Field(
        default=None,
        description="When the person works, e.g. `[mon-thu 09:00-17:30, fri 09:00-12:00 12:30-15:00]`. "
        "Default: the organisation's `working_hours`; `[]`: not known.",
    )
    holidays: HolidayRegion | None = Field(
        default=None,
        description="Whose public holidays are days off: `DE`, `DE-BY`, … Default: the organisation's `holidays`.",
    )
    privacy: Privacy | None = Field(
        default=None,
        description="What may be taken over from calendars: `busy` (times only), `category`, or `details` "
        "(titles and places, never of private events). Default: the organisation's `privacy`.",
    )
    show_time_zone: bool = Field(
        default=False, description="Tell watchers what time it is where the person is (`timezone`)."
    )
    may_publish: tuple[SipAddress, ...] = Field(
        default=(),
        description="Who else may publish this person's presence and calls, e.g. `[sip:pbx@example.org]`.",
    )
    links: tuple[LinkSettings, ...] = Field(
        default=(), description="The person's calendars and other sources."
    )


class ConnectorSettings(WithPassword):
    """One kind of source that links refer to, with what all these links have in common. A password given here is for
    links that have none of their own."""

    connector: str = Field(description="Name of the connector, e.g. `caldav`.")
    interval: Duration | None = Field(default=None, description="How often each link is asked, e.g. `60s`.")
    stale_after: Duration | None = Field(
        default=None, description="After this long without an answer a link's facts count as unknown."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings of the connector that hold for all its links. In texts, `{person}`, `{email}` "
        "(the first), `{sip}` and `{sip.user}` stand for those of the person.",
    )
    everyone: bool = Field(
        default=False, description="Everybody has a link to it; those written at a person go before."
    )
    groups: tuple[str, ...] = Field(
        default=(), description="Everybody in one of these groups has a link to it, likewise."
    )

    def shared(self) -> dict[str, Any]:
        """What holds for all links, as the model of the connector's hub takes it."""
        pace = {"interval": self.interval, "stale_after": self.stale_after}
        given = {key: value for key, value in pace.items() if value is not None}
        return {**given, **self.settings}

    def for_link(self, own: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        """The settings of a link that has ``own``, as the connector's model takes them. ``names``: placeholder ->
        text; one that is not there stays as it is written."""
        return {**_filled(self.shared(), names), **own}

    def links_by_itself(self, person: PersonSettings) -> bool:
        """Is somebody linked without a line of their own?"""
        return self.everyone or not set(self.groups).isdisjoint(person.groups)


def placeholders(key: str, person: PersonSettings) -> dict[str, str]:
    """What the settings of an entry may say of a person, e.g. ``{email}``."""
    user = person.sip.partition(":")[2].partition("@")[0]
    email = {"{email}": person.emails[0]} if person.emails else {}
    return {"{person}": key, "{sip}": person.sip, "{sip.user}": user, **email}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: names.get(found[0], found[0]), value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, names) for inner in value]
    return value


class OutboundSettings(Section):
    """Where connectors may connect to. Public addresses are always allowed."""

    allow_private: tuple[str, ...] = Field(
        default=(),
        description="Networks, addresses and host names of one's own that connectors may reach, "
        "e.g. `10.1.0.0/16` or `calendar.internal`.",
    )
    ca_file: FilePath | None = Field(
        default=None, description="Certificates to trust besides the system's (PEM)."
    )
