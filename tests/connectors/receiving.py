"""What connectors are given to which sources send requests, in their tests."""

import asyncio
from typing import Any

from connectors.base import Context
from connectors.conformance_receive import FixedClock
from connectors.http import Http


def receiving_context(clock: FixedClock, http: Http | None = None) -> Context:
    """No network unless ``http`` is given."""

    def spawn(coroutine: Any, *, name: str) -> object:
        return asyncio.ensure_future(coroutine)

    return Context(http, clock, None, spawn, {})  # type: ignore[arg-type]
