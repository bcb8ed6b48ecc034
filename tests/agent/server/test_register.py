"""REGISTER (RFC 3261 §10.3, RFC 5626 §6): bindings, their order, their end."""

from email.utils import parsedate_to_datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from agent.server.config import ServerConfig
from agent.server.server import Passwords
from agent.sip.messages import Response
from agent.sip.values import parse_name_addr
from tests.support.phone import ALICE, Phone
from tests.support.virtual_loop import virtual, virtual_beside_threads
from tests.support.world import world

CONFIG = ServerConfig(domains=frozenset({"example.org"}))
PASSWORDS = Passwords("example.org", lambda username, algorithm: None, [ip_network("192.0.2.60/32")])
INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'


async def register(
    phone: Phone,
    *contacts: str,
    expires: int | str | None = None,
    call_id: str | None = None,
    cseq: int = 1,
    to: str = ALICE,
    lines: tuple[str, ...] = (),
) -> Response:
    head = [f"Contact: {contact}" for contact in contacts] + list(lines)
    if expires is not None:
        head.append(f"Expires: {expires}")
    options = {"to": f"<{to}>", "call_id": call_id, "cseq": cseq, "uri": "sip:example.org"}
    return await phone.ask(phone.compose("REGISTER", *head, **options))  # type: ignore[arg-type]


def bound(answer: Response) -> dict[str, int]:
    """URI -> seconds left."""
    contacts = [parse_name_addr(value) for value in answer.headers.values("Contact")]
    return {contact.uri: int(contact.params["expires"] or "") for contact in contacts}


@virtual
async def test_a_binding_comes_is_listed_and_ends_by_the_clock() -> None:
    async with world() as here:
        phone = here.phone("alice")
        told: list[tuple[str, int]] = []
        here.server.on_registration = lambda who: told.append((who, len(here.store.bindings(who))))
        answer = await register(phone, "<sip:alice@192.0.2.7>;q=0.5", expires=600)
        assert answer.status == 200 and bound(answer) == {"sip:alice@192.0.2.7": 600}
        assert parse_name_addr(answer.headers.get("Contact") or "").params["q"] == "0.5"
        assert parsedate_to_datetime(answer.headers.get("Date") or "").timestamp() == pytest.approx(
            here.clock.wall(), abs=2
        )
        assert told == [(ALICE, 1)]
        await phone.quiet(100)
        assert bound(await register(phone)) == {"sip:alice@192.0.2.7": 500}
        await phone.quiet(499)
        assert bound(await register(phone)) == {"sip:alice@192.0.2.7": 1}
        await phone.quiet(2)
        assert bound(await register(phone)) == {}
        assert told == [(ALICE, 1), (ALICE, 0)] and not here.store.all_bindings()


@virtual
async def test_how_long_a_contact_may_wish() -> None:
    async with world() as here:
        phone = here.phone("alice")
        # COMPAT(baresip 1.0): no Expires header, the wish stands in the Contact.
        answer = await register(phone, "<sip:a@192.0.2.7>;expires=120", "<sip:b@192.0.2.7>", expires=300)
        assert bound(answer) == {"sip:a@192.0.2.7": 120, "sip:b@192.0.2.7": 300}
        answer = await register(phone, "<sip:c@192.0.2.7>", cseq=2)
        assert bound(answer)["sip:c@192.0.2.7"] == 3600
        assert bound(await register(phone, "sip:d@192.0.2.7;expires=soon", cseq=3))["sip:d@192.0.2.7"] == 3600
        assert (
            bound(await register(phone, "sip:e@192.0.2.7", expires="no", cseq=4))["sip:e@192.0.2.7"] == 3600
        )
        assert bound(await register(phone, "<sip:f@192.0.2.7>", expires=10**9))["sip:f@192.0.2.7"] == 3600
        refused = await register(phone, "<sip:g@192.0.2.7>", "<sip:a@192.0.2.7>;expires=5", expires=300)
        assert refused.status == 423 and refused.headers.get("Min-Expires") == "60"
        assert "sip:g@192.0.2.7" not in bound(await register(phone))


@virtual
async def test_the_same_contact_is_one_binding_however_it_is_spelt() -> None:
    async with world() as here:
        phone = here.phone("alice")
        for uri in (
            "<sip:alice@Phone.Example.ORG;x=1>",
            "<sip:%61lice@phone.example.org>",
            "<sip:alice@phone.example.org:5060>",
        ):
            assert len(bound(await register(phone, uri))) == 1
        assert len(bound(await register(phone, "<sip:alice@phone.example.org;transport=tcp>"))) == 2


