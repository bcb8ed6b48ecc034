from collections.abc import AsyncIterator

import pytest

from agent.store.store import Store
from tests.agent.store.contract import StoreContract
from tests.support.clock import VirtualClock


class TestMemory(StoreContract):
    @pytest.fixture
    async def store(self, clock: VirtualClock) -> AsyncIterator[Store]:
        store = await Store.open("memory:", clock)
        yield store
        await store.close()
