"""Where people are, through the whole service over real HTTP: zones in, and coordinates nowhere."""

import asyncio
import base64
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent.app import App, open_app
from agent.cli import main as cli
from agent.cli.serve import control_path
from agent.clock import SystemClock
from agent.settings import load_settings
from agent.store.backup import back_up
from agent.telemetry.logs import configure_logging

SETTINGS = """
domains: [example.org]
rules: rules.yaml
listeners: [{transport: udp, host: 127.0.0.1, port: 0}]
http: {enabled: false}
ingress: {enabled: true, port: 0}
allow_inline_secrets: true
store: {url: "sqlite:///state.db"}
zones:
  office: {center: [47.61234, 8.76543], radius: 150, tags: [site]}
  home: {}
connectors:
  phones: {connector: owntracks, everyone: true, password: one-for-all}
  overland: {connector: overland, everyone: true}
people:
  alice: {sip: "sip:alice@example.org", emails: [alice@example.org]}
  bob: {sip: "sip:bob@example.org"}
"""
RULES = """
version: 1
states:
  office: {note: At the office}
  away: {note: Somewhere else}
rules:
  - {name: there, when: {place: {tag: site}}, then: {state: office}}
  - {name: elsewhere, when: {place: {zone: none}}, then: {state: away}}
"""
NORTH, EAST = 47.61239, 8.76551
SECRETS = ("47.612", "8.765", "3.1415", "46.9876", "7.4321")
"Digits of every coordinate that is sent here."


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[App]:
    (folder / "rules.yaml").write_text(RULES)
    path = folder / "lamplighter.yaml"
    path.write_text(SETTINGS)
    async with open_app(load_settings(path, {}), SystemClock(), control_path=control_path(path)) as app:
        yield app


def location(latitude: float, longitude: float, ago: float = 0, **given: Any) -> dict[str, Any]:
    seconds = int(SystemClock().wall() - ago)
    return {
        "_type": "location",
        "lat": latitude,
        "lon": longitude,
        "acc": 11,
        "tst": seconds,
        "tid": "A",
        **given,
    }


async def post(app: App, path: str, body: Any, **headers: str) -> bytes:
    url = f"http://127.0.0.1:{app.ingress_port}{path}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as client, client.post(url, json=body, headers=named) as response:
        assert response.status == 200, await response.text()
        return await response.read()


async def state(app: App, person: str, wanted: str) -> None:
    async with asyncio.timeout(10):
        while (now := app.decider.current(person)) is None or now.decision.state != wanted:
            await asyncio.sleep(0.01)


async def test_from_a_phone_to_a_state_and_what_is_kept_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--settings", str(tmp_path / "lamplighter.yaml")])
        assert not ended.value.code, capsys.readouterr().err
        return capsys.readouterr().out

    async with service(tmp_path) as app:
        auth = "Basic " + base64.b64encode(b"alice@example.org:one-for-all").decode()
        assert await post(app, "/in/phones", location(NORTH, EAST, 60), Authorization=auth) == b"[]"
        await state(app, "alice", "office")
        (row,) = json.loads(await asyncio.to_thread(run, "location", "show", "alice", "--json"))
        assert (row["source"], row["zone"], row["tags"]) == ("owntracks:phones/alice", "office", ["site"])
        token = json.loads(await asyncio.to_thread(run, "tokens", "create", "phones", "bob", "--json"))[
            "token"
        ]
        await post(app, f"/in/t/{token}", location(3.1415, 8.7654))
        await state(app, "bob", "away")
        assert "Forgotten: 1" in await asyncio.to_thread(run, "location", "forget", "alice")
        await state(app, "alice", "unknown")
        assert "Nothing is kept" in await asyncio.to_thread(run, "location", "show", "alice")
        assert "office" not in json.dumps([row.state for row in app.store.connector_memories()])


async def test_a_restart_forgets_no_place(tmp_path: Path) -> None:
    async with service(tmp_path) as app:
        token = (await app.tokens.create("phones", "alice", ""))[1]
        await post(app, f"/in/t/{token}", location(NORTH, EAST, 60))
        await state(app, "alice", "office")
        before = app.places.of("alice")
    async with service(tmp_path) as app:
        await state(app, "alice", "office")
        assert app.places.of("alice") == before
        # What was sent before and arrives again says nothing new; the token is good as ever.
        await post(app, f"/in/t/{token}", location(3.1415, 8.7, 120))
        assert app.places.of("alice") == before
        app.places.forget("alice")
    async with service(tmp_path) as app:
        assert app.places.of("alice") == []


async def test_coordinates_are_nowhere_after_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In no row, no log line at the most talkative level, no backup, no figure, no message to a watcher."""
    told = io.StringIO()
    handler = configure_logging("debug", "json", told)
    try:
        async with service(tmp_path) as app:
            token = (await app.tokens.create("phones", "alice", ""))[1]
            other = (await app.tokens.create("overland", "alice", ""))[1]
            for body in (
                location(NORTH, EAST, 90, inregions=["office"]),
                location(3.1415, 8.7654, 60),
                location(46.9876, 7.4321, 30, acc=0),
                {
                    "_type": "transition",
                    "event": "leave",
                    "desc": "office",
                    "lat": 47.61234,
                    "lon": 8.76543,
                    "tst": 1,
                },
                {"_type": "waypoint", "lat": 47.61234, "lon": 8.76543, "rad": 50, "desc": "x", "tst": 1},
                {"_type": "location", "lat": "47.61234", "lon": [8.76543]},
                location(NORTH, EAST, 1, vel=99),
            ):
                await post(app, f"/in/t/{token}", body)
            point = {"type": "Point", "coordinates": [7.4321, 46.9876]}
            properties = {"timestamp": SystemClock().now().isoformat(), "horizontal_accuracy": 9}
            await post(app, f"/in/t/{other}", {"locations": [{"geometry": point, "properties": properties}]})
            # Refused in every way there is, each with a position in it.
            url = f"http://127.0.0.1:{app.ingress_port}"
            async with aiohttp.ClientSession() as client:
                for path in (
                    f"/in/t/{token}x?lat=47.61234",
                    "/in/phones?lon=8.76543",
                    f"/in/t/{token}?lat=47.61239",
                ):
                    async with client.put(url + path, data=b'{"lat": 47.61234') as response:
                        assert response.status >= 400
            await state(app, "alice", "away")
            await app.store.commit()
            back_up(tmp_path / "state.db", tmp_path / "backup.db")
            figures = app.metrics.render().decode()
            shown = json.dumps([row.body.decode() for row in app.store.all_publications()])
            explained = json.dumps(app.decider.explain("alice").trace.to_json(), default=str)
    finally:
        logging.getLogger().removeHandler(handler)
    assert "lamplighter.ingress" in told.getvalue(), "something was logged"
    places = {
        "log": told.getvalue(),
        "standard error": capsys.readouterr().err,
        "figures": figures,
        "publications": shown,
        "explanation": explained,
    }
    places |= files_in(tmp_path)
    assert "backup.db" in places and "office" in places["backup.db"]
    for name, text in places.items():
        for digits in SECRETS:
            assert digits not in text, f"{digits} in {name}"


def files_in(folder: Path) -> dict[str, str]:
    """Everything that the service has written."""
    return {
        path.name: path.read_bytes().decode("latin-1")
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".yaml"
    }
