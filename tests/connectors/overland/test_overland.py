"""Overland: batches of GeoJSON, longitude first, and the one answer that takes them off its queue."""

from datetime import datetime, timedelta

from connectors.conformance_receive import NOW
from connectors.ingress import Received
from tests.connectors.location.apps import HERE, THERE, App, LocationConformance, get, post


def feature(minutes: float, place: tuple[float, float] = HERE, **given: object) -> dict[str, object]:
    at: datetime = NOW + timedelta(minutes=minutes)
    properties = {
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}+0000", "altitude": 0, "speed": -1, "horizontal_accuracy": 30,
        "vertical_accuracy": -1, "motion": ["stationary"], "pauses": False, "activity": "other", "battery_level": 0.8,
        "desired_accuracy": 100, "deferred": 1000, "significant_change": "disabled", "locations_in_payload": 1,
        "battery_state": "charging", "device_id": "", "wifi": "",
    }  # fmt: skip
    point = {"type": "Point", "coordinates": [place[1], place[0]]}
    return {"type": "Feature", "geometry": point, "properties": {**properties, **given}}


class TestConformance(LocationConformance):
    name = "overland"
    package = "connectors.overland"

    def request(self, person: str, step: int) -> Received:
        place = HERE if step % 2 == 0 else THERE
        return post({"locations": [feature(step, place)]}, NOW + timedelta(minutes=step), person=person)


async def test_the_answer_is_exactly_what_the_app_wants():
    app = App("overland")
    for body in (
        {"locations": [feature(0)]},
        {"locations": []},
        {},
        b"{",
        {"locations": [None, {"geometry": 5}]},
    ):
        reply = await app.send(post(body, person="alice"))
        assert (reply.status, reply.body, reply.content_type) == (200, b'{"result":"ok"}', "application/json")
    assert app.zone() == "office"


async def test_a_thousand_points_in_any_order_are_one_fact():
    app = App("overland")
    points = [feature(minute / 10 - 100, THERE if minute % 2 else HERE) for minute in range(1000)]
    points = points[500:] + points[:500]
    await app.send(
        post({"locations": [*points, feature(0, HERE)], "current": {}, "trip": {}}, person="alice")
    )
    assert app.zone() == "office" and len(app.facts) == 1


async def test_where_it_is_now_counts_more_than_what_has_piled_up():
    app = App("overland")
    body = {"locations": [feature(-60, HERE), feature(-50, HERE)], "current": feature(0, THERE)}
    await app.send(post(body, person="alice"))
    assert app.zone() is None


async def test_speeds_are_metres_a_second():
    app = App("overland")
    await app.send(post({"locations": [feature(0, THERE, speed=6)]}, person="alice"))
    assert app.place().tags == ("in-transit",)
    await app.send(
        post({"locations": [feature(1, THERE, speed=5)]}, NOW + timedelta(minutes=1), person="alice")
    )
    assert app.place().tags == ()


async def test_times_with_and_without_a_colon_and_values_in_the_address():
    for timestamp in ("2026-03-02T10:00:00+0100", "2026-03-02T09:00:00Z", "2026-03-02T10:00:00+01:00"):
        app = App("overland")
        await app.send(post({"locations": [feature(0, timestamp=timestamp)]}, person="alice"))
        assert app.facts[0].observed_at == NOW
    app = App("overland")
    query = f"ts=2026-03-02T09:00:00Z&lat={HERE[0]}&lon={HERE[1]}&acc=30&spd=4&bat=0.8&alt=0"
    await app.send(get(query, person="alice"))
    assert app.zone() == "office"
