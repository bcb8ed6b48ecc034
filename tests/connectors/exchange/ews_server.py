"""A stand-in for Exchange Web Services: one calendar per mailbox, and the operations that the connector uses.

Shapes, element order and codes as in MS-OXWSCORE, MS-OXWSSYNC, MS-OXWSNTIF, MS-OXWAVLS and MS-OXWOOF; Exchange 2016's
version header. Recurrences are the test's business: like a server's CalendarView it gives occurrences.
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import spnego
from aiohttp import web
from lxml import etree

from tests.connectors.support import serve

M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
E = "http://schemas.microsoft.com/exchange/services/2006/errors"
NAMES = {"m": M, "t": T}
PATH = "/EWS/Exchange.asmx"


@dataclass(frozen=True)
class Item:
    """An occurrence in a calendar."""

    start: datetime
    end: datetime
    subject: str = "Budget"
    location: str = ""
    busy: str = "Busy"
    all_day: bool = False
    zone: str = "UTC"
    "Windows name of the zone that it was made in."
    response: str = "Organizer"
    canceled: bool = False
    sensitivity: str = "Normal"
    categories: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    online: bool = False
    uid: str = ""


@dataclass
class Mailbox:
    items: list[Item] = field(default_factory=list)
    replies: str = "Disabled"
    replies_from: datetime | None = None
    replies_until: datetime | None = None
    error: str = ""
    "Response code instead of an availability."
    view: str = "Detailed"
    "FreeBusyViewType: what the asking account may see."
    merged: str = ""
    changes: int = 0


class Ews:
    """``mailboxes``: address -> mailbox. Levers: ``lever``, ``fault``, ``drop_states``."""

    def __init__(self, username: str = "EXAMPLE\\lamplighter", password: str = "correct horse") -> None:
        self.username, self.password = username, password
        self.accepts: Callable[[str], bool] = lambda token: False
        "Is this bearer token good?"
        self.mailboxes: dict[str, Mailbox] = {}
        self.asked: list[str] = []
        "Names of operations, in order."
        self.requests: list[bytes] = []
        self.lever = ""
        self.fault: tuple[str, int | None] | None = None
        "(response code, milliseconds to back off) of every answer."
        self.drop_states = False
        "SyncFolderItems does not know the next state that it is given."
        self._handshakes: dict[Any, Any] = {}
        self._signed_in: set[Any] = set()
        self._subscribed: dict[str, str] = {}
        self._streams: list[asyncio.Queue[str | None]] = []
        self.url = ""

    # -- what tests do ------------------------------------------------------------------------------------------

    def put(self, address: str, *items: Item) -> None:
        """What the calendar holds from now on; whoever streams is told."""
        mailbox = self.mailboxes.setdefault(address, Mailbox())
        mailbox.items = [replace(item, uid=item.uid or f"uid-{number}") for number, item in enumerate(items)]
        mailbox.changes += 1
        for subscription, owner in self._subscribed.items():
            if owner == address:
                for stream in self._streams:
                    stream.put_nowait(subscription)

    @property
    def streaming(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    def end_streams(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)

    # -- HTTP -----------------------------------------------------------------------------------------------------

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.lever == "silent":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        challenge = self._challenge(request)
        if challenge is not None:
            return challenge
        if self.lever == "nonsense":
            return web.Response(body=b"\x00<nonsense", content_type="text/xml")
        body = await request.read()
        self.requests.append(body)
        root = etree.fromstring(body)
        operation = next(iter(root.find("{*}Body")))
        name = etree.QName(operation).localname.removesuffix("Request")
        self.asked.append(name)
        if self.fault is not None:
            return self._faulty()
        owner = root.findtext(".//t:ExchangeImpersonation//t:PrimarySmtpAddress", None, NAMES) or ""
        if owner and owner not in self.mailboxes:
            self.fault, before = ("ErrorNonExistentMailbox", None), self.fault
            answer = self._faulty()
            self.fault = before
            return answer
        if name == "GetStreamingEvents":
            return await self._stream(request, operation)
        answer = getattr(self, f"_{_snake(name)}")(operation, owner)
        return web.Response(body=_envelope(answer), content_type="text/xml")

    def _challenge(self, request: web.BaseRequest) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        if self.lever == "refuse":
            return _unauthorized("Negotiate", "NTLM", 'Basic realm="ews"')
        kind, _, value = given.partition(" ")
        if kind == "Basic" and base64.b64decode(value).decode() == f"{self.username}:{self.password}":
            return None
        if kind == "Bearer" and self.accepts(value):
            return None
        if kind in ("NTLM", "Negotiate"):
            return self._ntlm(request, kind, value)
        if request.transport in self._signed_in:
            return None  # NTLM signs in a connection (MS-NTHT)
        return _unauthorized("Negotiate", "NTLM", 'Basic realm="ews"')

    def _ntlm(self, request: web.BaseRequest, kind: str, value: str) -> web.Response | None:
        """Needs the accounts in the file that $NTLM_USER_FILE names."""
        context = self._handshakes.pop(request.transport, None) or spnego.server(protocol="ntlm")
        try:
            token = context.step(base64.b64decode(value))
        except spnego.exceptions.SpnegoError:
            return _unauthorized("NTLM")
        if context.complete:
            self._signed_in.add(request.transport)
            return None
        self._handshakes[request.transport] = context
        return _unauthorized(f"{kind} {base64.b64encode(token or b'').decode()}")

    def _faulty(self) -> web.Response:
        assert self.fault is not None
        code, pause = self.fault
        back_off = f'<t:MessageXml xmlns:t="{T}"><t:Value Name="BackOffMilliseconds">{pause}</t:Value></t:MessageXml>'
        body = (
            f'<s:Fault><faultcode xmlns:a="{T}">a:{code}</faultcode><faultstring>{code}</faultstring><detail>'
            f'<e:ResponseCode xmlns:e="{E}">{code}</e:ResponseCode><e:Message xmlns:e="{E}">{code}</e:Message>'
            f"{back_off if pause is not None else ''}</detail></s:Fault>"
        )
        return web.Response(status=500, body=_envelope(body), content_type="text/xml")

    # -- operations -------------------------------------------------------------------------------------------------

    def _convert_id(self, operation: etree._Element, owner: str) -> str:
        """How exchangelib learns the server's version: by the header of any answer."""
        return _messages("ConvertId", "", error="ErrorInvalidIdMalformed")

    def _get_folder(self, operation: etree._Element, owner: str) -> str:
        kind = operation.find(".//t:DistinguishedFolderId", NAMES)
        name = kind.get("Id") if kind is not None else "calendar"
        element, label = ("CalendarFolder", "Calendar") if name == "calendar" else ("Folder", "Root")
        counts = "<t:TotalCount>0</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount>"
        cls = "<t:FolderClass>IPF.Appointment</t:FolderClass>" if element == "CalendarFolder" else ""
        return _messages(
            "GetFolder",
            f'<m:Folders><t:{element}><t:FolderId Id="{name}-{owner}" ChangeKey="AQ=="/>{cls}'
            f"<t:DisplayName>{label}</t:DisplayName>{counts}</t:{element}></m:Folders>",
        )

    def _find_item(self, operation: etree._Element, owner: str) -> str:
        view = operation.find("m:CalendarView", NAMES)
        start, end = (datetime.fromisoformat(view.get(name)) for name in ("StartDate", "EndDate"))
        found = [
            f'<t:CalendarItem><t:ItemId Id="{owner}#{number}" ChangeKey="AQ=="/></t:CalendarItem>'
            for number, item in enumerate(self.mailboxes[owner].items)
            if item.start < end and item.end > start
        ]
        return _messages(
            "FindItem",
            f'<m:RootFolder IncludesLastItemInRange="true" TotalItemsInView="{len(found)}">'
            f"<t:Items>{''.join(found)}</t:Items></m:RootFolder>",
        )

    def _get_item(self, operation: etree._Element, owner: str) -> str:
        wanted = {node.get("FieldURI") for node in operation.iterfind("m:ItemShape//t:FieldURI", NAMES)}
        messages = []
        for node in operation.iterfind("m:ItemIds/t:ItemId", NAMES):
            address, _, number = node.get("Id").rpartition("#")
            item = self.mailboxes[address].items[int(number)]
            messages.append(
                f'<m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
                f"<m:Items>{_calendar_item(node.get('Id'), item, wanted)}</m:Items></m:GetItemResponseMessage>"
            )
        return f"<m:GetItemResponse><m:ResponseMessages>{''.join(messages)}</m:ResponseMessages></m:GetItemResponse>"

    def _sync_folder_items(self, operation: etree._Element, owner: str) -> str:
        state = operation.findtext("m:SyncState", None, NAMES)
        if state is not None and self.drop_states:
            self.drop_states = False
            empty = "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
            return _messages("SyncFolderItems", empty, error="ErrorInvalidSyncStateData")
        mailbox = self.mailboxes[owner]
        before = int(state.rpartition(":")[2]) if state else 0
        number = len(mailbox.items) if mailbox.changes > before else 0
        changed = "".join(
            f'<t:Update><t:CalendarItem><t:ItemId Id="{owner}#{each}" ChangeKey="AQ=="/></t:CalendarItem></t:Update>'
            for each in range(number)
        )
        if mailbox.changes > before and not number:
            changed = f'<t:Delete><t:ItemId Id="{owner}#0" ChangeKey="AQ=="/></t:Delete>'
        return _messages(
            "SyncFolderItems",
            f"<m:SyncState>{owner}:{mailbox.changes}</m:SyncState>"
            f"<m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes>{changed}</m:Changes>",
        )

    def _get_user_oof_settings(self, operation: etree._Element, owner: str) -> str:
        mailbox = self.mailboxes[operation.findtext(".//t:Address", None, NAMES) or owner]
        start = mailbox.replies_from or datetime(2026, 1, 1, tzinfo=UTC)
        end = mailbox.replies_until or datetime(2026, 1, 2, tzinfo=UTC)
        return (
            '<m:GetUserOofSettingsResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError'
            f"</m:ResponseCode></m:ResponseMessage><t:OofSettings><t:OofState>{mailbox.replies}</t:OofState>"
            f"<t:ExternalAudience>All</t:ExternalAudience><t:Duration><t:StartTime>{_z(start)}</t:StartTime>"
            f"<t:EndTime>{_z(end)}</t:EndTime></t:Duration><t:InternalReply><t:Message>away</t:Message>"
            "</t:InternalReply><t:ExternalReply><t:Message>away</t:Message></t:ExternalReply></t:OofSettings>"
            "<m:AllowExternalOof>All</m:AllowExternalOof></m:GetUserOofSettingsResponse>"
        )

    def _get_user_availability(self, operation: etree._Element, owner: str) -> str:
        start, end = (
            datetime.fromisoformat(operation.findtext(f".//t:{name}", None, NAMES)).replace(tzinfo=UTC)
            for name in ("StartTime", "EndTime")
        )
        wanted = operation.findtext(".//t:RequestedView", None, NAMES)
        answers = [
            self._availability(node.text, start, end, wanted)
            for node in operation.iterfind(".//t:MailboxData/t:Email/t:Address", NAMES)
        ]
        return (
            "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>"
            f"{''.join(answers)}</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
        )

    def _availability(self, address: str, start: datetime, end: datetime, wanted: str) -> str:
        mailbox = self.mailboxes.get(address)
        error = "ErrorMailRecipientNotFound" if mailbox is None else mailbox.error
        if mailbox is None or error:
            return (
                '<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>no</m:MessageText>'
                f"<m:ResponseCode>{error}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>"
                "</m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView>"
                "</m:FreeBusyResponse>"
            )
        detailed = wanted.startswith("Detailed") and mailbox.view == "Detailed"
        events = "".join(
            _availability_event(item, detailed)
            for item in mailbox.items
            # The server has taken out what is canceled or declined.
            if item.start < end and item.end > start and not item.canceled and item.response != "Decline"
        )
        listed = f"<t:CalendarEventArray>{events}</t:CalendarEventArray>"
        if mailbox.view in ("MergedOnly", "None"):
            listed = ""
        kind = mailbox.view if mailbox.view != "Detailed" else wanted
        merged = f"<t:MergedFreeBusy>{mailbox.merged}</t:MergedFreeBusy>" if mailbox.merged else ""
        return (
            '<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
            f"</m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>{kind}</t:FreeBusyViewType>{merged}{listed}"
            "</m:FreeBusyView></m:FreeBusyResponse>"
        )

    def _subscribe(self, operation: etree._Element, owner: str) -> str:
        subscription = f"subscription-{len(self._subscribed)}"
        self._subscribed[subscription] = owner
        return _messages("Subscribe", f"<m:SubscriptionId>{subscription}</m:SubscriptionId>")

    async def _stream(self, request: web.BaseRequest, operation: etree._Element) -> web.StreamResponse:
        """One envelope for each thing that happens, chunk by chunk, as long as the test lets it."""
        known = [node.text for node in operation.iterfind("m:SubscriptionIds/t:SubscriptionId", NAMES)]
        response = web.StreamResponse(headers={"Content-Type": "text/xml; charset=utf-8"})
        await response.prepare(request)
        stream: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams.append(stream)
        status = "<m:ConnectionStatus>OK</m:ConnectionStatus>"
        await response.write(_envelope(_messages("GetStreamingEvents", status)))
        try:
            while (subscription := await stream.get()) is not None:
                if subscription in known:
                    await response.write(
                        _envelope(_messages("GetStreamingEvents", _notification(subscription)))
                    )
            closed = "<m:ConnectionStatus>Closed</m:ConnectionStatus>"
            await response.write(_envelope(_messages("GetStreamingEvents", closed)))
        finally:
            self._streams.remove(stream)
        return response


