"""The ready-made mappings with what their sources send: same shapes as captured, other names and numbers."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import BadData
from tests.connectors.webhook.test_webhook import Entrance

NINE = datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)


def radius(
    status: str,
    minute: int = 0,
    session: str = "7D10AA02-00000003",
    user: str = "Alice@Example.org",
    ap: str = "ap-hq-2f-04",
):
    """As FreeRADIUS 3.2's rlm_rest writes it: enumerations by name though of type integer, dates for people."""
    at = NINE + timedelta(minutes=minute)
    attributes = {
        "User-Name": ("string", user),
        "NAS-IP-Address": ("ipaddr", "192.0.2.11"),
        "Called-Station-Id": ("string", "02-00-5E-10-20-30:staff"),
        "Calling-Station-Id": ("string", "02-00-5E-00-11-22"),
        "NAS-Identifier": ("string", ap),
        "NAS-Port-Type": ("integer", "Wireless-802.11"),
        "Acct-Status-Type": ("integer", status),
        "Acct-Session-Id": ("string", session),
        "Event-Timestamp": ("date", f"{at:%b %d %Y %H:%M:%S} UTC"),
    }
    if status == "Stop":
        attributes |= {
            "Acct-Terminate-Cause": ("integer", "Idle-Timeout"),
            "Acct-Session-Time": ("integer", 4021),
        }
    if status.startswith("Accounting"):
        del attributes["User-Name"], attributes["Acct-Session-Id"]
    return {name: {"type": kind, "value": [value]} for name, (kind, value) in attributes.items()}


@pytest.fixture
def wifi() -> Entrance:
    return Entrance({"preset": "radius", "zones": {"ap-hq-*": "office", "ap-muc-*": "munich"}})


async def told(here: Entrance, document: object, minute: int = 0) -> None:
    await here.send(document, NINE + timedelta(minutes=minute))


async def test_radius_from_start_to_stop(wifi):
    await told(wifi, radius("Start"))
    fact = wifi.fact()
    assert (fact.value.zone, fact.value.since, fact.observed_at) == ("office", NINE, NINE)
    assert fact.valid_until == NINE + timedelta(minutes=20), "a Stop that never comes is unknown in the end"
    await told(wifi, radius("Interim-Update", 10), 10)
    assert (wifi.fact().value.since, wifi.fact().valid_until) == (NINE, NINE + timedelta(minutes=30))
    await told(wifi, radius("Stop", 15), 15)
    assert wifi.zone() is None and wifi.fact().observed_at == NINE + timedelta(minutes=15)
    assert not wifi.book.of("bob")


async def test_radius_repeats_and_what_comes_late(wifi):
    await told(wifi, radius("Start"))
    before = wifi.fact()
    await told(wifi, radius("Start"), 1)
    assert wifi.fact() == before, "the access point did not hear our answer and sent it again"
    await told(wifi, radius("Stop", 5), 5)
    await told(wifi, radius("Interim-Update", 4), 6)
    assert wifi.zone() is None


async def test_radius_roaming_and_two_devices(wifi):
    await told(wifi, radius("Start", 0, "phone-1"))
    await told(wifi, radius("Start", 3, "phone-2", ap="ap-muc-01"), 3)
    await told(wifi, radius("Stop", 4, "phone-1"), 4)
    assert wifi.zone() == "munich"
    await told(wifi, radius("Start", 5, "phone-3", ap="ap-cafe"), 5)
    assert wifi.zone() is None, "an access point that no zone is named for"


async def test_radius_an_access_point_that_starts_anew_has_nobody(wifi):
    await told(wifi, radius("Start"))
    await told(wifi, radius("Start", 0, "other", "bob"))
    await told(wifi, radius("Accounting-On", 5, ap="ap-hq-1f-01"), 5)
    assert wifi.zone() == "office"
    await told(wifi, radius("Accounting-On", 6), 6)
    assert (wifi.zone(), wifi.zone("bob")) == (None, None)
    await told(wifi, radius("Start", 7, "again"), 7)
    assert wifi.zone() == "office"


async def test_radius_users_and_states_that_are_none_of_ours(wifi):
    await told(wifi, radius("Start", user="guest@elsewhere.example"))
    await told(wifi, radius("Failed"))
    assert not wifi.book.of("alice") and not wifi.book.of("bob")


def unifi(key: str, millisecond: int, ap: str = "02:00:5e:aa:00:01"):
    event = {
        "_id": f"65e{millisecond}",
        "ap": ap,
        "channel": 44,
        "datetime": "2026-03-02T09:00:01Z",
        "hostname": "phone",
        "key": key,
        "msg": "User[02:00:5e:00:53:01] …",
        "ssid": "staff",
        "subsystem": "wlan",
        "time": 1772442001000 + millisecond,
        "user": "02:00:5e:00:53:01",
    }
    return {"meta": {"rc": "ok", "message": "events"}, "data": [event]}


async def test_unifi_events_of_a_device():
    here = Entrance({"preset": "unifi", "zones": {"02:00:5e:aa:*": "office"}}, alice=["02-00-5E-00-53-01"])
    await told(here, unifi("EVT_WU_Connected", 0))
    assert here.zone() == "office" and here.fact().observed_at == NINE
    await told(here, unifi("EVT_WU_Disconnected", 5000), 1)
    assert here.zone() is None
    await told(here, unifi("EVT_AD_Login", 6000), 1)
    assert here.zone() is None


