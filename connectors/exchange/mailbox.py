"""One mailbox by impersonation, through exchangelib. Everything here blocks: for threads.

An unchanged calendar costs one SyncFolderItems. It tells that something is changed, but gives series unexpanded; what
then counts is asked for by a CalendarView, which the server expands.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from exchangelib import BASIC, IMPERSONATION, NTLM, OAUTH2, Account, Configuration, Credentials, FailFast
from exchangelib.credentials import OAuth2AuthorizationCodeCredentials
from exchangelib.errors import (
    ErrorInvalidSyncStateData,
    ErrorServerBusy,
    EWSError,
    MalformedResponseError,
    RateLimitError,
    ResponseMessageError,
    SOAPError,
    TransportError,
    UnauthorizedError,
)
from exchangelib.ewsdatetime import EWSDateTime, EWSTimeZone
from exchangelib.items import CalendarItem
from exchangelib.protocol import BaseProtocol

from connectors.blocking_http import guarded_adapter, network_error
from connectors.errors import AuthFailed, BadData, ConnectorError, Unreachable
from connectors.exchange.mapping import Appointment, Replies
from connectors.exchange.messages import response_error
from connectors.exchange.settings import ExchangeHubSettings, SignIn
from connectors.exchange.sign_in import REFUSED, Tokens
from connectors.http import Http
from connectors.ical.window import Window
from connectors.privacy import Privacy

MOST_APPOINTMENTS = 1000
"In one window; a calendar with more of them in two days is no person's."
_ALWAYS = (
    "start", "end", "is_all_day", "legacy_free_busy_status", "my_response_type", "is_cancelled", "sensitivity", "uid",
    "required_attendees", "optional_attendees",
)  # fmt: skip
"Fields that are asked for whatever the privacy level; words only where they are allowed."
_AUTH_TYPES = {SignIn.NTLM: NTLM, SignIn.BASIC: BASIC, SignIn.OAUTH: OAUTH2}
# COMPAT(exchangelib 5.6): it takes 24 hours from the end of a whole day before it looks at the date, and so loses the
# day on which the clocks go forward. Moments stay moments; `mapping` knows about days.
CalendarItem.from_xml = classmethod(
    lambda cls, elem, account: super(CalendarItem, cls).from_xml(elem, account)
)
# It logs requests and answers, titles and all, where a call fails.
logging.getLogger("exchangelib").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Change:
    """What SyncFolderItems tells."""

    changed: bool
    state: str
    "To give next time."


class Server:
    """Makes mailboxes of one server and service account."""

    def __init__(self, settings: ExchangeHubSettings, secret: str, http: Http, tokens: Tokens) -> None:
        self._settings, self._secret, self._tokens = settings, secret, tokens
        self._configuration: Configuration | None = None
        self._token: str | None = None
        self._protocol: BaseProtocol | None = None
        # exchangelib makes its connections itself, and has one such setting for the process; so do we.
        BaseProtocol.HTTP_ADAPTER_CLS = guarded_adapter(http.allow, http.ca_file)
        BaseProtocol.USERAGENT = "Lamplighter (presence; calendar reader)"
        BaseProtocol.TIMEOUT = settings.timeout.total_seconds()

    def account(self, mailbox: str) -> Account:
        """Nothing is sent yet. Raises what getting a token raises."""
        account = Account(
            primary_smtp_address=mailbox,
            config=self._configured(),
            autodiscover=False,
            access_type=IMPERSONATION,
            default_timezone=EWSTimeZone("UTC"),
        )
        self._protocol = account.protocol
        return account

    def token(self) -> str | None:
        """One that is good; None where the sign-in needs none."""
        return self._tokens.fresh() if self._settings.sign_in is SignIn.OAUTH else None

    def _configured(self) -> Configuration:
        """exchangelib keeps connections by configuration; a new token wants a new one."""
        token = self.token()
        if self._configuration is None or token != self._token:
            self._token = token
            credentials = (
                OAuth2AuthorizationCodeCredentials(
                    access_token={"access_token": token, "token_type": "Bearer"}
                )
                if token is not None
                else Credentials(self._settings.username, self._secret)
            )
            self._configuration = Configuration(
                service_endpoint=str(self._settings.url),
                credentials=credentials,
                auth_type=_AUTH_TYPES[self._settings.sign_in],
                retry_policy=FailFast(),
                max_connections=self._settings.connections,
            )
        return self._configuration

    def close(self) -> None:
        """Connections that lie idle."""
        if self._protocol is not None:
            self._protocol.close()


class Mailbox:
    """A person's mailbox."""

    def __init__(self, server: Server, address: str) -> None:
        self._server, self._address = server, address
        self._kept: tuple[str | None, Account] | None = None

    def look(self, state: str | None) -> Change:
        """Has the calendar changed since ``state``? A state that the server does not know any more: yes."""
        with _told(self._address):
            calendar = self._account().calendar
            try:
                changes = len(list(calendar.sync_items(sync_state=state, only_fields=["id"])))
            except (ErrorInvalidSyncStateData, AttributeError):
                # COMPAT(exchangelib 5.6): AttributeError where the error comes without an empty SyncState.
                if state is None:
                    raise BadData("the server does not tell how far it has synchronized") from None
                state = None
                changes = len(list(calendar.sync_items(only_fields=["id"])))
            return Change(changes > 0 or state is None, str(calendar.item_sync_state))

    def appointments(self, window: Window, privacy: Privacy) -> list[Appointment]:
        """Every occurrence that overlaps the window."""
        words = ("subject", "location", "is_online_meeting") if privacy is Privacy.DETAILS else ()
        labels = ("categories",) if privacy is not Privacy.BUSY else ()
        with _told(self._address):
            found = self._account().calendar.view(
                start=EWSDateTime.from_datetime(window.start),
                end=EWSDateTime.from_datetime(window.end),
                max_items=MOST_APPOINTMENTS,
            )
            return [_appointment(item) for item in found.only(*_ALWAYS, *words, *labels)]

    def replies(self) -> Replies:
        """Automatic replies."""
        with _told(self._address):
            told = self._account().oof_settings
            return Replies(str(told.state), _moment(told.start), _moment(told.end))

    def subscribe(self) -> str:
        """To streaming notifications of the calendar; gives the subscription's id."""
        with _told(self._address):
            return str(self._account().calendar.subscribe_to_streaming())

    def notifications(self, subscriptions: list[str], minutes: int) -> Iterator[list[str]]:
        """Ids of subscriptions whose calendars have changed, as the server tells them, for so many minutes at most."""
        with _told(self._address):
            calendar = self._account().calendar
            for notification in calendar.get_streaming_events(subscriptions, connection_timeout=minutes):
                if any(type(event).__name__ != "StatusEvent" for event in notification.events):
                    yield [notification.subscription_id]
                else:
                    yield []

    def _account(self) -> Account:
        """Kept, since it knows its folders; made anew with a new token."""
        token = self._server.token()
        if self._kept is None or self._kept[0] != token:
            self._kept = token, self._server.account(self._address)
        return self._kept[1]


