"""The CalDAV connector in the suite that every connector passes."""

from contextlib import asynccontextmanager

from aiohttp import web

from connectors.base import Link
from connectors.conformance import ConnectorConformance
from tests.connectors.ical.texts import calendar, event
from tests.connectors.stand_ins import http_source


def multistatus(*responses: str) -> web.Response:
    text = (
        '<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
        f' xmlns:cs="http://calendarserver.org/ns/">{"".join(responses)}</d:multistatus>'
    )
    return web.Response(status=207, text=text, content_type="application/xml")


def response(href: str, prop: str) -> str:
    status = "<d:status>HTTP/1.1 200 OK</d:status>"
    return f"<d:response><d:href>{href}</d:href><d:propstat><d:prop>{prop}</d:prop>{status}</d:propstat></d:response>"


def answer(request: web.BaseRequest, body: bytes, changes: int) -> web.Response:
    if request.method == "REPORT":
        text = calendar(event(f"DTSTART:20260302T1{changes}0000Z", "DURATION:PT1H"))
        return multistatus(
            response("/h/work/1.ics", f"<c:calendar-data><![CDATA[{text}]]></c:calendar-data>")
        )
    if b"current-user-principal" in body:
        prop = "<d:current-user-principal><d:href>/p/</d:href></d:current-user-principal>"
        return multistatus(response(request.path, prop))
    if b"calendar-home-set" in body:
        return multistatus(response("/p/", "<c:calendar-home-set><d:href>/h/</d:href></c:calendar-home-set>"))
    if b"getctag" in body:
        prop = (
            f"<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><cs:getctag>{changes}</cs:getctag>"
        )
        return multistatus(response("/h/work/", prop))
    return multistatus(response(request.path, "<d:resourcetype><d:collection/></d:resourcetype>"))


class TestConformance(ConnectorConformance):
    name = "caldav"
    package = "connectors.caldav"

    @asynccontextmanager
    async def source(self):
        def link(url: str) -> Link:
            return Link("alice-work", "caldav", "alice", {"url": url, "username": "alice"}, "correct horse")

        async with http_source(answer, link) as source:
            yield source
