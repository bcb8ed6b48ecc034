"""Where a NOTIFY goes: route sets (RFC 3261 §12.2.1.1), names, and what a refresh may change of it."""

import asyncio

from tests.support.phone import Phone, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import World, world


def proxy(here: World, host: str) -> Phone:
    """Stands where a proxy would: what reaches it is looked at, and answered as the watcher would."""
    return Phone(here.wire, "proxy", host)


@virtual
async def test_notifies_travel_through_a_record_routing_proxy() -> None:
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        edge = proxy(here, "192.0.2.99")
        routes = ["<sip:192.0.2.99:5060;lr;ftag=1>", "<sip:10.0.0.1;lr>", '"x, y" <sip:10.0.0.2;lr>']
        sub = await bob.subscribe(
            f"Record-Route: {routes[0]}, {routes[1]}",
            f"Record-Route: {routes[2]}",
            contact="<sip:bob@10.9.9.9:5062;x=y>",
        )
        assert sub.answer.headers.values("Record-Route") == routes
        notify = await edge.notify()
        assert notify.uri == "sip:bob@10.9.9.9:5062;x=y"
        assert notify.headers.values("Route") == routes
        await alice.publish(document("In"))
        assert shown(await edge.notify()) == [("open", "In")]
        assert not bob.requests


@virtual
async def test_a_strict_router_becomes_the_request_uri() -> None:
    async with world() as here:
        bob, edge = here.phone("bob"), proxy(here, "192.0.2.99")
        await bob.subscribe("Record-Route: <sip:192.0.2.99>", "Record-Route: <sip:10.0.0.1;lr>")
        notify = await edge.notify()
        assert notify.uri == "sip:192.0.2.99"
        assert notify.headers.values("Route") == ["<sip:10.0.0.1;lr>", bob.contact]


@virtual
async def test_a_refresh_changes_the_target_but_never_the_route_set() -> None:
    async with world() as here:
        bob, edge, other = here.phone("bob"), proxy(here, "192.0.2.99"), proxy(here, "192.0.2.98")
        sub = await bob.subscribe("Record-Route: <sip:192.0.2.99;lr>")
        await edge.notify()
        answer = await sub.ask("Record-Route: <sip:192.0.2.98;lr>", contact="<sip:bob@10.0.0.7>")
        assert answer.status == 200
        notify = await edge.notify()
        assert notify.uri == "sip:bob@10.0.0.7"
        assert notify.headers.values("Route") == ["<sip:192.0.2.99;lr>"]
        await sub.ask("Record-Route: <sip:192.0.2.98;lr>", contact="<sip:bob@10.0.0.8>", expires=0)
        last = await edge.notify()
        assert last.uri == "sip:bob@10.0.0.8" and state(last) == "terminated;reason=timeout"
        assert not other.got


@virtual
async def test_a_contact_by_name_is_looked_up() -> None:
    async with world() as here:
        bob = here.phone("bob")
        here.names.names["desk7.example.org"] = bob.address[0]
        await bob.subscribe(contact="<sip:bob@desk7.example.org>")
        assert (await bob.notify(within=1)).uri == "sip:bob@desk7.example.org"


@virtual
async def test_a_contact_that_leads_nowhere_ends_the_subscription() -> None:
    async with world() as here:
        bob = here.phone("bob")
        for contact in ("<sip:bob@nowhere.example>", "<sip:bob@192.0.2.200;transport=carrier-pigeon>"):
            sub = await bob.subscribe(contact=contact)
            assert sub.answer.status == 200
            await asyncio.sleep(1)
            assert not here.store.all_subscriptions()
            await bob.subscribe(contact=contact, expires=0)
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_display_names_and_parameters_of_from_come_back() -> None:
    async with world() as here:
        bob = here.phone("bob")
        data = bob.compose(
            "SUBSCRIBE",
            "Event: presence",
            f"Contact: {bob.contact}",
            from_='"Böb, \\"B\\"" <sip:bob@example.org>;tag=w1;epid=0a',
            to='"Alice" <sip:alice@example.org>',
        )
        assert (await bob.ask(data)).status == 200
        notify = await bob.notify()
        assert notify.to.display == 'Böb, "B"' and notify.to.tag == "w1" and notify.to.params["epid"] == "0a"
        assert notify.from_.display == "Alice"


@virtual
async def test_addresses_without_angle_brackets() -> None:
    async with world() as here:
        bob = here.phone("bob")
        # COMPAT(pjsua 2.17, linphone 5.1): they write From and To like this.
        data = bob.compose(
            "SUBSCRIBE",
            "Event: presence",
            f"Contact: {bob.contact};ob",
            from_="sip:bob@example.org;tag=w1",
            to="sip:alice@example.org",
        )
        assert (await bob.ask(data)).status == 200
        notify = await bob.notify()
        assert notify.to.tag == "w1" and notify.to.uri == "sip:bob@example.org"
        assert notify.from_.tag and notify.from_.uri == "sip:alice@example.org"


@virtual
async def test_after_503_or_silence_the_next_place_of_the_name_gets_it_and_keeps_it() -> None:
    """RFC 3263 §4.3, with one choice for each transaction (§4)."""
    async with world() as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        tired, silent, alive = (proxy(here, f"192.0.2.{number}") for number in (81, 82, 83))
        tired.script, silent.script = (lambda request: 503), (lambda request: None)
        here.names.names["edge.example.net"] = "192.0.2.81 192.0.2.82 192.0.2.83"
        await bob.subscribe("Record-Route: <sip:edge.example.net;lr>")
        notify = await alive.notify(within=40)
        assert state(notify) == "active"
        assert len(tired.notifies) == 1 and len(silent.notifies) == 1 and len(silent.requests) == 11
        branches = {each.via.branch for each in (*tired.notifies, *silent.notifies, notify)}
        assert len(branches) == 3 and len(list(here.store.all_subscriptions())) == 1
        await alice.publish(document("In"))
        assert shown(await alive.notify(within=0.1)) == [("open", "In")]
        assert len(tired.notifies) == 1
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_when_no_place_of_the_name_answers_the_subscription_is_over() -> None:
    async with world() as here:
        bob = here.phone("bob")
        here.names.names["edge.example.net"] = "192.0.2.81 192.0.2.82"
        await bob.subscribe("Record-Route: <sip:edge.example.net;lr>")
        await asyncio.sleep(70)
        assert not list(here.store.all_subscriptions())


@virtual
async def test_the_last_notify_is_tried_everywhere_too() -> None:
    async with world() as here:
        bob = here.phone("bob")
        tired, alive = proxy(here, "192.0.2.81"), proxy(here, "192.0.2.82")
        tired.script = lambda request: 503
        here.names.names["edge.example.net"] = "192.0.2.81 192.0.2.82"
        await bob.subscribe("Record-Route: <sip:edge.example.net;lr>", expires=0)
        assert state(await alive.notify(within=0.2)) == "terminated;reason=timeout"
        assert await here.at_rest() == (0, 0, 0)
