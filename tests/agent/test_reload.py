"""Settings and rules that change while the service runs: at once, in one step, or not at all."""

import asyncio
import json
import logging
from collections.abc import Callable

from aiohttp import web

from tests.connectors.support import serve
from tests.support.service import documents, said, service
from tests.support.virtual_loop import virtual_beside_threads

RULES = """
version: 1
rules:
  - name: at the office
    when: {place: {tag: office}}
    then: {state: available, note: "at {place.zone}"}
"""
ALICE = "  alice: {sip: 'sip:alice@example.org', name: Alice%s}\n"
BOB = "  bob: {sip: 'sip:bob@example.org', name: Bob}\n"


class Badge:
    """Says where everybody is."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request.path)
        return web.Response(text=json.dumps({"zone": "HQ", "tags": ["office"]}))


def linked(url: str, more: str = "", **settings: str) -> str:
    link = json.dumps({"connector": "badge", "settings": {"url": url, **settings}})
    return ALICE % f", links: [{link}]{more}"


async def until(condition: Callable[[], object]) -> None:
    """Wait for what takes real time: an answer over HTTP."""
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.5)
    raise AssertionError("it did not come to that")


CONNECTORS = "connectors: {badge: {connector: example, interval: 1h, stale_after: 8h}}\n"


@virtual_beside_threads
async def test_groups_and_rules_change_in_one_step_and_facts_stay(tmp_path) -> None:
    badge = Badge()
    async with (
        serve(badge) as url,
        service(tmp_path, CONNECTORS + "people:\n" + linked(url), RULES) as here,
    ):
        phone = await here.watch("sip:alice@example.org")
        await until(lambda: said(phone)[-1] == 'open dark "at HQ"')
        before = len(said(phone))
        assert badge.asked == ["/"]
        # Without the new group the new rules would show her lit; with the old rules the group means nothing.
        here.write(
            CONNECTORS + "people:\n" + linked(url, ", groups: [sales]"),
            RULES.replace("available", "dnd").replace("  - name", "  - name: sales at the office\n"
                "    when: {place: {tag: office}, group: sales}\n"
                "    then: {state: available, note: sales}\n  - name", 1),
        )  # fmt: skip
        assert (await here.app.reload()).problems == ()
        await asyncio.sleep(5)
        assert said(phone)[before:] == ['open dark "sales"']
        assert badge.asked == ["/"], "the link has not changed, so nobody was asked"


@virtual_beside_threads
async def test_people_come_and_go(tmp_path) -> None:
    rules = "version: 1\nrules:\n  - {name: always, then: {state: available, note: here}}\n"
    async with service(tmp_path, "people:\n" + ALICE % "" + BOB, rules) as here:
        alice, bob, carol = [
            await here.watch(f"sip:{name}@example.org") for name in ("alice", "bob", "carol")
        ]
        told = len(said(alice))
        assert [said(each)[-1] for each in (alice, bob)] == ['open dark "here"'] * 2
        here.write("people:\n" + ALICE % "" + BOB.replace("bob", "carol"))
        await here.app.reload()
        await asyncio.sleep(10)
        assert documents(bob)[-1].tuples[0].status.basic == "closed"
        assert said(carol)[-1] == 'open dark "here"'
        assert len(said(alice)) == told, "nothing of hers has changed"
        assert not here.app.store.publications("sip:bob@example.org", "presence")
        assert set(here.app.decider.people) == {"alice", "carol"}


@virtual_beside_threads
async def test_another_address_shows_the_state_and_the_old_one_nothing(tmp_path) -> None:
    rules = "version: 1\nrules:\n  - {name: always, then: {state: dnd, note: here}}\n"
    async with service(tmp_path, "people:\n" + ALICE % "", rules) as here:
        old, new = await here.watch("sip:alice@example.org"), await here.watch("sip:a.b@example.org")
        here.write("people:\n  alice: {sip: 'sip:a.b@example.org', name: Alice}\n")
        await here.app.reload()
        await asyncio.sleep(10)
        assert said(new)[-1] == 'closed lit "here"'
        assert "lit" not in said(old)[-1]


@virtual_beside_threads
async def test_two_people_change_addresses(tmp_path) -> None:
    rules = """
version: 1
rules:
  - {name: alice, when: {person: alice}, then: {state: dnd, note: alice}}
  - {name: bob, when: {person: bob}, then: {state: available, note: bob}}
