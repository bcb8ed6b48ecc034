"""Where somebody is goes to nobody, unless the administrator and the location's own rules allow it."""

import pytest

from agent.documents.pidf import build, parse
from agent.presence.location_policy import told_locations
from agent.server.config import ServerConfig
from tests.support.phone import shown
from tests.support.virtual_loop import virtual
from tests.support.world import world

GP = (
    '<gp:geopriv xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"'
    ' xmlns:gbp="urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"><gp:location-info>'
    '<p:pos xmlns:p="urn:example:pos">52.5 13.4</p:pos></gp:location-info><gp:usage-rules>'
    "<gbp:retransmission-allowed>{}</gbp:retransmission-allowed>"
    "<gbp:retention-expiry>2030-01-01T00:00:00Z</gbp:retention-expiry></gp:usage-rules></gp:geopriv>"
)


def document(allowed: str, where: str) -> bytes:
    places = {
        name: GP.format(allowed) if name == where else ""
        for name in ("status", "tuple", "person", "device", "root")
    }
    return (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"'
        ' entity="sip:alice@example.org">'
        f'<tuple id="t"><status><basic>open</basic>{places["status"]}</status>{places["tuple"]}</tuple>'
        f'<dm:person id="p">{places["person"]}</dm:person>'
        f'<dm:device id="d">{places["device"]}<dm:deviceID>urn:x:1</dm:deviceID></dm:device>{places["root"]}</presence>'
    ).encode()


@pytest.mark.parametrize("where", ["status", "tuple", "person", "device", "root"])
@pytest.mark.parametrize(("allowed", "opted_in"), [("yes", False), ("no", True), ("no", False)])
def test_by_default_and_without_leave_nobody_is_told(where: str, allowed: str, opted_in: bool) -> None:
    read = parse(document(allowed, where))
    assert b"52.5" in build(read)
    told = told_locations(read, opted_in)
    assert b"52.5" not in build(told)
    assert told_locations(told, opted_in) == told
    assert told.tuples[0].status.basic == "open"


@pytest.mark.parametrize("where", ["status", "tuple", "person", "device"])
def test_with_both_leaves_it_is_passed_on_with_its_rules(where: str) -> None:
    read = parse(document("yes", where))
    assert told_locations(read, True) == read
    assert b"retransmission-allowed>true<" in build(told_locations(read, True))


@virtual
async def test_watchers_of_the_server() -> None:
    for opted_in in (False, True):
        config = ServerConfig(domains=frozenset({"example.org"}), locations=opted_in)
        async with world(config=config) as here:
            alice, bob = here.phone("alice"), here.phone("bob")
            await alice.publish(document("yes", "device"))
            await bob.subscribe()
            notify = await bob.notify()
            assert shown(notify)[0][0] == "open"
            assert (b"52.5" in notify.body) is opted_in
