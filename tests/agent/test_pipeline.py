"""From facts to the body of a NOTIFY, for what only shows when all parts run together."""

import asyncio
from datetime import timedelta

from agent.documents.rpid import Mood
from connectors.facts import CalendarEvent, CalendarValue, Fact, Shows
from tests.support.clock import MONDAY_NINE
from tests.support.service import documents, said, service
from tests.support.virtual_loop import virtual, virtual_beside_threads

PEOPLE = "people:\n  alice: {sip: 'sip:alice@example.org', name: Alice}\n"


def running(name: str, *shown: Shows, hours: float = 8) -> Fact:
    """A calendar of that name with events that run from the start on."""
    events = tuple(CalendarEvent(MONDAY_NINE, MONDAY_NINE + timedelta(hours=hours), one) for one in shown)
    window = MONDAY_NINE - timedelta(days=1), MONDAY_NINE + timedelta(days=2)
    return Fact("alice", f"test/{name}", CalendarValue(events, *window, name), MONDAY_NINE)


@virtual
async def test_several_calendars_each_with_its_meaning(tmp_path) -> None:
    rules = """
version: 1
include: [meetings]
calendars:
  on-call: {counts: false}
  team: {shows_as: tentative}
rules:
  - name: on call
    when: {calendar: {name: on-call, shows: busy}}
    then: {importance: high}
"""
    async with service(tmp_path, PEOPLE, rules) as here:
        here.app.decider.take([running("on-call", Shows.BUSY)])
        phone = await here.watch("sip:alice@example.org")
        assert said(phone)[-1] == "open dark", "this one must not light the lamp"
        assert any(getattr(one, "level", "") == "high" for one in documents(phone)[-1].persons[0].elements)
        here.app.decider.take([running("team", Shows.BUSY)])
        await asyncio.sleep(1)
        assert said(phone)[-1] == 'open dark "Perhaps in a meeting"', "busy there is perhaps here"
        here.app.decider.take([running("work", Shows.BUSY)])
        await asyncio.sleep(1)
        assert said(phone)[-1] == 'closed lit "In a meeting until 17:00"'


@virtual_beside_threads
async def test_the_admin_says_which_event_counts(tmp_path) -> None:
    rules = """
version: 1
%s
rules:
  - {name: out, when: {calendar: {shows: out-of-office}}, then: {state: dnd, note: out}}
  - {name: busy, when: {calendar: {shows: busy}}, then: {state: dnd, note: busy}}
"""
    async with service(tmp_path, PEOPLE, rules % "") as here:
        here.app.decider.take([running("work", Shows.BUSY, Shows.OUT_OF_OFFICE)])
        phone = await here.watch("sip:alice@example.org")
        assert said(phone)[-1] == 'closed lit "out"'
        here.write(rules=rules % "precedence: [busy, out-of-office, tentative, working-elsewhere]")
        assert (await here.app.reload()).problems == ()
        await asyncio.sleep(1)
        assert said(phone) == ['closed lit "out"', 'closed lit "busy"']


@virtual
async def test_notes_in_several_languages(tmp_path) -> None:
    rules = """
version: 1
states: {fishing: {like: dnd, note: {en: Gone fishing, de: Angeln gegangen, fr: "À la pêche"}}}
rules: [{name: always, then: {state: fishing}}]
"""
    async with service(tmp_path, PEOPLE, rules) as here:
        phone = await here.watch("sip:alice@example.org")
        notes = documents(phone)[-1].tuples[0].notes
        expected = {("en", "Gone fishing"), ("de", "Angeln gegangen"), ("fr", "À la pêche")}
        assert {(note.lang, note.text) for note in notes} == expected
        assert {(note.lang, note.text) for note in documents(phone)[-1].persons[0].notes} == expected


@virtual_beside_threads
async def test_xml_of_ones_own_and_moods_reach_the_watcher_untouched(tmp_path) -> None:
    rules = """
version: 1
namespaces: {acme: "https://acme.example/p"}
states:
  hopeful:
    mood: [happy, crossing my fingers]
    xml: |
      <acme:desk acme:id="7"><acme:floor>4</acme:floor> &amp; <acme:seat/></acme:desk>
  near: {xml: {"acme:room": {text: "4 <12>", floor: "4"}}}
rules: [{name: always, then: {state: %s}}]
"""
    async with service(tmp_path, PEOPLE, rules % "hopeful") as here:
        phone = await here.watch("sip:alice@example.org")
        body = phone.got[-1].message.body
        assert (
            b'<acme:desk xmlns:acme="https://acme.example/p" acme:id="7">'
            b"<acme:floor>4</acme:floor> &amp; <acme:seat/></acme:desk>"
        ) in body
        (mood,) = [one for one in documents(phone)[-1].persons[0].elements if isinstance(one, Mood)]
        assert mood.values == ("happy",)
        assert mood.other is not None and mood.other.text == "crossing my fingers"
        here.write(rules=rules % "near")
        await here.app.reload()
        await asyncio.sleep(1)
        body = phone.got[-1].message.body
        assert b'xmlns:x="https://acme.example/p" floor="4">4 &lt;12&gt;</x:room>' in body
