"""GPSLogger: custom addresses, the body for Home Assistant, files that are sent again."""

from datetime import timedelta

from connectors.conformance_receive import NOW
from connectors.ingress import Received
from tests.connectors.location.apps import HERE, THERE, App, LocationConformance, get, iso, post, stamp


def query(minutes: float = 0, place: tuple[float, float] = HERE, **given: str) -> str:
    written = {
        "lat": f"{place[0]}", "lon": f"{place[1]}", "acc": "12.0", "ts": f"{stamp(minutes)}", "batt": "78.0",
        "time": iso(minutes)[:19] + "Z", "chg": "false", "prov": "gps", "spd": "0.0", "dir": "0.0", "alt": "35.0",
        "aid": "abcdef0123456789", "ser": "unknown", "profile": "Default+Profile", "sat": "9", "hdop": "0.9", **given,
    }  # fmt: skip
    return "&".join(f"{name}={value}" for name, value in written.items())


class TestConformance(LocationConformance):
    name = "gpslogger"
    package = "connectors.gpslogger"

    def request(self, person: str, step: int) -> Received:
        place = HERE if step % 2 == 0 else THERE
        return get(query(step, place), NOW + timedelta(minutes=step), person=person)


async def test_by_address_and_by_serial_number():
    app = App("gpslogger")
    await app.send(get(query(), person="alice"))
    assert app.zone() == "office"
    await app.send(get(query(ser="bob")))
    assert app.zone("bob") == "office"


async def test_placeholders_that_the_app_left_and_mocks_are_nothing():
    app = App("gpslogger")
    for given in (
        {"lat": "%25LAT"},
        {"ts": "%25TIMESTAMP", "time": "x"},
        {"prov": "mock"},
        {"acc": "%25ACC"},
    ):
        await app.send(get(query(**given), person="alice"))
    assert app.place() is None


async def test_the_body_for_home_assistant_has_no_time():
    app = App("gpslogger")
    body = (
        f"latitude={HERE[0]}&longitude={HERE[1]}&device=alice&accuracy=9&speed=0&provider=network&activity="
    )
    await app.send(post(body.encode(), content_type="application/x-www-form-urlencoded"))
    assert app.zone() == "office" and app.facts[0].observed_at == NOW


async def test_a_file_that_is_sent_again_as_it_grows():
    app = App("gpslogger")
    lines = ["time,lat,lon,elevation,accuracy,bearing,speed,satellites,provider"]
    for minute in range(-30, 1, 10):
        place = HERE if minute == 0 else THERE
        lines.append(f"{iso(minute)[:19]}.000Z,{place[0]},{place[1]},35,12,,0.0,9,gps")
        await app.send(post("\n".join(lines).encode(), NOW + timedelta(minutes=minute), person="alice"))
    assert app.zone() == "office" and app.facts[-1].observed_at == NOW
    told = len(app.facts)
    await app.send(post("\n".join(lines).encode(), person="alice"))
    assert len(app.facts) == told