@virtual
async def test_removal_one_by_one_and_all_at_once() -> None:
    async with world() as here:
        phone = here.phone("alice")
        await register(phone, "<sip:a@192.0.2.7>", "<sip:b@192.0.2.7>", "<sip:c@192.0.2.7>")
        assert set(bound(await register(phone, "<sip:a@192.0.2.7>;expires=0"))) == {
            "sip:b@192.0.2.7", "sip:c@192.0.2.7",
        }  # fmt: skip
        for contacts, expires in ((("*",), None), (("*",), 60), (("*", "<sip:d@192.0.2.7>"), 0)):
            assert (await register(phone, *contacts, expires=expires)).status == 400
        assert len(here.store.all_bindings()) == 2
        assert bound(await register(phone, "*", expires=0)) == {} and not here.store.all_bindings()


@virtual
async def test_what_is_older_changes_nothing() -> None:
    async with world() as here:
        phone = here.phone("alice")
        await register(phone, "<sip:a@192.0.2.7>", call_id="one", cseq=5, expires=600)
        for cseq in (5, 4):
            late = await register(
                phone, "<sip:a@192.0.2.7>;expires=0", "<sip:n@192.0.2.7>", call_id="one", cseq=cseq
            )
            assert late.status == 500
            assert (await register(phone, "*", expires=0, call_id="one", cseq=cseq)).status == 500
        assert set(bound(await register(phone))) == {"sip:a@192.0.2.7"}
        # A phone that has started anew has another Call-ID, and counts from one.
        assert (await register(phone, "<sip:a@192.0.2.7>", call_id="two", cseq=1)).status == 200
        assert (await register(phone, "*", expires=0, call_id="two", cseq=2)).status == 200


@virtual
async def test_a_device_with_flows_of_its_own() -> None:
    async with world() as here:
        phone = here.phone("alice")
        outbound = ("Supported: path, outbound",)
        first = await register(
            phone, f"<sip:alice@192.0.2.7:1111;ob>;{INSTANCE};reg-id=1;q=0.7", lines=outbound
        )
        assert first.status == 200 and first.headers.values("Require") == ["outbound"]
        given = parse_name_addr(first.headers.get("Contact") or "").params
        assert given["+sip.instance"] == "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
        assert given["reg-id"] == "1" and given["q"] == "0.7"
        # The same device over a new connection takes the place of the old; its second flow stands beside it.
        moved = await register(phone, f"<sip:alice@192.0.2.7:2222>;{INSTANCE};reg-id=1", lines=outbound)
        assert set(bound(moved)) == {"sip:alice@192.0.2.7:2222"}
        second = await register(phone, f"<sip:alice@192.0.2.7:3333>;{INSTANCE};reg-id=2", lines=outbound)
        assert set(bound(second)) == {"sip:alice@192.0.2.7:2222", "sip:alice@192.0.2.7:3333"}
        assert {row.reg_id for row in here.store.bindings(ALICE)} == {1, 2}
        # Who does not ask for outbound gets an ordinary binding.
        plain = await register(phone, f"<sip:alice@192.0.2.7:4444>;{INSTANCE};reg-id=1")
        assert "Require" not in plain.headers and len(bound(plain)) == 3


@virtual
async def test_whose_bindings() -> None:
    async with world(passwords=PASSWORDS) as here:
        phone = here.phone("alice")
        challenge = await register(phone, "<sip:a@192.0.2.7>")
        assert challenge.status == 401 and "WWW-Authenticate" in challenge.headers
        assert not here.store.all_bindings()
    async with world() as here:
        phone = here.phone("alice")
        assert (await register(phone, "<sip:a@192.0.2.7>", to="sip:alice@elsewhere.example")).status == 404
        assert (await register(phone, "<sip:a@192.0.2.7>", to="sip:example.org")).status == 404
        assert (await register(phone, "<no uri>")).status == 400
        for number in range(20):
            assert (await register(phone, f"<sip:a{number}@192.0.2.7>")).status == 200
        assert (await register(phone, "<sip:one-more@192.0.2.7>")).status == 403
        assert (await register(phone, "<sip:a1@192.0.2.7>", expires=120)).status == 200


@virtual
async def test_without_the_registrar_it_is_405() -> None:
    config = ServerConfig(domains=frozenset({"example.org"}), registrar=False)
    async with world(config=config) as here:
        refused = await register(here.phone("alice"), "<sip:a@192.0.2.7>")
        assert refused.status == 405 and "REGISTER" not in (refused.headers.get("Allow") or "REGISTER")
    async with world() as here:
        phone = here.phone()
        allowed = await phone.ask(phone.compose("OPTIONS"))
        assert "REGISTER" in (allowed.headers.get("Allow") or "")


@virtual_beside_threads
async def test_bindings_live_through_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with world(url=url) as here:
        phone = here.phone("alice")
        await register(phone, f'"Alice" <sip:alice@192.0.2.7>;{INSTANCE}', expires=600)
        here.server.close()
        await here.store.close()
        here.store = await type(here.store).open(url, here.clock)
        await here.start()
        answer = await register(phone)
        assert bound(answer).keys() == {"sip:alice@192.0.2.7"}
        assert INSTANCE.lower() in (answer.headers.get("Contact") or "").lower()
