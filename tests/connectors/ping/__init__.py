"""A push connector for the runner's tests: emits what is put into its queue."""

import asyncio
from datetime import UTC, datetime

from connectors.facts import Fact, ReachState, ReachValue
from connectors.settings import LinkSettings


class PingSettings(LinkSettings):
    pass


class PingConnector:
    made: "list[PingConnector]" = []

    def __init__(self, link, settings, context):
        self.link, self.queue, self.listening = link, asyncio.Queue(), 0
        self.made.append(self)

    async def listen(self, emit):
        self.listening += 1
        while True:
            said = await self.queue.get()
            if said is None:
                return
            if isinstance(said, Exception):
                raise said
            emit([Fact(self.link.person, f"ping:{self.link.id}", ReachValue("phone", said), MOMENT)])

    async def close(self):
        self.queue.put_nowait(None)


MOMENT = datetime(2026, 3, 2, 9, tzinfo=UTC)
REACHABLE, OFFLINE = ReachState.REACHABLE, ReachState.OFFLINE
