"""Settings of Google calendars: what an organisation's entry says, and what each link adds."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from connectors.pushed_calendar import PushedCalendarSettings

_SCOPES = "https://www.googleapis.com/auth"


class SignIn(StrEnum):
    """Whose consent lets Lamplighter read."""

    ORGANISATION = "organisation"
    "The administrator's: a service account with domain-wide delegation acts for each person."
    PERSON = "person"
    "Each person's own (authorization code with PKCE)."


class Mode(StrEnum):
    """What is read."""

    CALENDAR = "calendar"
    FREE_BUSY = "free-busy"


class Endpoints(BaseModel):
    """Where Google is: other addresses are for gateways in between."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api: HttpUrl = Field(
        default=HttpUrl("https://www.googleapis.com/calendar/v3"), description="The Calendar API, version 3."
    )
    token: HttpUrl = Field(
        default=HttpUrl("https://oauth2.googleapis.com/token"), description="Where tokens are issued."
    )
    authorize: HttpUrl = Field(
        default=HttpUrl("https://accounts.google.com/o/oauth2/v2/auth"),
        description="Where people sign in and consent.",
    )


class GoogleSettings(PushedCalendarSettings):
    """The organisation and its registered application, and a person's calendars there.

    All of it may stand in the entry; the hub reads what concerns it of the same model.
    """

    sign_in: SignIn = Field(
        default=SignIn.ORGANISATION,
        description="`organisation`: the entry's secret is the key of a service account (JSON). `person`: everybody"
        " signs in for themselves; the entry's secret is the client secret.",
    )
    client_id: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+\.apps\.googleusercontent\.com$",
        description="Client id of the registered application; for `sign_in: person`.",
    )
    account: str | None = Field(
        default=None,
        pattern=r"^[^\s/?#]+$",
        description="The person's address at Google. Left out: the person's first e-mail address.",
    )
    mode: Mode = Field(
        default=Mode.CALENDAR,
        description="`calendar`: events. `free-busy`: only when somebody is busy, fifty calendars a request.",
    )
    calendars: dict[str, str] = Field(
        default={"primary": ""},
        min_length=1,
        max_length=20,
        description="Which calendars count, by id, and what each means to the rules; `primary` is the person's own.",
    )
    endpoints: Endpoints = Field(default=Endpoints(), description="Other addresses than Google's own.")

    @property
    def scope(self) -> str:
        """To read, never to write; the least that the mode needs."""
        name = "calendar.freebusy" if self.mode is Mode.FREE_BUSY else "calendar.events.readonly"
        return f"{_SCOPES}/{name}"
