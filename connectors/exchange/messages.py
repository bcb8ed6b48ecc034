"""GetUserAvailability as Exchange speaks it: SOAP request and answer. Pure.

Written by hand because it is asked for everybody every minute: a hundred mailboxes cost 8 ms here and 180 ms through
exchangelib. Times are asked for, and come, in UTC.

Source: MS-OXWAVLS (availability), MS-OXWSCDATA (fault and response codes).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree

from connectors.errors import AuthFailed, BadData, ConnectorError, Forbidden, NotFound, Unreachable
from connectors.ical.window import Window
from connectors.safe_xml import parse

SLOT_MINUTES = 15
"Of the merged view, which is all that some mailboxes show."
_SLOT = timedelta(minutes=SLOT_MINUTES)
MOST_MAILBOXES = 100
"Identities in one request (MS-OXWAVLS)."

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_M = "http://schemas.microsoft.com/exchange/services/2006/messages"
_T = "http://schemas.microsoft.com/exchange/services/2006/types"
_E = "http://schemas.microsoft.com/exchange/services/2006/errors"
_HEAD = (
    f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{_SOAP}" xmlns:m="{_M}" xmlns:t="{_T}"><s:Header>'
    '<t:RequestServerVersion Version="Exchange2013_SP1"/></s:Header><s:Body><m:GetUserAvailabilityRequest>'
    # Both halves of the year have the same bias: UTC all the year round.
    "<t:TimeZone><t:Bias>0</t:Bias>"
    "<t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>10</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>"
    "<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>4</t:Month>"
    "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone><m:MailboxDataArray>"
)
_ERRORS: Mapping[str, tuple[type[ConnectorError], str]] = {
    "ErrorMailRecipientNotFound": (NotFound, "the server knows no mailbox of this address"),
    "ErrorNonExistentMailbox": (NotFound, "the server knows no mailbox of this address"),
    "ErrorInvalidSmtpAddress": (NotFound, "the server takes this for no mail address"),
    "ErrorNoFreeBusyAccess": (Forbidden, "the mailbox does not show this account when it is free"),
    "ErrorAccessDenied": (Forbidden, "the service account may not read here"),
    "ErrorImpersonateUserDenied": (Forbidden, "the service account may not act for this mailbox"),
    "ErrorImpersonationDenied": (Forbidden, "the service account may not act for this mailbox"),
    "ErrorImpersonationFailed": (Forbidden, "the service account may not act for this mailbox"),
    "ErrorMissingEmailAddress": (NotFound, "the mailbox has no mail address"),
    "ErrorPasswordExpired": (AuthFailed, "the password of the service account has expired"),
    "ErrorAccountDisabled": (AuthFailed, "the service account is disabled"),
    "ErrorCalendarFolderNotFound": (NotFound, "the mailbox has no calendar"),
    "ErrorFolderNotFound": (NotFound, "the mailbox has no calendar"),
}


@dataclass(frozen=True, slots=True)
class BusyTime:
    """One entry of a mailbox's availability, still in Exchange's words."""

    start: datetime
    end: datetime
    busy: str
    "Free, Tentative, Busy, OOF, WorkingElsewhere or NoData."
    subject: str = ""
    location: str = ""
    private: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """What one mailbox shows in the window."""

    window: Window
    times: tuple[BusyTime, ...]
    problems: tuple[str, ...] = ()


def availability_request(mailboxes: Sequence[str], window: Window, *, words: bool) -> bytes:
    """``words``: subjects and places too, where the mailbox shows them to the account."""
    asked = "".join(
        f"<t:MailboxData><t:Email><t:Address>{escape(mailbox)}</t:Address></t:Email>"
        "<t:AttendeeType>Required</t:AttendeeType></t:MailboxData>"
        for mailbox in mailboxes
    )
    view = "DetailedMerged" if words else "FreeBusyMerged"
    return (
        f"{_HEAD}{asked}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>"
        f"<t:StartTime>{_written(window.start)}</t:StartTime><t:EndTime>{_written(window.end)}</t:EndTime>"
        f"</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>{SLOT_MINUTES}</t:MergedFreeBusyIntervalInMinutes>"
        f"<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions>"
        "</m:GetUserAvailabilityRequest></s:Body></s:Envelope>"
    ).encode()


def read_availability(
    body: bytes, mailboxes: Sequence[str], window: Window
) -> dict[str, Availability | ConnectorError]:
    """Mailbox -> what it shows, or why it shows nothing. Raises what concerns all of them."""
    root = parse(body)
    if (fault := root.find(f"{{{_SOAP}}}Body/{{{_SOAP}}}Fault")) is not None:
        raise fault_error(fault)
    answers = root.findall(f".//{{{_M}}}FreeBusyResponse")
    if len(answers) != len(mailboxes):
        raise BadData(f"the server answered for {len(answers)} of {len(mailboxes)} mailboxes")
    # The answers stand in the order of the question (MS-OXWAVLS §3.1.4.1.3.6).
    return {mailbox: _one(answer, window) for mailbox, answer in zip(mailboxes, answers, strict=True)}


def fault_error(fault: etree._Element) -> ConnectorError:
    """A SOAP fault."""
    code = fault.findtext(f".//{{{_E}}}ResponseCode") or fault.findtext("faultcode") or ""
    pause = next(
        (value.text for value in fault.iter(f"{{{_T}}}Value") if value.get("Name") == "BackOffMilliseconds"),
        None,
    )
    return response_error(code.rpartition(":")[2], pause)


def response_error(code: str, pause_milliseconds: str | None = None) -> ConnectorError:
    """What a response code of Exchange means to whoever has to act."""
    if code in _ERRORS:
        kind, words = _ERRORS[code]
        return kind(f"{words} ({code})")
    pause = (
        float(pause_milliseconds) / 1000 if pause_milliseconds and pause_milliseconds.isdecimal() else None
    )
    if code.startswith(("ErrorInvalid", "ErrorSchema")):
        return BadData(f"the server does not understand the question ({code[:60]})")
    return Unreachable(
        f"the server has no answer for now ({code[:60] or 'no reason given'})", retry_after=pause
    )


def _one(answer: etree._Element, window: Window) -> Availability | ConnectorError:
    message = answer.find(f"{{{_M}}}ResponseMessage")
    if message is None or message.get("ResponseClass") == "Error":
        code = message.findtext(f"{{{_M}}}ResponseCode") if message is not None else ""
        return response_error(code or "")
    view = answer.find(f"{{{_M}}}FreeBusyView")
    kind = view.findtext(f"{{{_T}}}FreeBusyViewType") if view is not None else "None"
    if view is None or kind == "None":
        return Forbidden("the mailbox does not show this account when it is free")
    listed = view.findall(f"{{{_T}}}CalendarEventArray/{{{_T}}}CalendarEvent")
    times: list[BusyTime] = []
    problems: list[str] = []
    for entry in listed:
        try:
            times.append(_busy_time(entry))
        except BadData as error:
            problems.append(f"an event: {error.what}")
    if kind == "MergedOnly":
        times.extend(_merged(view.findtext(f"{{{_T}}}MergedFreeBusy") or "", window))
    return Availability(window, tuple(times), tuple(problems))


def _busy_time(entry: etree._Element) -> BusyTime:
    details = entry.find(f"{{{_T}}}CalendarEventDetails")
    told = (
        {etree.QName(child).localname: child.text or "" for child in details} if details is not None else {}
    )
    return BusyTime(
        start=_moment(entry.findtext(f"{{{_T}}}StartTime")),
        end=_moment(entry.findtext(f"{{{_T}}}EndTime")),
        busy=entry.findtext(f"{{{_T}}}BusyType") or "",
        subject=told.get("Subject", ""),
        location=told.get("Location", ""),
        private=told.get("IsPrivate", "").strip().lower() in ("true", "1"),
        id=told.get("ID", ""),
    )


def _merged(view: str, window: Window) -> Iterator[BusyTime]:
    """One digit for each `SLOT_MINUTES`: 0 free, 1 tentative, 2 busy, 3 out of office, 4 elsewhere or no data."""
    words = {"1": "Tentative", "2": "Busy", "3": "OOF"}
    first = 0
    for number in range(1, len(view) + 1):
        if number == len(view) or view[number] != view[first]:
            if view[first] in words:
                yield BusyTime(
                    window.start + first * _SLOT, window.start + number * _SLOT, words[view[first]]
                )
            first = number


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _moment(text: str | None) -> datetime:
    """Local time in the zone that was asked for, which is UTC; some servers add an offset all the same."""
    try:
        moment = datetime.fromisoformat((text or "").strip().removesuffix("Z"))
    except ValueError:
        raise BadData(f"“{(text or '')[:30]}” is no date and time") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
