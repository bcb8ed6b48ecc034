"""Settings of Exchange: what an organisation's entry says, and what each link adds."""

from datetime import timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, HttpUrl, model_validator

from connectors.ical.window import CalendarSettings
from connectors.settings import Duration


class SignIn(StrEnum):
    """How the service account signs in."""

    NTLM = "ntlm"
    BASIC = "basic"
    OAUTH = "oauth"
    "Client credentials of a registered application (hybrid modern authentication)."


class Mode(StrEnum):
    """What is read."""

    FREE_BUSY = "free-busy"
    "GetUserAvailability: what the mailbox shows everybody. Needs no right but to sign in."
    CALENDAR = "calendar"
    "The events themselves, by impersonation. Needs the role ApplicationImpersonation."


class ExchangeHubSettings(CalendarSettings):
    """What all links of an entry have in common: the server and the service account."""

    url: HttpUrl = Field(
        description="Address of Exchange Web Services, usually `https://<server>/EWS/Exchange.asmx`."
    )
    sign_in: SignIn = Field(default=SignIn.NTLM, description="`ntlm`, `basic` or `oauth`.")
    username: str | None = Field(
        default=None,
        description=r"The service account: `DOMAIN\name` or `name@example.org` (not for `oauth`).",
    )
    tenant: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.-]+$", description="`oauth`: directory (tenant) id or domain."
    )
    client_id: str | None = Field(
        default=None, description="`oauth`: application (client) id; the secret is a client secret."
    )
    login: HttpUrl = Field(
        default=HttpUrl("https://login.microsoftonline.com"), description="`oauth`: where one signs in."
    )
    mode: Mode = Field(
        default=Mode.FREE_BUSY,
        description="`free-busy`: only when somebody is free or busy, a hundred mailboxes a request. "
        "`calendar`: events, with their categories and so on, by impersonation.",
    )
    notifications: bool = Field(
        default=True,
        description="`calendar`: let Exchange tell of changes as they happen (streaming notifications).",
    )
    automatic_replies: bool = Field(
        default=True, description="`calendar`: out of office by automatic replies too."
    )
    connections: int = Field(
        default=4, ge=1, le=16, description="Most requests that are under way at the same time."
    )
    interval: Duration = Field(
        default=timedelta(seconds=60),
        ge=timedelta(milliseconds=100),
        le=timedelta(days=1),
        description="How often each mailbox is asked. Each wait varies by a tenth.",
    )

    @model_validator(mode="after")
    def _sign_in_is_complete(self) -> Self:
        needed = ("tenant", "client_id") if self.sign_in is SignIn.OAUTH else ("username",)
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"sign_in: {self.sign_in} needs {' and '.join(missing)}")
        return self


class ExchangeSettings(ExchangeHubSettings):
    """A person's mailbox there."""

    mailbox: str | None = Field(
        default=None,
        pattern=r"^[^\s<>]+@[^\s<>]+$",
        description="The primary SMTP address. Left out: the person's first e-mail address.",
    )
    calendar: str = Field(
        default="", description="What the calendar means to the rules (`work`, `private` …)."
    )