@asynccontextmanager
async def ews_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[Ews]:
    """A running one; ``url`` is its endpoint."""
    ews = Ews()
    async with serve(ews.handle, tls) as url:
        ews.url = url + PATH
        try:
            yield ews
        finally:
            ews.end_streams()


def _notification(subscription: str) -> str:
    return (
        f"<m:Notifications><m:Notification><t:SubscriptionId>{subscription}</t:SubscriptionId><t:ModifiedEvent>"
        '<t:TimeStamp>2026-03-02T09:00:00Z</t:TimeStamp><t:ItemId Id="x" ChangeKey="AQ=="/>'
        '<t:ParentFolderId Id="calendar" ChangeKey="AQ=="/></t:ModifiedEvent></m:Notification></m:Notifications>'
    )


def _availability_event(item: Item, detailed: bool) -> str:
    details = (
        f"<t:CalendarEventDetails><t:ID>{item.uid}</t:ID><t:Subject>{escape(item.subject)}</t:Subject>"
        f"<t:Location>{escape(item.location)}</t:Location><t:IsMeeting>{_b(bool(item.guests))}</t:IsMeeting>"
        "<t:IsRecurring>false</t:IsRecurring><t:IsException>false</t:IsException>"
        "<t:IsReminderSet>false</t:IsReminderSet>"
        f"<t:IsPrivate>{_b(item.sensitivity != 'Normal')}</t:IsPrivate></t:CalendarEventDetails>"
    )
    return (
        f"<t:CalendarEvent><t:StartTime>{item.start.astimezone(UTC):%Y-%m-%dT%H:%M:%S}</t:StartTime>"
        f"<t:EndTime>{item.end.astimezone(UTC):%Y-%m-%dT%H:%M:%S}</t:EndTime><t:BusyType>{item.busy}</t:BusyType>"
        f"{details if detailed else ''}</t:CalendarEvent>"
    )


