"""The publisher on the event loop that the service uses."""

import asyncio
from itertools import count

import uvloop

from agent.clock import SystemClock
from agent.net.memory import Hop
from agent.publisher.publisher import Options, Publisher
from tests.support.running_server import running_server

PEOPLE = [f"sip:person{number}@example.org" for number in range(5)]
BODY = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{}'/>"


def test_many_at_once_are_all_published() -> None:
    """Its timers of no delay are handles of another class, which know less."""

    async def publish() -> list[str]:
        clock, numbers = SystemClock(), count()
        async with running_server() as running:
            agent = Hop(running.server.driver)
            publisher = Publisher(
                agent,
                clock,
                running.supervisor.spawn,
                Options(),
                token=lambda: f"t{next(numbers)}",
                spread=lambda: 0.5,
            )
            for entity in PEOPLE:
                publisher.publish(entity, BODY.format(entity).encode())
            async with asyncio.timeout(10):
                while len(list(running.store.all_publications())) < len(PEOPLE):
                    await asyncio.sleep(0)
            await publisher.close(remove=False)
            found = [row.presentity for row in running.store.all_publications()]
            agent.close()
            return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert sorted(runner.run(publish())) == PEOPLE
