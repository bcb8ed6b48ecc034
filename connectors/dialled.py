"""Doing what somebody has dialled: nobody waits at the phone for the answer."""

import logging

from connectors.base import Context

log = logging.getLogger(__name__)


def obey(context: Context, person: str, words: str) -> None:
    """In the background. Nothing happens where nobody takes commands."""
    command = context.command
    if command is None:
        return

    async def do() -> None:
        answer = await command(person, words)
        log.info("%s dialled a code for “%s”", person, words)
        log.debug("%s was answered: %s", person, answer)

    context.spawn(do(), name=f"code dialled by {person}")
