"""Settings of Microsoft 365: what an organisation's entry says, and what each link adds."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator

from connectors.microsoft.clouds import CLOUDS, Cloud
from connectors.pushed_calendar import PushedCalendarSettings


class SignIn(StrEnum):
    """Whose consent lets Lamplighter read."""

    APP = "app"
    "The administrator's, once for the whole organisation (client credentials)."
    PERSON = "person"
    "Each person's own (device code, or authorization code with PKCE)."


class Mode(StrEnum):
    """What is read."""

    CALENDAR = "calendar"
    FREE_BUSY = "free-busy"


class OwnCloud(BaseModel):
    """A cloud that is not in the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    login: HttpUrl = Field(description="Where one signs in (https).")
    graph: HttpUrl = Field(description="Where Microsoft Graph is (https).")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if self.login.scheme != "https" or self.graph.scheme != "https":
            raise ValueError("both addresses must begin with https://")
        return self


class MicrosoftSettings(PushedCalendarSettings):
    """The organisation and its registered application, and a person's calendar there."""

    tenant: str = Field(
        pattern=r"^[A-Za-z0-9.-]+$",
        max_length=253,
        description="The organisation: directory (tenant) id, or one of its domains.",
    )
    client_id: str = Field(
        pattern=r"^[0-9a-fA-F-]{36}$", description="Application (client) id of the registered application."
    )
    cloud: Literal["global", "gcc", "gcc-high", "usgov", "dod", "china"] | OwnCloud = Field(
        default="global",
        description="National cloud, by name; or `login` and `graph` addresses of one that is not in the list.",
    )
    sign_in: SignIn = Field(
        default=SignIn.APP,
        description="`app`: the administrator consented for everybody, the entry's secret is a client secret or a"
        " certificate with its key (PEM). `person`: everybody signs in for themselves.",
    )
    mailbox: str | None = Field(
        default=None,
        pattern=r"^[^\s/?#]+$",
        description="User principal name, mail address or object id. Left out: the person's first e-mail address.",
    )
    mode: Mode = Field(
        default=Mode.CALENDAR,
        description="`calendar`: events. `free-busy`: only when somebody is free or busy, twenty mailboxes a request.",
    )
    calendar: str = Field(
        default="", description="What the calendar means to the rules (`work`, `private` …)."
    )
    calendars: dict[str, str] = Field(
        default={},
        max_length=20,
        description="Further calendars of the mailbox that count, by name, and what each means to the rules. They are"
        " polled, also while changes of the primary one are pushed.",
    )
    automatic_replies: bool = Field(
        default=False,
        description="Out of office by automatic replies too. Needs the permission MailboxSettings.Read.",
    )

    @model_validator(mode="after")
    def _schedules_are_of_the_primary_calendar(self) -> Self:
        if self.calendars and self.mode is Mode.FREE_BUSY:
            raise ValueError("calendars: mode free-busy knows no calendars but the primary one")
        return self

    @property
    def hosts(self) -> Cloud:
        if isinstance(self.cloud, OwnCloud):
            return Cloud(str(self.cloud.login).rstrip("/"), str(self.cloud.graph).rstrip("/"))
        return CLOUDS[self.cloud]

    @property
    def scopes(self) -> tuple[str, ...]:
        """Delegated permissions: to read, never to write."""
        calendars = "Calendars.ReadBasic" if self.mode is Mode.FREE_BUSY else "Calendars.Read"
        names = (calendars, "MailboxSettings.Read") if self.automatic_replies else (calendars,)
        return tuple(f"{self.hosts.graph}/{name}" for name in names)


class MicrosoftEntry(MicrosoftSettings):
    """What an entry says, which may be all of it; or nothing of the application, which then stands at each link."""

    tenant: str = Field(
        default="", pattern=r"^[A-Za-z0-9.-]+$", max_length=253, description="See `MicrosoftSettings`."
    )
    client_id: str = Field(default="", pattern=r"^[0-9a-fA-F-]{36}$", description="See `MicrosoftSettings`.")