@contextmanager
def _told(address: str) -> Iterator[None]:
    """exchangelib's errors in our words. They can quote addresses and answers; ours do not."""
    try:
        yield
    except (UnauthorizedError, PermissionError):  # the latter of requests_ntlm
        raise AuthFailed(REFUSED) from None
    except ErrorServerBusy as error:
        raise Unreachable("the server is busy", retry_after=error.back_off) from None
    except RateLimitError as error:
        raise Unreachable("the server is busy", retry_after=error.wait) from None
    except EWSError as error:
        raise _as_ours(error) from None
    except requests.RequestException as error:
        raise network_error(error, "the Exchange server") from None


def _as_ours(error: EWSError) -> ConnectorError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, requests.RequestException):
            return network_error(cause, "the Exchange server")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, ResponseMessageError):
        return response_error(type(error).__name__)
    if isinstance(error, MalformedResponseError | SOAPError) or not isinstance(error, TransportError):
        return BadData(f"the server's answer makes no sense ({type(error).__name__})")
    return Unreachable(f"the server has no answer for now ({type(error).__name__})")


def _appointment(item: Any) -> Appointment:
    if isinstance(item, Exception):
        return Appointment(None, None, uid=type(item).__name__)
    guests = [*(item.required_attendees or ()), *(item.optional_attendees or ())]
    return Appointment(
        start=_moment(item.start),
        end=_moment(item.end),
        all_day=bool(item.is_all_day),
        made_in=item._start_timezone or UTC,
        busy=item.legacy_free_busy_status or "",
        response=item.my_response_type or "",
        canceled=bool(item.is_cancelled),
        sensitivity=item.sensitivity or "",
        subject=item.subject or "",
        location=item.location or "",
        categories=tuple(item.categories or ()),
        attendees=tuple(one.mailbox.email_address or "" for one in guests if one.mailbox) if guests else None,
        online=bool(item.is_online_meeting),
        uid=item.uid or "",
    )


def _moment(value: Any) -> datetime | None:
    """exchangelib's own class as the plain one."""
    return datetime.fromtimestamp(value.timestamp(), UTC) if isinstance(value, datetime) else None