"""
    async with service(tmp_path, "people:\n" + ALICE % "" + BOB, rules) as here:
        first, second = await here.watch("sip:alice@example.org"), await here.watch("sip:bob@example.org")
        swapped = (ALICE % "" + BOB).replace("sip:alice", "sip:X").replace("sip:bob", "sip:alice")
        here.write("people:\n" + swapped.replace("sip:X", "sip:bob"))
        await here.app.reload()
        await asyncio.sleep(10)
        assert said(first)[-2:] == ['closed lit "alice"', 'open dark "bob"']
        assert said(second)[-2:] == ['open dark "bob"', 'closed lit "alice"']


@virtual_beside_threads
async def test_a_broken_file_changes_nothing_and_is_told_by_line_and_column(tmp_path, caplog) -> None:
    async with service(tmp_path, "people:\n" + ALICE % "" + BOB, RULES) as here:
        here.write("people:\n" + ALICE % "" + "  carol: {sip: 'sip:carol@example.org', grups: [x]}\n")
        with caplog.at_level(logging.ERROR, "lamplighter.reload"):
            outcome = await here.app.reload()
        (problem,) = outcome.problems
        assert "lamplighter.yaml:12:41: unknown key `grups` (did you mean `groups`?)" in problem
        assert problem in caplog.text
        assert set(here.app.decider.people) == {"alice", "bob"}
        # Good settings with broken rules change nothing either.
        here.write("people:\n" + ALICE % "", RULES.replace("place: {tag", "plaze: {tag"))
        (problem,) = (await here.app.reload()).problems
        assert "rules.yaml:5:12: the condition `plaze` is not known (did you mean `place`?)" in problem
        assert set(here.app.decider.people) == {"alice", "bob"}
        # Both broken: both are told.
        here.write("people: 3\n")
        assert len((await here.app.reload()).problems) == 2


@virtual_beside_threads
async def test_what_needs_a_restart_is_said_until_it_is_taken_back(tmp_path, caplog) -> None:
    async with service(tmp_path, "people:\n" + ALICE % "", RULES) as here:
        with caplog.at_level(logging.WARNING, "lamplighter.reload"):
            here.write("limits: {message_size: 32 KiB}\nlog: {level: error}\npeople:\n" + ALICE % "" + BOB)
            outcome = await here.app.reload()
        assert set(outcome.restart) == {"limits", "log"}
        assert "only a restart puts it in force: limits, log" in caplog.text
        assert "bob" in here.app.decider.people, "the rest is in force"
        here.write("people:\n" + ALICE % "")
        assert (await here.app.reload()).restart == ()


@virtual_beside_threads
async def test_another_account_forgets_what_the_old_one_said(tmp_path) -> None:
    badge = Badge()
    async with (
        serve(badge) as url,
        service(tmp_path, CONNECTORS + "people:\n" + linked(url), RULES) as here,
    ):
        await until(lambda: here.app.decider.facts.of("alice"))
        here.write(CONNECTORS + "people:\n" + linked(url, interval="2h"))
        await here.app.reload()
        assert here.app.decider.facts.of("alice"), "only asked less often: what it said is still true"
        here.write(CONNECTORS + "people:\n" + linked(url + "/other"))
        await here.app.reload()
        assert not here.app.decider.facts.of("alice")
        await until(lambda: here.app.decider.facts.of("alice"))
        assert badge.asked[-1] == "/other"


@virtual_beside_threads
async def test_another_rules_file_another_zone_and_working_hours(tmp_path) -> None:
    (tmp_path / "hours.yaml").write_text("version: 1\ninclude: [hours]\n")
    async with service(tmp_path, "people:\n" + ALICE % "", RULES) as here:
        assert here.app.decider.current("alice").decision.state == "unknown"
        settings = "working_hours: mon-fri 08:00-17:00\npeople:\n" + ALICE % ", timezone: Asia/Tokyo"
        path = tmp_path / "lamplighter.yaml"
        here.write(settings)
        path.write_text(path.read_text().replace("rules: rules.yaml", "rules: hours.yaml"))
        await here.app.reload()
        await asyncio.sleep(1)
        decision = here.app.decider.current("alice").decision
        # 09:00 in London is 18:00 in Tokyo.
        assert (decision.state, decision.notes[0].text) == ("off-work", "Back at Tue 08:00")
        path.write_text(path.read_text().replace("Asia/Tokyo", "Europe/London"))
        await here.app.reload()
        await asyncio.sleep(1)
        assert here.app.decider.current("alice").decision.state == "unknown", "at work, but nothing is known"
        path.write_text(path.read_text().replace("mon-fri", "sat"))
        await here.app.reload()
        await asyncio.sleep(1)
        assert here.app.decider.current("alice").decision.state == "off-work"


@virtual_beside_threads
async def test_included_files_are_watched_too(tmp_path) -> None:
    (tmp_path / "more.yaml").write_text("version: 1\nstates: {fishing: {basic: closed}}\n")
    rules = "version: 1\ninclude: [manual, more.yaml]\n"
    async with service(tmp_path, "people:\n" + ALICE % "", rules) as here:
        assert here.app.reload.rules_files == {tmp_path / "rules.yaml", tmp_path / "more.yaml"}


@virtual_beside_threads
async def test_who_may_watch_changes_for_those_who_watch_already(tmp_path) -> None:
    async with service(tmp_path, "people:\n" + ALICE % "", RULES) as here:
        phone = await here.watch("sip:alice@example.org")
        await asyncio.sleep(1)
        here.write("authorization: {default: confirm}\npeople:\n" + ALICE % "")
        assert (await here.app.reload()).restart == ()
        await asyncio.sleep(1)
        here.write("authorization: {default: block}\npeople:\n" + ALICE % "")
        await here.app.reload()
        await asyncio.sleep(1)
        states = [
            (each.headers.get("Subscription-State") or "").partition(";expires")[0] for each in phone.notifies
        ]
        assert states[0] == "active" and states[-2:] == ["pending", "terminated;reason=rejected"]


@virtual_beside_threads
async def test_watchers_of_somebody_who_has_left_are_told_so(tmp_path) -> None:
    async with service(tmp_path, "people:\n" + ALICE % "" + BOB, RULES) as here:
        phone = await here.watch("sip:bob@example.org")
        await asyncio.sleep(1)
        here.write("people:\n" + ALICE % "")
        await here.app.reload()
        await asyncio.sleep(1)
        assert phone.notifies[-1].headers.get("Subscription-State") == "terminated;reason=noresource"
