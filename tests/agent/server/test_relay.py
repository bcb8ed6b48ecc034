"""MESSAGEs to others, sent on to the proxy of the settings (RFC 3261 §16, RFC 3428, RFC 4320 §4.2)."""

import asyncio
from dataclasses import replace

import pytest

from agent.server.config import ServerConfig
from agent.sip.messages import Request, Response
from tests.agent.server.test_message import AGENT, listening, message
from tests.support.phone import Phone
from tests.support.virtual_loop import virtual
from tests.support.wire import SERVER
from tests.support.world import World, world

PROXY = "192.0.2.77"
CONFIG = ServerConfig(
    domains=frozenset({"example.org"}), agent_address=AGENT, message_relay=f"sip:{PROXY};lr"
)
CAROL = "sip:carol@example.org"


def proxy_of(here: World) -> Phone:
    return Phone(here.wire, "proxy", PROXY)


def relayed(proxy: Phone) -> list[Request]:
    return [request for request in proxy.requests if request.method == "MESSAGE"]


@virtual
async def test_it_is_sent_on_as_it_is_and_the_answer_comes_back() -> None:
    async with world(config=CONFIG) as here:
        heard, proxy, alice = listening(here), proxy_of(here), here.phone("alice")
        proxy.script = lambda request: (202, [("X-From-Proxy", "yes")])
        data = message(alice, "lunch?", "Expires: 60", "X-Mine: kept", uri=CAROL)
        answer = await alice.ask(data.replace(b"Max-Forwards: 70", b"Max-Forwards: 7"))
        assert answer.status == 202 and answer.headers.get("X-From-Proxy") == "yes"
        assert len(answer.headers.values("Via")) == 1 and answer.to.tag == "p"
        (request,) = relayed(proxy)
        assert request.uri == CAROL and request.body == b"lunch?" and heard == []
        assert request.headers.get("X-Mine") == "kept" and request.headers.get("Expires") == "60"
        assert request.headers.get("Max-Forwards") == "6"
        vias = request.headers.values("Via")
        assert len(vias) == 2 and f"{SERVER[0]}:{SERVER[1]}" in vias[0] and alice.address[0] in vias[1]
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_who_asks_is_said_by_us_alone_and_credentials_stay_here() -> None:
    async with world(config=CONFIG) as here:
        proxy, alice = proxy_of(here), here.phone("alice")
        lines = ("P-Asserted-Identity: <sip:boss@example.org>", 'Authorization: Digest username="alice"')
        assert (await alice.ask(message(alice, "x", *lines, uri=CAROL))).status == 200
        (request,) = relayed(proxy)
        assert request.headers.get_all("P-Asserted-Identity") == ["<sip:alice@example.org>"]
        assert "Authorization" not in request.headers


@pytest.mark.parametrize("status", [404, 407, 480, 603])
def test_refusals_are_passed_back(status: int) -> None:
    @virtual
    async def run() -> None:
        async with world(config=CONFIG) as here:
            proxy, alice = proxy_of(here), here.phone("alice")
            proxy.script = lambda request: status
            assert (await alice.ask(message(alice, "x", uri=CAROL))).status == status

    run()


@virtual
async def test_a_proxy_that_cannot_is_500() -> None:
    """RFC 3261 §16.7: its 503 is about itself."""
    async with world(config=CONFIG) as here:
        proxy, alice = proxy_of(here), here.phone("alice")
        proxy.script = lambda request: (503, [("Retry-After", "9")])
        assert (await alice.ask(message(alice, "x", uri=CAROL))).status == 500


@virtual
async def test_a_proxy_that_is_not_there_is_500_at_once() -> None:
    async with world(config=CONFIG, icmp=True) as here:
        alice = here.phone("alice")
        before = asyncio.get_running_loop().time()
        assert (await alice.ask(message(alice, "x", uri=CAROL))).status == 500
        assert asyncio.get_running_loop().time() - before < 1
    async with world(config=replace(CONFIG, message_relay="sip:nowhere.example.net")) as here:
        alice = here.phone("alice")
        assert (await alice.ask(message(alice, "x", uri=CAROL))).status == 500


@virtual
async def test_after_a_silence_nothing_is_said() -> None:
    async with world(config=CONFIG) as here:
        alice = here.phone("alice")
        alice.send(message(alice, "x", uri=CAROL))
        await asyncio.sleep(80)
        answers = [got.message.status for got in alice.got if isinstance(got.message, Response)]
        assert set(answers) <= {100}
        assert here.server.driver.endpoint.open_transactions == (0, 0)


@virtual
async def test_a_loop_is_found() -> None:
    async with world(config=CONFIG) as here:
        proxy, alice = proxy_of(here), here.phone("alice")

        def back(request: Request) -> None:
            proxy.send(
                b"MESSAGE "
                + CAROL.encode()
                + b" SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bKproxy;rport\r\n"
                + request.encode().partition(b"\r\n")[2]
            )

        proxy.script = back
        alice.send(message(alice, "x", uri=CAROL))
        looped = await proxy.answer_to("z9hG4bKproxy", within=2)
        assert looped.status == 482


@virtual
async def test_no_hops_left_is_483_and_what_a_proxy_must_know_is_420() -> None:
    async with world(config=CONFIG) as here:
        proxy, alice = proxy_of(here), here.phone("alice")
        spent = message(alice, "x", uri=CAROL).replace(b"Max-Forwards: 70", b"Max-Forwards: 0")
        assert (await alice.ask(spent)).status == 483
        unknown = await alice.ask(message(alice, "x", "Proxy-Require: magic", uri=CAROL))
        assert unknown.status == 420 and unknown.headers.get("Unsupported") == "magic"
        assert not proxy.requests


@virtual
async def test_what_is_for_us_is_not_sent_on() -> None:
    async with world(config=CONFIG) as here:
        heard, proxy, alice = listening(here), proxy_of(here), here.phone("alice")
        assert (await alice.ask(message(alice, "help"))).status == 200
        assert heard == [("sip:alice@example.org", "help")] and not proxy.requests
