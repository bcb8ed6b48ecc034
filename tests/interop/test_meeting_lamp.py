"""The product's main job on real parts: an event on a CalDAV server lights the lamp of a program that knows nothing but
`Event: dialog`, at the second at which it begins."""

from datetime import timedelta
from pathlib import Path

import pytest

from agent.clock import SystemClock
from tests.connectors.caldav.servers import PASSWORD as CALENDAR_PASSWORD
from tests.connectors.caldav.servers import USER, running
from tests.connectors.ical.texts import calendar, event
from tests.interop.clients.client import PASSWORD, Setup
from tests.interop.clients.sofia import Sofia
from tests.interop.conftest import House
from tests.interop.service import USERS, serving

pytestmark = pytest.mark.interop
RULES = "version: 1\ninclude: [meetings]\n"


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_a_meeting_lights_the_lamp_when_it_begins_and_no_longer(
    house: House, tmp_path: Path, transport: str
) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "calendar.password").write_text(CALENDAR_PASSWORD)
    with running("radicale") as server:
        server.make_calendar("work", "Work")
        link = {
            "connector": "office",
            "settings": {"url": server.url, "username": USER},
            "password_file": "calendar.password",
        }
        more = {
            "rules": "rules.yaml",
            "people": {"alice": {"sip": "sip:alice@example.org", "links": [link]}},
            "connectors": {"office": {"connector": "caldav", "interval": "1s"}},
            "outbound": {"allow_private": ["127.0.0.0/8"]},
        }
        with serving(tmp_path, house.authority, {}, **more) as service:
            home = tmp_path / "phone"
            home.mkdir()
            phone = Sofia(Setup(home, USERS[0], service.way(transport, PASSWORD), (), house.folder))
            phone.start()
            try:
                phone.registered()
                phone.watch_lamp("alice")
                phone.sees_lamp("alice", lit=False)
                begins = SystemClock().now().replace(microsecond=0) + timedelta(seconds=5)
                ends = begins + timedelta(seconds=2)
                text = event(f"DTSTART:{begins:%Y%m%dT%H%M%SZ}", f"DTEND:{ends:%Y%m%dT%H%M%SZ}")
                server.put("work", "meeting", calendar(text))
                for lit, since in ((True, begins), (False, ends)):
                    phone.sees_lamp("alice", lit)
                    assert SystemClock().now() >= since, "before its time"
            finally:
                phone.stop()
