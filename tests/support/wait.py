"""Waits for what other processes do. Never for time."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 60.0
"Real seconds, after which it will not happen any more."


async def until(question: Callable[[], Awaitable[object]], answer: object) -> None:
    """Ask until the answer is the wanted one. AssertionError with the last answer when it never is."""
    told: object = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (told := await question()) != answer:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"still {told!r}, not {answer!r}") from None