def _calendar_item(identity: str, item: Item, wanted: set[str]) -> str:
    """Only what was asked for, in the schema's order (MS-OXWSMTGS CalendarItemType)."""
    everybody = "".join(
        f"<t:Attendee><t:Mailbox><t:Name>{guest}</t:Name><t:EmailAddress>{guest}</t:EmailAddress></t:Mailbox>"
        "<t:ResponseType>Unknown</t:ResponseType></t:Attendee>"
        for guest in item.guests
    )
    labels = "".join(f"<t:String>{escape(name)}</t:String>" for name in item.categories)
    parts: list[tuple[str, str]] = [
        ("item:Subject", f"<t:Subject>{escape(item.subject)}</t:Subject>"),
        ("item:Sensitivity", f"<t:Sensitivity>{item.sensitivity}</t:Sensitivity>"),
        ("item:Categories", f"<t:Categories>{labels}</t:Categories>" if labels else ""),
        ("calendar:UID", f"<t:UID>{item.uid}</t:UID>"),
        ("calendar:Start", f"<t:Start>{_z(item.start)}</t:Start>"),
        ("calendar:End", f"<t:End>{_z(item.end)}</t:End>"),
        ("calendar:IsAllDayEvent", f"<t:IsAllDayEvent>{_b(item.all_day)}</t:IsAllDayEvent>"),
        ("calendar:LegacyFreeBusyStatus", f"<t:LegacyFreeBusyStatus>{item.busy}</t:LegacyFreeBusyStatus>"),
        ("calendar:Location", f"<t:Location>{escape(item.location)}</t:Location>" if item.location else ""),
        ("calendar:IsCancelled", f"<t:IsCancelled>{_b(item.canceled)}</t:IsCancelled>"),
        ("calendar:MyResponseType", f"<t:MyResponseType>{item.response}</t:MyResponseType>"),
        (
            "calendar:RequiredAttendees",
            f"<t:RequiredAttendees>{everybody}</t:RequiredAttendees>" if everybody else "",
        ),
        ("calendar:StartTimeZone", f'<t:StartTimeZone Id="{item.zone}" Name="{item.zone}"/>'),
        ("calendar:EndTimeZone", f'<t:EndTimeZone Id="{item.zone}" Name="{item.zone}"/>'),
        ("calendar:IsOnlineMeeting", f"<t:IsOnlineMeeting>{_b(item.online)}</t:IsOnlineMeeting>"),
    ]
    told = "".join(text for name, text in parts if name in wanted)
    return f'<t:CalendarItem><t:ItemId Id="{identity}" ChangeKey="AQ=="/>{told}</t:CalendarItem>'


def _messages(name: str, inside: str, *, error: str = "") -> str:
    kind = "Error" if error else "Success"
    text = f"<m:MessageText>{error}</m:MessageText>" if error else ""
    return (
        f'<m:{name}Response><m:ResponseMessages><m:{name}ResponseMessage ResponseClass="{kind}">{text}'
        f"<m:ResponseCode>{error or 'NoError'}</m:ResponseCode>{inside}</m:{name}ResponseMessage>"
        f"</m:ResponseMessages></m:{name}Response>"
    )


def _envelope(body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" '
        f'MinorBuildNumber="39" Version="V2017_07_11" xmlns:h="{T}"/></s:Header>'
        f'<s:Body xmlns:m="{M}" xmlns:t="{T}">{body}</s:Body></s:Envelope>'
    ).encode()


def _unauthorized(*offers: str) -> web.Response:
    response = web.Response(status=401)
    for offer in offers:
        response.headers.add("WWW-Authenticate", offer)
    return response


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")


def _z(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _b(value: bool) -> str:
    return "true" if value else "false"
