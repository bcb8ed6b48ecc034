"""Home Assistant: the companion app's messages, and what automations send."""

from datetime import timedelta

from connectors.conformance_receive import NOW
from connectors.ingress import Received
from connectors.location.secretbox import closed
from tests.connectors.location.apps import HERE, App, LocationConformance, iso, post


class TestConformance(LocationConformance):
    name = "home_assistant"
    package = "connectors.home_assistant"

    def request(self, person: str, step: int) -> Received:
        state = "Office" if step % 2 == 0 else "not_home"
        body = {"entity_id": f"person.{person}", "state": state, "last_changed": iso(step)}
        return post(body, NOW + timedelta(minutes=step))


def update(**data: object) -> dict[str, object]:
    return {"type": "update_location", "data": {"battery": 45, **data}}


async def test_a_position_and_zones_alone():
    app = App("home_assistant")
    reply = await app.send(post(update(gps=list(HERE), gps_accuracy=20), person="alice"))
    assert (reply.status, reply.body) == (200, b"{}") and app.zone() == "office"
    for minute, (data, zone) in enumerate(
        [
            ({"location_name": "home", "in_zones": ["zone.campus", "zone.home"]}, "home"),
            ({"in_zones": []}, None),
            ({"location_name": "Haus"}, "home"),
            ({"location_name": "not_home"}, None),
        ],
        1,
    ):
        await app.send(post(update(**data), NOW + timedelta(minutes=minute), person="alice"))
        assert app.zone() == zone


async def test_messages_that_are_hidden_from_those_between():
    app = App("home_assistant", "fl0wers")
    data = closed({"in_zones": ["zone.office"]}, "fl0wers", b"n" * 24)
    for kind in ("encrypted", "update_location"):
        await app.send(post({"type": kind, "encrypted": True, "encrypted_data": data}, person="alice"))
    assert app.zone() == "office"
    reply = await app.send(
        post({"type": "encrypted", "encrypted": True, "encrypted_data": "<base64>"}, person="alice")
    )
    assert reply.status == 200


async def test_what_automations_send():
    app = App("home_assistant")
    entered = {"entity_id": "device_tracker.alice", "zone": "zone.office", "event": "enter", "time": iso()}
    await app.send(post(entered))
    assert app.zone() == "office"
    await app.send(post({**entered, "event": "leave", "time": iso(1)}, NOW + timedelta(minutes=1)))
    assert app.zone() is None
    for state in ("unknown", "unavailable"):
        await app.send(post({"entity_id": "person.alice", "state": state, "last_changed": iso(2)}))
    assert app.zone() is None and len(app.facts) == 2


async def test_what_is_not_about_a_place():
    app = App("home_assistant")
    for body in (
        {"type": "register_sensor", "data": {}},
        update(gps=[0, 0]),
        update(),
        {"type": "update_location"},
    ):
        await app.send(post(body, person="alice"))
    assert not app.facts
