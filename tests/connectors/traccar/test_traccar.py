"""Traccar: the OsmAnd protocol, the newer client's JSON, and what a server forwards."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from connectors.conformance_receive import NOW
from connectors.ingress import Received
from connectors.traccar.mapping import told_by
from tests.connectors.location.apps import HERE, THERE, App, LocationConformance, get, iso, post, stamp


class TestConformance(LocationConformance):
    name = "traccar"
    package = "connectors.traccar"

    def request(self, person: str, step: int) -> Received:
        place = HERE if step % 2 == 0 else THERE
        query = f"id={person}&lat={place[0]}&lon={place[1]}&timestamp={stamp(step)}&accuracy=8&speed=0.0"
        return get(query, NOW + timedelta(minutes=step))


def report(query: str):
    (told,) = told_by(get(query))
    return told.reports[0]


@pytest.mark.parametrize(
    "written",
    [str(stamp()), str(stamp() * 1000), "2026-03-02T09%3A00%3A00Z", "2026-03-02+09%3A00%3A00", quote(iso())],
)
def test_times_in_seconds_milliseconds_and_iso(written):
    found = report(f"id=1&lat=50&lon=8&timestamp={written}")
    assert found.at == NOW and found.fix.accuracy is None


def test_values_as_they_come():
    assert report(f"timestamp={stamp()}&location=50.0,8.0&deviceid=7&hacc=5").device == "7"
    assert report(f"id=1&timestamp={stamp()}&lat=50&lon=8&accuracy=0").fix.accuracy is None
    assert report(f"id=1&timestamp={stamp()}&lat=50&lon=8&speed=10").fix.speed == pytest.approx(18.52)
    assert report(f"id=1&timestamp={stamp()}&lat=50&lon=8&hdop=6.0").fix.accuracy == 30
    assert report(f"id=1&timestamp={stamp()}&lat=50&lon=8&hdop=0.0").fix.accuracy is None
    cells = f"id=1&timestamp={stamp()}&cell=257,02,16,2224&cell=257,02,16,2223,-90&wifi=02-00-5e-01-23-45,-80"
    assert report(cells).fix is None
    assert told_by(get("id=1&lat=50&lon=8")) == [], "without a time it can't be put in order"
    assert told_by(get(f"id=1&timestamp={stamp()}&lat=50&lon=8&valid=0")) == []


async def test_as_a_form_and_with_nothing_but_a_token():
    app = App("traccar")
    body = f"lat={HERE[0]}&lon={HERE[1]}&timestamp={stamp()}&accuracy=9".encode()
    reply = await app.send(post(body, person="alice", content_type="application/x-www-form-urlencoded"))
    assert reply.status == 200 and app.zone() == "office"


def client(minutes: float = 0, place: tuple[float, float] = HERE, **location: object) -> dict[str, object]:
    coords = {
        "latitude": place[0], "longitude": place[1], "accuracy": 5, "speed": -1, "speed_accuracy": -1, "heading": -1,
        "heading_accuracy": -1, "altitude": 5, "floor": None,
    }  # fmt: skip
    told = {
        "timestamp": iso(minutes).replace("+00:00", ".862Z"), "coords": coords, "is_moving": False, "odometer": 0,
        "event": "motionchange", "battery": {"level": -1, "is_charging": False}, "extras": {"text": "x", "flag": True},
        "activity": {"type": "still", "confidence": 100}, "uuid": "0e9a", "age": 188,
    }  # fmt: skip
    return {"location": {**told, **location}, "device_id": "48240001"}


async def test_the_newer_client():
    app = App("traccar", devices=["48240001"])
    app.hub.directory.detach(app.links["bob"])
    await app.send(post(client(0, mock=True)))
    assert app.place() is None, "a position that another app has made up"
    await app.send(post(client(1), NOW + timedelta(minutes=2)))
    assert app.zone() == "office"
    coords = {**client()["location"]["coords"], "latitude": THERE[0], "speed": 18.67}
    await app.send(post(client(3, coords=coords), NOW + timedelta(minutes=4)))
    assert app.zone() is None and app.place().tags == ("in-transit",)


def forwarded(kind: str, minutes: float = 0) -> dict[str, object]:
    return {
        "event": {"id": 2518, "attributes": {}, "deviceId": 3, "type": kind, "positionId": 3946,
                  "eventTime": iso(minutes).replace("+00:00", ".000+00:00"), "geofenceId": 2, "maintenanceId": 0},
        "position": {"id": 3946, "deviceId": 3, "protocol": "osmand", "fixTime": iso(minutes), "outdated": False,
                     "valid": True, "latitude": THERE[0], "longitude": THERE[1], "speed": 2.7, "accuracy": 12.0},
        "device": {"id": 3, "name": "Alice's phone", "uniqueId": "alice", "status": "online"},
        "geofence": {"id": 2, "name": "Office", "area": "CIRCLE (50 8, 120)"},
    }  # fmt: skip


async def test_events_of_a_server_whose_positions_are_not_looked_at():
    app = App("traccar")
    await app.send(post(forwarded("geofenceEnter")))
    assert app.zone() == "office"
    await app.send(post(forwarded("deviceMoving", 1), NOW + timedelta(minutes=1)))
    await app.send(post(forwarded("geofenceExit", 2), NOW + timedelta(minutes=2)))
    assert app.zone() is None and len(app.facts) == 2
    offline = forwarded("deviceOffline", 3)
    del offline["position"], offline["geofence"]
    await app.send(post(offline, NOW + timedelta(minutes=3)))
    assert len(app.facts) == 2


async def test_positions_of_a_server():
    app = App("traccar")
    document = forwarded("", 0)
    del document["event"], document["geofence"]
    document["position"] |= {"latitude": HERE[0], "longitude": HERE[1]}
    for spoiled in ({"valid": False}, {"outdated": True}, {"accuracy": 0.0}):
        await app.send(post({**document, "position": {**document["position"], **spoiled}}))
    assert app.place() is None
    await app.send(post(document))
    assert app.zone() == "office"
