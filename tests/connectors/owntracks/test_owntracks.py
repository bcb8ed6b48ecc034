"""OwnTracks: what the apps send, over HTTP; shapes as captured, other people and places."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from nacl.secret import SecretBox

from connectors.conformance_receive import NOW
from connectors.ingress import Received
from connectors.location.secretbox import closed, opened
from tests.connectors.location.apps import HERE, THERE, App, LocationConformance, post, stamp


def location(minutes: float = 0, place: tuple[float, float] = HERE, **given: object) -> dict[str, object]:
    message = {
        "_type": "location", "acc": 12, "alt": 35, "batt": 71, "bs": 1, "conn": "w", "created_at": stamp(minutes),
        "lat": place[0], "lon": place[1], "m": 1, "t": "p", "tid": "AL", "topic": "owntracks/alice/pixel",
        "tst": stamp(minutes), "vac": 5, "vel": 0,
    }  # fmt: skip
    return {**message, **given}


def transition(event: str, minutes: float = 0, **given: object) -> dict[str, object]:
    message = {
        "_type": "transition", "acc": 60, "desc": "Office", "event": event, "lat": HERE[0], "lon": HERE[1], "t": "c",
        "tid": "AL", "tst": stamp(minutes), "wtst": 1,
    }  # fmt: skip
    return {**message, **given}


class TestConformance(LocationConformance):
    name = "owntracks"
    package = "connectors.owntracks"

    def request(self, person: str, step: int) -> Received:
        place = HERE if step % 2 == 0 else THERE
        body = location(step, place, topic=f"owntracks/{person}/pixel")
        return post(body, NOW + timedelta(minutes=step), x_limit_u=person, x_limit_d="pixel")


@pytest.fixture
def app() -> App:
    return App("owntracks")


async def test_the_answer_is_an_empty_array_whatever_comes(app):
    for body in (location(), {"_type": "lwt", "tst": 1}, {"_type": "nonsense"}, b"", b"{", b"[1,2]"):
        reply = await app.send(post(body, x_limit_u="alice"))
        assert (reply.status, reply.body, reply.content_type) == (200, b"[]", "application/json")


async def test_who_it_is_by_header_user_name_query_topic_or_token(app):
    bare = location(topic="owntracks/nobody/x")
    for request in (
        post(location(), x_limit_u="alice", x_limit_d="pixel"),
        post(bare, user="Alice@example.org"),
        replace(post(bare), query=(("u", "alice"), ("d", "pixel"))),
        post(location()),
        post(bare, person="alice"),
    ):
        here = App("owntracks")
        await here.send(request)
        assert here.zone() == "office" and here.place("bob") is None
    await app.send(post(bare))
    assert not app.facts


async def test_without_what_is_zero(app):
    """Apps leave out accuracy, altitude and speed that are zero or not known."""
    await app.send(post({"_type": "location", "t": "u", "batt": 11, "lat": HERE[0], "lon": HERE[1], "tid": "JJ",
                         "tst": stamp(), "topic": "owntracks/alice/phone"}))  # fmt: skip
    assert app.place() is None
    await app.send(post(location(1, tst=1)))
    assert app.place() is None, "1970"


async def test_transitions(app):
    await app.send(post(transition("enter", topic="owntracks/alice/pixel")))
    assert app.zone() == "office"
    await app.send(
        post(transition("leave", 5), NOW + timedelta(minutes=5), x_limit_u="alice", x_limit_d="pixel")
    )
    assert app.zone() is None
    beacon = transition("enter", 6, t="b", lat=0.0, lon=0.0, acc=0.0, desc="-my desk")
    await app.send(post(beacon, NOW + timedelta(minutes=6), x_limit_u="alice", x_limit_d="pixel"))
    assert app.zone() == "my desk"
    unnamed = transition("leave", 7)
    del unnamed["desc"]
    await app.send(post(unnamed, NOW + timedelta(minutes=7), x_limit_u="alice", x_limit_d="pixel"))
    assert app.zone() == "my desk"


async def test_regions_of_the_phone(app):
    home = location(place=THERE, inregions=["HAUS"], inrids=["6da9cf"], SSID="net", BSSID="02:00:5e:11:22:33",
                    motionactivities=["stationary"])  # fmt: skip
    await app.send(post(home))
    assert app.zone() == "home"
    await app.send(post(location(5, THERE), NOW + timedelta(minutes=5)))
    assert app.zone() is None


async def test_what_is_not_about_a_place(app):
    for body in (
        {"_type": "lwt", "tst": stamp()},
        {"_type": "waypoint", "tst": 4, "lat": 9, "lon": 47, "rad": 50, "desc": "office"},
        {"_type": "waypoints", "_creator": "test", "waypoints": [{"_type": "waypoint", "tst": 3, "desc": "office"}]},
        {"_type": "status", "tst": stamp()},
        {"_type": "card", "name": "Alice"},
    ):  # fmt: skip
        await app.send(post(body, x_limit_u="alice"))
    assert not app.facts


async def test_a_message_sent_fifty_times(app):
    first = location()
    for number in range(50):
        repeat = {**first, "created_at": stamp(number), "p": 100.6 + number}
        await app.send(post(repeat, NOW + timedelta(minutes=number)))
    assert len(app.facts) == 1


async def test_a_backlog_in_the_wrong_order(app):
    newest = location(120, THERE, acc=12)
    older = location(15, HERE, acc=12)
    for message in (newest, older):
        await app.send(post(message, NOW + timedelta(minutes=121)))
    assert app.zone() is None and len(app.facts) == 1


async def test_one_second_three_positions(app):
    for place, accuracy in ((THERE, 1038), (HERE, 22), (THERE, 90)):
        await app.send(post(location(0, place, acc=accuracy)))
    assert app.zone() == "office"


async def test_encrypted_with_the_persons_key():
    app = App("owntracks", "fl0wers")
    data = closed(location(), "fl0wers", b"n" * 24)
    await app.send(post({"_type": "encrypted", "data": data}, x_limit_u="alice"))
    assert app.zone() == "office"
    for wrong in (
        closed(location(1), "weeds", b"n" * 24),
        "AAAA",
        "!",
        None,
        closed({"_type": "encrypted"}, "fl0wers", b"m" * 24),
    ):
        reply = await app.send(post({"_type": "encrypted", "data": wrong}, x_limit_u="alice"))
        assert reply.body == b"[]"
    assert len(app.facts) == 1


def test_the_key_is_the_secret_filled_up_with_zeros():
    """booklet/features/encrypt: libsodium's secretbox; said here with the library's own words."""
    box = SecretBox(b"fl0wers" + bytes(25))
    data = base64.b64encode(box.encrypt(b'{"_type": "lwt"}')).decode()
    assert opened(data, "fl0wers") == {"_type": "lwt"}
    assert opened(base64.b64encode(SecretBox(b"k" * 32).encrypt(b"1")).decode(), "k" * 40) == 1


async def test_what_is_kept_is_shown_and_forgotten(app):
    await app.send(post(location()))
    link = app.links["alice"]
    (kept,) = link.kept()
    assert (kept["device"], kept["zone"]) == ("pixel", "office")
    text = json.dumps(kept) + json.dumps(app.state)
    assert "50.0" not in text and "8.0" not in text
    assert link.forget() == ("owntracks:app/alice/pixel",)
    assert link.kept() == [] and app.state["alice"] == {}
    await app.send(post(location(1), NOW + timedelta(minutes=1)))
    assert app.zone() == "office", "forgetting is no switch"


async def test_several_devices_are_streams_of_their_own(app):
    await app.send(post(location(0, THERE), x_limit_u="alice", x_limit_d="tablet"))
    await app.send(post(location(1), NOW + timedelta(minutes=1), x_limit_u="alice", x_limit_d="pixel"))
    assert {fact.source for fact in app.book.of("alice")} == {
        "owntracks:app/alice/pixel",
        "owntracks:app/alice/tablet",
    }
    assert app.zone() == "office"