async def test_unifi_rows_of_the_list_of_clients():
    row = {
        "_id": "65e1", "ap_mac": "02:00:5e:aa:00:01", "assoc_time": 1772431200, "essid": "staff", "hostname": "phone",
        "idletime": 1, "is_wired": False, "last_seen": 1772442001, "mac": "02:00:5e:00:53:01", "uptime": 11904,
    }  # fmt: skip
    here = Entrance({"preset": "unifi-clients"}, alice=["02005e005301"])
    for document in ({"meta": {"rc": "ok"}, "data": [row]}, row):
        await told(here, document)
    assert here.zone() == "02:00:5e:aa:00:01" and here.fact().valid_until == NINE + timedelta(minutes=10)


async def test_unifi_access_a_badge_and_a_door_that_was_opened_from_afar():
    badge = {
        "event": "access.door.unlock",
        "event_object_id": "5a0b",
        "data": {
            "location": {"id": "d1", "location_type": "door", "name": "Main entrance"},
            "actor": {"id": "b-201", "name": "Alice Example", "type": "user"},
            "object": {"authentication_type": "NFC", "result": "Access Granted"},
        },
    }
    afar = {
        "event": "access.data.device.remote_unlock",
        "receiver_id": "",
        "event_object_id": "6b0c",
        "save_to_history": False,
        "data": {
            "unique_id": "30ff",
            "name": "Door 7",
            "full_name": "Site - 1F - Door 7",
            "location_type": "door",
        },
    }
    here = Entrance({"preset": "unifi-access", "zones": {"Main *": "office"}}, alice=["b-201"])
    await told(here, afar)
    assert not here.book.of("alice")
    await told(here, badge)
    assert here.zone() == "office"
    badge["data"]["object"]["result"] = "Access Denied"
    badge["data"]["location"]["name"] = "Vault"
    await told(here, badge, 1)
    assert here.zone() == "office"


async def test_mist_joins_sessions_and_zones():
    joined = {
        "ap": "020003f10001", "ap_name": "hq-3", "band": "5", "bssid": "020003f10002", "connect": 1772442001,
        "connect_float": 1772442001.1, "mac": "02005e005301", "org_id": "o", "rssi": -50, "site_name": "HQ",
        "ssid": "staff", "timestamp": 1772442001, "version": 2, "wlan_id": "w",
    }  # fmt: skip
    here = Entrance({"preset": "mist", "zones": {"hq-*": "office"}}, alice=["02:00:5e:00:53:01"])
    await told(here, {"topic": "client-join", "events": [joined]})
    assert here.zone() == "office" and here.fact().value.since == NINE
    ended = {**joined, "disconnect": 1772442601, "duration": 600, "next_ap": "", "termination_reason": 3}
    await told(here, {"topic": "client-sessions", "events": [ended]}, 10)
    assert here.zone() is None
    zones = Entrance({"preset": "mist-zones", "zones": {"4495-*": "lab"}}, alice=["asset-7"])
    moved = {
        "asset_id": "asset-7", "map_id": "m", "name": "badge", "site_id": "s", "timestamp": 1772442001,
        "trigger": "enter", "type": "asset", "zone_id": "4495-0a",
    }  # fmt: skip
    await told(zones, {"topic": "zone", "events": [moved]})
    assert zones.zone() == "lab"
    await told(zones, {"topic": "zone", "events": [{**moved, "trigger": "exit", "timestamp": 1772442061}]}, 1)
    assert zones.zone() is None


async def test_vpn_and_shortcuts():
    vpn = Entrance({"preset": "vpn"})
    connected = {"user": "alice", "event": "connect", "session": "7", "time": 1772442001}
    await told(vpn, connected)
    assert vpn.zone() == "vpn"
    await told(vpn, {**connected, "event": "disconnect", "time": 1772442061}, 1)
    assert vpn.zone() is None
    here = Entrance({"preset": "zone"})
    arrived = {"person": "alice", "zone": "office", "event": "enter", "ts": "2026-03-02T10:00:01+01:00"}
    await told(here, arrived)
    assert here.zone() == "office" and here.fact().observed_at == NINE
    await told(here, {**arrived, "event": "Leave", "ts": "2026-03-02T10:05:01+01:00"}, 5)
    assert here.zone() is None


async def test_any_badge_reader_in_binary_mode():
    """A body that says no more than a number."""
    here = Entrance(
        {
            "kind": "place",
            "subject": "data.badge",
            "values": {"zone": "source"},
            "zones": {"/doors/*": "office"},
        },
        alice=["12345"],
    )
    attributes = {
        "ce_specversion": "1.0",
        "ce_type": "com.example.door",
        "ce_time": "2026-03-02T09:00:01Z",
        "ce_id": "1234-5678",
        "ce_source": "/doors/north",
        "content_type": "application/json; charset=utf-8",
    }
    await here.send({"badge": 12345}, NINE, **attributes)
    assert here.zone() == "office" and here.fact().observed_at == NINE
    with pytest.raises(BadData):
        await here.send({"badge": 12345}, NINE, **{**attributes, "ce_id": "x", "ce_specversion": "2.0"})
