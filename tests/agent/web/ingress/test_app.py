"""Who is let in, what is too much, and what the right answer is: over real HTTP."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import logging
import zlib

import aiohttp
import pytest

from agent.telemetry.logs import configure_logging
from agent.web.ingress.app import Limits
from connectors.errors import BadData, Unreachable
from connectors.ingress import Received, Reply
from connectors.reception import Reception
from connectors.signatures import Signature
from tests.agent.web.ingress.door import door
from tests.support.clock import VirtualClock

OPEN = Reception(methods=("GET", "POST"), secret_opens=True)
RECEPTIONS = {
    "radius": (OPEN, "geheim"),
    "phones": (Reception(methods=("GET",)), None),
    "phones/alice": (Reception(methods=("GET", "POST")), None),
    "graph/alice": (Reception(checks_itself=True), "the password of an account"),
    "pbx": (Reception(), "the password of an account"),
    "json": (Reception(media_types=("application/json", "application/*+json")), None),
}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_each_way_to_show_a_token():
    async with door(RECEPTIONS) as here:
        token = await here.token("radius")
        assert await here.status(f"/in/t/{token}") == 204
        assert await here.status(f"/in/t/{token}/some/thing") == 204
        assert await here.status("/in/radius", headers=bearer(token)) == 204
        assert await here.status("/in/radius", headers=basic("anybody", token)) == 204
        assert await here.status(f"/in/radius?token={token}&x=1") == 204
        assert await here.status(f"/in/radius?access_token={token}", "GET") == 204
        assert [source for source, _ in here.sources.got] == ["radius"] * 6
        assert [request.path for _, request in here.sources.got][:2] == ["", "some/thing"]
        assert here.sources.got[3][1].user == "anybody"


async def test_an_entrys_own_secret_opens_it_where_it_is_meant_for_that():
    async with door(RECEPTIONS) as here:
        assert await here.status("/in/radius", headers=basic("nas", "geheim")) == 204
        assert await here.status("/in/radius", headers=bearer("geheim")) == 204
        # At a PBX it is the password of our account there.
        password = "the password of an account"
        assert await here.status("/in/pbx", headers=bearer(password)) == 401
        assert await here.status("/in/pbx", headers=basic("x", password)) == 401


async def test_no_receiver_sees_what_opened_the_door():
    async with door(RECEPTIONS) as here:
        token = await here.token("radius")
        headers = {**bearer(token), "Cookie": "session=1", "X-Limit-U": "alice"}
        assert await here.status(f"/in/radius?token={token}&u=alice", headers=headers) == 204
        ((_, request),) = here.sources.got
        assert token not in repr(request) and "session" not in repr(request)
        assert request.query == (("u", "alice"),) and request.headers["x-limit-u"] == "alice"


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("wrong"), basic("u", ""), {"Authorization": "Basic !!!"}, {"Authorization": "Bearer"}],
)
async def test_without_the_right_token_there_is_a_challenge(headers):
    async with door(RECEPTIONS) as here:
        status, answer, body = await here.ask("/in/radius", headers=headers)
        assert status == 401 and answer["WWW-Authenticate"].startswith("Basic")
        assert "geheim" not in body.decode()
        assert not here.sources.got and here.figures.answered == [("radius", 401)]


async def test_a_token_opens_its_entry_only_and_nothing_once_revoked():
    async with door(RECEPTIONS) as here:
        token = await here.token("radius")
        assert await here.status("/in/phones", "GET", headers=bearer(token)) == 401
        (row,) = here.tokens.listing()
        await here.tokens.revoke(row["id"])
        assert await here.status("/in/radius", headers=bearer(token)) == 401
        assert await here.status(f"/in/t/{token}") == 404


@pytest.mark.parametrize(
    "path", ["/", "/in", "/in/", "/in/nobody", "/in/t/", "/in/t/lamp_x", "/healthz", "/in/../x"]
)
async def test_elsewhere_there_is_nothing(path):
    async with door(RECEPTIONS) as here:
        assert await here.status(path) == 404
        assert here.figures.answered == [("", 404)]


async def test_a_persons_token_reaches_the_persons_link_and_says_who_it_is():
    async with door(RECEPTIONS) as here:
        alice, bob = await here.token("phones", "alice"), await here.token("phones", "bob")
        assert await here.status(f"/in/t/{alice}/incoming", "GET") == 204
        # bob has no link that receives: the entry's hub is told who it is.
        assert await here.status(f"/in/t/{bob}/incoming", "GET") == 204
        assert [(source, request.person, request.path) for source, request in here.sources.got] == [
            ("phones/alice", "alice", "incoming"),
            ("phones", "bob", "incoming"),
        ]


async def test_a_receiver_that_knows_its_callers_is_open_at_its_own_address():
    async with door(RECEPTIONS) as here:
        assert await here.status("/in/graph/alice?validationToken=x") == 204
        assert await here.status("/in/graph/bob") == 401
        assert [source for source, _ in here.sources.got] == ["graph/alice"]


async def test_methods_and_media_types():
    async with door(RECEPTIONS) as here:
        token = await here.token("json")
        status, headers, _ = await here.ask(f"/in/t/{token}", "PUT")
        assert (status, headers["Allow"]) == (405, "POST")
        for media_type, expected in (
            ("application/json; charset=utf-8", 204),
            ("application/cloudevents+json", 204),
            ("text/plain", 415),
            ("application/jsonx", 415),
        ):
            assert await here.status(f"/in/t/{token}", headers={"Content-Type": media_type}) == expected


async def test_size_packed_and_unpacked():
    async with door(RECEPTIONS, limits=Limits(body=10_000)) as here:
        token = await here.token("radius")
        url = f"/in/t/{token}"
        assert await here.status(url, data=b"x" * 10_000) == 204
        assert await here.status(url, data=b"x" * 10_001) == 413

        async def endless():
            for _ in range(100):
                yield b"x" * 1000

        with contextlib.suppress(aiohttp.ClientError):  # told while it was still sending
            assert await here.status(url, data=endless()) == 413
        packed = {"Content-Encoding": "gzip"}
        assert await here.status(url, data=gzip.compress(b"y" * 10_000), headers=packed) == 204
        assert await here.status(url, data=gzip.compress(b"y" * 10_000_000), headers=packed) == 413
        assert await here.status(url, data=b"no gzip", headers=packed) == 400
        assert await here.status(url, data=gzip.compress(b"cut short")[:-9], headers=packed) == 400
        deflate = {"Content-Encoding": "deflate"}
        assert await here.status(url, data=zlib.compress(b"z"), headers=deflate) == 204
        assert await here.status(url, data=b"x", headers={"Content-Encoding": "br"}) == 415
        assert [request.body[:1] for _, request in here.sources.got] == [b"x", b"y", b"z"]


async def test_depth():
    async with door(RECEPTIONS) as here:
        url = f"/in/t/{await here.token('radius')}"
        assert await here.status(url, data=b"[" * 32 + b"]" * 32) == 204
        assert await here.status(url, data=b"[" * 33 + b"]" * 33) == 422
        xml = {"Content-Type": "text/xml"}
        assert await here.status(url, data=b"<a>" * 33, headers=xml) == 422
        bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
        assert await here.status(url, data=bomb, headers=xml) == 422


async def test_rates_by_sender_and_by_address():
    async with door(RECEPTIONS, limits=Limits(per_sender=0.1, per_address=0.4)) as here:
        alice, bob = await here.token("phones", "alice"), await here.token("phones", "bob")
        assert await here.status(f"/in/t/{alice}", "GET") == 204
        status, headers, _ = await here.ask(f"/in/t/{alice}", "GET")
        assert status == 429 and int(headers["Retry-After"]) >= 1
        assert await here.status(f"/in/t/{bob}", "GET") == 204
        assert await here.status(f"/in/t/{bob}", "GET") == 429
        status, headers, body = await here.ask("/in/nobody")
        assert status == 429 and b"address" in body


async def test_behind_a_proxy_it_is_the_clients_address_that_counts():
    async with door(RECEPTIONS, limits=Limits(per_address=0.1), proxies=("127.0.0.0/8",)) as here:
        for address in ("192.0.2.1", "192.0.2.2"):
            forwarded = {**bearer("geheim"), "X-Forwarded-For": address}
            assert await here.status("/in/radius", headers=forwarded) == 204
            assert await here.status("/in/radius", headers=forwarded) == 429
    async with door(RECEPTIONS, limits=Limits(per_address=0.1)) as here:
        statuses = [
            await here.status("/in/radius", headers={**bearer("geheim"), "X-Forwarded-For": f"192.0.2.{n}"})
            for n in range(2)
        ]
        assert statuses == [204, 429], "anybody can write such a header"


async def test_one_at_a_time_in_order_and_the_oldest_of_the_same_person_makes_room():
    gate = asyncio.Event()
    worked: list[bytes] = []

    async def slowly(request: Received) -> Reply:
        await gate.wait()
        worked.append(request.body)
        return Reply()

    async with door(RECEPTIONS, limits=Limits(waiting=2)) as here:
        here.sources.answer = slowly
        url = f"/in/t/{await here.token('phones', 'bob')}"
        here.sources.receptions["phones"] = (Reception(), None)
        asked = []
        for number in range(4):
            asked.append(asyncio.ensure_future(here.ask(url, data=b"%d" % number)))
            async with asyncio.timeout(10):
                while not settled(here, number):
                    await asyncio.sleep(0.005)
        # 0 is worked on, 1 and 2 waited, 3 took the place of 1.
        status, headers, _ = await asked[1]
        assert (status, headers["Retry-After"]) == (503, "5") and here.figures.dropped == ["phones"]
        gate.set()
        assert [(await each)[0] for each in (asked[0], asked[2], asked[3])] == [204, 204, 204]
        assert worked == [b"0", b"2", b"3"]


def settled(here, number: int) -> bool:
    """The newest request has come as far as it will."""
    waiting = here.ingress.waiting().get("phones", 0)
    return bool(here.sources.got) and waiting == min(number, 2) and (number < 3 or bool(here.figures.dropped))


async def test_what_a_source_cannot_do_with_a_request():
    errors = [
        BadData("“zone” is missing"),
        Unreachable("the PBX does not answer"),
        ZeroDivisionError("secret"),
    ]

    async def fails(request: Received) -> Reply:
        raise errors.pop(0)

    async with door(RECEPTIONS) as here:
        here.sources.answer = fails
        url = f"/in/t/{await here.token('radius')}"
        status, _, body = await here.ask(url)
        assert status == 422 and json.loads(body)["detail"] == "“zone” is missing"
        status, headers, _ = await here.ask(url)
        assert status == 503 and "Retry-After" in headers
        status, _, body = await here.ask(url)
        assert status == 500 and b"secret" not in body


async def test_what_a_source_answers_goes_back_as_it_is():
    async def answer(request: Received) -> Reply:
        return Reply(200, b'{"result":"ok"}', headers={"X-Echo": "1"})

    async with door(RECEPTIONS) as here:
        here.sources.answer = answer
        status, headers, body = await here.ask(f"/in/t/{await here.token('radius')}")
        assert (status, body, headers["Content-Type"]) == (200, b'{"result":"ok"}', "application/json")
        assert headers["X-Echo"] == "1" and headers["Cache-Control"] == "no-store" and "Server" not in headers


async def test_signed_requests_once_within_their_time():
    signature = Signature(
        header="Signature", value="t={timestamp},v1={signature}", signed="{timestamp}.{body}"
    )
    clock = VirtualClock()

    def sign(body: bytes, stamp: float, secret: str = "s3cret") -> dict[str, str]:
        signed = f"{stamp:.0f}.".encode() + body
        return {"Signature": f"t={stamp:.0f},v1={hmac.new(secret.encode(), signed, 'sha256').hexdigest()}"}

    async with door({"door": (Reception(signature=signature), "s3cret")}, clock=clock) as here:
        now = clock.wall()
        right = sign(b"{}", now)
        assert await here.status("/in/door", headers=right) == 204
        assert await here.status("/in/door", headers=right) == 409
        for wrong in (sign(b"{ }", now), sign(b"{}", now, "guess"), sign(b"{}", now - 301), {}):
            assert await here.status("/in/door", headers=wrong) == 401
        token = await here.token("door")
        assert await here.status(f"/in/t/{token}") == 401, "a token does not do instead of the signature"
        assert len(here.sources.got) == 1


async def test_a_signed_request_that_failed_may_come_again():
    signature = Signature(header="X-Sig", signed="{timestamp}{body}", timestamp_header="X-Time")
    clock = VirtualClock()
    answers = [Unreachable("not now"), None]

    async def receive(request: Received) -> Reply:
        if (error := answers.pop(0)) is not None:
            raise error
        return Reply()

    async with door({"door": (Reception(signature=signature), "k")}, clock=clock) as here:
        here.sources.answer = receive
        stamp = f"{clock.wall():.0f}"
        digest = hmac.new(b"k", stamp.encode() + b"{}", hashlib.sha256).hexdigest()
        headers = {"X-Sig": digest, "X-Time": stamp}
        assert [await here.status("/in/door", headers=headers) for _ in range(3)] == [503, 204, 409]


async def test_no_token_gets_into_the_logs(capsys):
    handler = configure_logging("debug", "text")
    try:
        async with door(RECEPTIONS) as here:
            token = await here.token("radius")
            for status in (
                await here.status(f"/in/t/{token}"),
                await here.status(f"/in/t/{token}x"),
                await here.status(f"/in/radius?token={token}", "PUT"),
                await here.status(f"/in/radius?token={token}x"),
                await here.status("/in/radius", headers=bearer(token + "x")),
                await here.status(f"/in/t/{token}/lat=52.5,13.4", data=b"[" * 40),
            ):
                assert status
            logging.getLogger("uvicorn.error").debug("%s", f"GET /in/t/{token}")
    finally:
        logging.getLogger().removeHandler(handler)
    told = capsys.readouterr().err
    assert "401" in told and "404" in told and "405" in told and "422" in told
    assert token[5:15] not in told and "52.5" not in told
