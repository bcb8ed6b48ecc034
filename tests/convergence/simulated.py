"""A simulated network that loses, doubles and reorders: every watcher ends with what is true, nothing is left over."""

import asyncio
from random import Random

from agent.net.driver import Driver
from agent.net.errors import RequestFailed
from agent.sip.endpoint import Endpoint, RequestReceived
from agent.sip.headers import Headers
from agent.sip.messages import Request, Response, response_to
from tests.support.phone import document
from tests.support.wire import SERVER, Wire, WirePort
from tests.support.world import World, world

PRESENTITIES = ("sip:alice@example.org", "sip:carol@example.org")


class Agent:
    """A user agent with real transactions on the lossy wire."""

    def __init__(self, here: World, host: str, name: str) -> None:
        self.name = name
        self.host = host
        self.driver = Driver(Endpoint(lambda: f"{name}-", name.encode()), here.clock)
        self.port = WirePort(self.driver, here.wire, (host, 5060))
        self.driver.on_request = self.received
        self.cseq = 0
        self.newest: tuple[int, bytes, str] = (0, b"", "")
        "(CSeq, body, Subscription-State) of the NOTIFY with the highest CSeq."

    def received(self, event: RequestReceived) -> None:
        request = event.request
        if request.method == "NOTIFY" and request.cseq.number > self.newest[0]:
            said = request.headers.get("Subscription-State") or ""
            self.newest = (request.cseq.number, request.body, said)
        self.driver.respond(event.transaction, response_to(request.headers, 200))

    async def ask(
        self, method: str, uri: str, call: str, *headers: tuple[str, str], body=b"", to_tag=""
    ) -> Response:
        self.cseq += 1
        head = Headers(
            [
                ("From", f"<sip:{self.name}@example.org>;tag={call}"),
                ("To", f"<{uri}>" + (f";tag={to_tag}" if to_tag else "")),
                ("Call-ID", f"{call}@{self.host}"),
                ("CSeq", f"{self.cseq} {method}"),
                ("Contact", f"<sip:{self.host}>"),
                ("Event", "presence"),
                *headers,
            ]
        )
        request = Request(method, uri, head, body)
        return await self.driver.request(request, self.port.flow_to(SERVER))


async def publisher(agent: Agent, uri: str, random: Random) -> bytes:
    """Publish, modify, refresh, remove and start again at random; returns the body that is true in the end."""
    etag = None
    truth = b""
    for turn in range(random.randint(3, 8)):
        await asyncio.sleep(random.choice((0.0, 0.02, 0.3, 3.0)))
        removes = etag is not None and random.random() < 0.2
        refreshes = etag is not None and not removes and random.random() < 0.2
        body = b"" if removes or refreshes else document(f"{agent.name} {turn}", contact=f"sip:{agent.host}")
        headers = [("Expires", "0" if removes else "3600"), ("Content-Type", "application/pidf+xml")]
        if etag is not None:
            headers.append(("SIP-If-Match", etag))
        answer = await agent.ask("PUBLISH", uri, f"p{turn}", *headers, body=body)
        assert answer.status == 200, answer
        etag = None if removes else answer.headers.get("SIP-ETag")
        truth = b"" if removes else body or truth
    return truth


async def watcher(agent: Agent, uri: str, random: Random) -> tuple[str, str]:
    await asyncio.sleep(random.random() * 3)
    answer = await agent.ask("SUBSCRIBE", uri, "w", ("Expires", "3600"))
    assert answer.status == 200
    tag = answer.to.tag or ""
    for _ in range(random.randint(0, 2)):
        await asyncio.sleep(random.random() * 2)
        assert (await agent.ask("SUBSCRIBE", uri, "w", ("Expires", "3600"), to_tag=tag)).status == 200
    return uri, tag


async def converge(seed: int) -> None:
    random = Random(seed)
    wire = Wire(seed, loss=0.1, duplication=0.05, reordering=0.2)
    async with world(wire=wire) as here:
        publishers = [(Agent(here, f"10.0.0.{n}", f"p{n}"), PRESENTITIES[n % 2]) for n in range(3)]
        watchers = [(Agent(here, f"10.0.1.{n}", f"w{n}"), PRESENTITIES[n % 2]) for n in range(4)]
        try:
            done = await asyncio.gather(
                *(publisher(agent, uri, random) for agent, uri in publishers),
                *(watcher(agent, uri, random) for agent, uri in watchers),
            )
        except RequestFailed:
            return  # eleven copies lost in a row
        await asyncio.sleep(35)
        truths = {uri: set() for uri in PRESENTITIES}
        for (_, uri), truth in zip(publishers, done[:3], strict=True):
            if truth:
                truths[uri].add(truth.partition(b"<note>")[2].partition(b"</note>")[0])
        alive = {row.watcher for row in here.store.all_subscriptions()}
        for agent, uri in watchers:
            if f"sip:{agent.name}@example.org" not in alive:
                continue  # all copies of a NOTIFY, or of its answers, were lost
            notes = {part.partition(b"</note>")[0] for part in agent.newest[1].split(b"<note>")[1:]}
            assert notes == truths[uri], f"seed {seed}: {agent.name} shows {notes}, true is {truths[uri]}"
        assert len(alive) >= 3
        wire.loss = 0.0
        for (agent, uri), (_, tag) in zip(watchers, done[3:], strict=True):
            await agent.ask("SUBSCRIBE", uri, "w", ("Expires", "0"), to_tag=str(tag))
        await asyncio.sleep(3700)
        for agent, _ in watchers:
            assert agent.newest[2].startswith("terminated") or f"sip:{agent.name}@example.org" not in alive
        assert await here.at_rest() == (0, 0, 0)
        left = {what: size for what, size in here.server.sizes().items() if size}
        assert not left, f"seed {seed}: {left} are left over"
        assert not here.store.all_subscriptions()
        assert not any(here.store.publications(uri, "presence") for uri in PRESENTITIES)
        for agent, _ in (*publishers, *watchers):
            agent.driver.close()
