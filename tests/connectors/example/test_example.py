"""The example connector: the conformance suite, and its mapping."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from connectors.base import Link
from connectors.conformance import ConnectorConformance
from connectors.errors import BadData
from connectors.example.mapping import place_fact
from connectors.facts import PlaceValue
from tests.connectors.stand_ins import http_source
from tests.support.clock import MONDAY_NINE


def answer(request: web.BaseRequest, body: bytes, changes: int) -> web.Response:
    zone = "office" if changes == 0 else "home"
    return web.json_response({"zone": zone, "since": "2026-03-02T08:00:00+01:00"})


class TestConformance(ConnectorConformance):
    name = "example"
    package = "connectors.example"

    @asynccontextmanager
    async def source(self):
        async with http_source(
            answer, lambda url: Link("b", "example", "alice", {"url": url}, "tok3n")
        ) as source:
            yield source


def place(text: bytes) -> PlaceValue:
    return place_fact(text, person="alice", source="s", tags=("x",), observed_at=MONDAY_NINE).value


def test_null_is_nowhere_known():
    assert place(b'{"zone": null}') == PlaceValue(None, MONDAY_NINE, ("x",))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "not JSON"),
        (b"[]", "object"),
        (b'{"zone": 5}', "name"),
        (b'{"zone": ""}', "name"),
        (b'{"zone": "a", "tags": "b"}', "tags"),
        (b'{"zone": "a", "since": "noon"}', "since"),
        (b'{"zone": "a", "since": "2026-03-02T08:00:00"}', "time zone"),
        (b'{"zone": "a", "since": "0001-01-01T00:00:00+14:00"}', "calendar"),
    ],
)
def test_what_was_expected_is_said(text, word):
    with pytest.raises(BadData, match=word):
        place(text)
