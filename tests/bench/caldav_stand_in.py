"""A CalDAV server that answers at once and never changes, as a program of its own."""

PER_LINK = 20
"Events in the window of each calendar below /full/."

PROGRAM = rf"""
from datetime import datetime, timedelta
from aiohttp import web
LISTING = ('<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>%swork/</d:href>'
        '<d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/></d:resourcetype>'
        '<d:sync-token>1</d:sync-token></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>'
        '</d:multistatus>')
EMPTY = '<d:multistatus xmlns:d="DAV:"/>'
def stored(number):
    start = datetime(2026, 3, 2, 10) + timedelta(hours=2 * number)
    text = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:0b5d7c2e-4f4e-4a57-9d4a-%012d\r\n"
            "DTSTART:%s\r\nDURATION:PT30M\r\nSUMMARY:A meeting of many\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            % (number, start.strftime("%Y%m%dT%H%M%SZ")))
    return ('<d:response><d:href>/full/work/0b5d7c2e-4f4e-4a57-9d4a-%012d.ics</d:href><d:propstat><d:prop>'
            '<d:getetag>"%032d"</d:getetag><c:calendar-data>%s</c:calendar-data></d:prop>'
            '<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>' % (number, number, text))
FULL = ('<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        + "".join(map(stored, range({PER_LINK}))) + '</d:multistatus>')
async def answer(request):
    await request.read()
    if request.method == "REPORT":
        return web.Response(status=207, text=FULL if request.path.startswith("/full/") else EMPTY)
    return web.Response(status=207, text=LISTING % request.path)
async def main():
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await __import__("asyncio").Event().wait()
__import__("asyncio").run(main())
"""
