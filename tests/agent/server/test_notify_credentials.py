"""NOTIFYs that the watcher's side challenges (RFC 3261 §22.2, RFC 6665 §4.2.2)."""

from collections.abc import Callable
from dataclasses import replace

from agent.server.config import ServerConfig
from agent.sip.digest import Credentials, make_ha1s
from agent.sip.digest_server import Authenticated, DigestServer
from agent.sip.messages import Request
from tests.support.phone import Script, document, shown, state
from tests.support.virtual_loop import virtual
from tests.support.world import world

REALM = "pbx.example.net"
PLAIN = ServerConfig(domains=frozenset({"example.org"}))
CONFIG = replace(PLAIN, notify_credentials={REALM: Credentials("presence", "secret")})


def asking(
    status: int = 401, password: str = "secret", now: Callable[[], float] = lambda: 0.0, realm: str = REALM
) -> tuple[Script, list[Request]]:
    """A far side that wants to know who notifies it, and the NOTIFYs that it took."""
    challenge, answer = {
        401: ("WWW-Authenticate", "Authorization"),
        407: ("Proxy-Authenticate", "Proxy-Authorization"),
    }[status]
    digest = DigestServer(realm, bytes(32), iter(f"n{number}" for number in range(999)).__next__)
    users = {"presence": make_ha1s("presence", realm, password)}
    taken: list[Request] = []

    def script(request: Request) -> int | tuple[int, list[tuple[str, str]]]:
        stale = False
        for value in request.headers.get_all(answer):
            outcome = digest.check(
                value, request.method, request.body, lambda name, hashed: users[name][hashed], now()
            )
            if isinstance(outcome, Authenticated):
                taken.append(request)
                return 200
            stale = outcome.stale
        return status, [(challenge, each) for each in digest.challenges(now(), stale)]

    return script, taken


@virtual
async def test_a_challenge_is_answered_with_the_next_cseq_and_remembered() -> None:
    async with world(config=CONFIG) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        bob.script, taken = asking()
        await bob.subscribe()
        first, second = await bob.notify(within=0.1), await bob.notify(within=0.1)
        assert second.cseq.number == first.cseq.number + 1 and second.via.branch != first.via.branch
        assert second.body == first.body and state(second) == "active"
        await alice.publish(document("x"))
        third = await bob.notify(within=0.1)
        assert shown(third) == [("open", "x")] and third.cseq.number == second.cseq.number + 1
        assert taken == [second, third], "the nonce is used again without another trip"
        await bob.quiet(5)


@virtual
async def test_a_proxy_on_the_way_may_ask_too() -> None:
    async with world(config=CONFIG) as here:
        bob = here.phone("bob")
        bob.script, taken = asking(407)
        await bob.subscribe()
        await bob.notify(within=0.1)
        assert taken == [await bob.notify(within=0.1)]


@virtual
async def test_the_last_notify_is_signed_too() -> None:
    async with world(config=CONFIG) as here:
        bob = here.phone("bob")
        bob.script, taken = asking()
        await bob.subscribe(expires=0)
        first, second = await bob.notify(within=0.1), await bob.notify(within=0.1)
        assert state(second) == "terminated;reason=timeout" and taken == [second]
        assert second.cseq.number == first.cseq.number + 1
        await bob.quiet(5)
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_a_wrong_password_is_tried_once_and_the_subscription_kept() -> None:
    async with world(config=CONFIG) as here:
        bob = here.phone("bob")
        bob.script, taken = asking(password="another")
        await bob.subscribe()
        await bob.notify(within=0.1)
        await bob.notify(within=0.1)
        await bob.quiet(30)
        assert not taken and len(list(here.store.all_subscriptions())) == 1


@virtual
async def test_a_stale_nonce_is_replaced() -> None:
    async with world(config=CONFIG) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        clock = [0.0]
        bob.script, taken = asking(now=lambda: clock[0])
        await bob.subscribe()
        await bob.notify(within=0.1)
        await bob.notify(within=0.1)
        clock[0] = 100_000.0
        await alice.publish(document("x"))
        await bob.notify(within=0.1)
        assert shown(await bob.notify(within=0.1)) == [("open", "x")]
        assert len(taken) == 2


@virtual
async def test_other_realms_get_nothing() -> None:
    for config, realm in ((CONFIG, "fishing.example.com"), (PLAIN, REALM)):
        async with world(config=config) as here:
            bob = here.phone("bob")
            bob.script, taken = asking(realm=realm)
            await bob.subscribe()
            await bob.notify(within=0.1)
            await bob.quiet(30)
            assert not taken and not any("Authorization" in each.headers for each in bob.requests)


@virtual
async def test_nor_do_they_once_our_own_was_answered() -> None:
    async with world(config=CONFIG) as here:
        alice, bob = here.phone("alice"), here.phone("bob")
        bob.script, taken = asking()
        await bob.subscribe()
        await bob.notify(within=0.1)
        await bob.notify(within=0.1)
        bob.script, fished = asking(realm="fishing.example.com")
        await alice.publish(document("x"))
        await bob.notify(within=0.1)
        await bob.quiet(30)
        assert len(taken) == 1 and not fished
        assert not any("fishing" in (each.headers.get("Authorization") or "") for each in bob.requests)
