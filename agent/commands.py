"""What people can write to the service by SIP MESSAGE: choose a state, ask why, ask for help."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.store.errors import StoreUnavailable
from rules import Person

WHY = frozenset({"why", "why?"})
STATUS = frozenset({"status", "status?", "?", ""})
HELP = frozenset({"help", "help?"})

HELP_TEXT = (
    "Write a state and for how long: `lunch 45m`, `dnd until 15:00`, `away until I come back`. "
    "`auto` takes it back. `why?` says why you are shown as you are. `status` says as what."
)


class Commands:
    """Called with who writes (an address of record) and what; gives the answer in words."""

    def __init__(
        self,
        people: Mapping[str, tuple[Person, str]],
        choose: Callable[[Person, str, str], Awaitable[object]],
        explain: Callable[[str], str],
        shown: Callable[[str], Mapping[str, Any]],
    ) -> None:
        """``choose(person, text, by)`` raises ValueError for what it does not understand; ``explain(person key)`` and
        ``shown(person key)`` say what holds (`agent.insight`)."""
        self._people = people
        self._choose = choose
        self._explain = explain
        self._shown = shown

    async def __call__(self, who: str, text: str) -> str:
        key = next((key for key, (_, address) in self._people.items() if address == who), None)
        if key is None:
            return f"I show nobody's presence for {who}. The administrator can add you under `people`."
        # COMPAT(linphone 5.1): its console client sends the quotes that it wants around a text.
        text = text.strip().strip('"').strip()
        word = text.lower()
        if word in HELP:
            return HELP_TEXT
        if word in WHY:
            return self._explain(key)
        if word in STATUS:
            return self._status(key)
        try:
            await self._choose(self._people[key][0], text, f"message:{who}")
        except StoreUnavailable:
            return "That can't be kept at the moment; nothing has changed. Please try again."
        except ValueError as error:
            return f"{error}. `help` says what I understand."
        return self._status(key)

    def _status(self, key: str) -> str:
        shown = self._shown(key)
        note = f" ({shown['note']})" if shown["note"] else ""
        until = f" until {shown['until'][11:16]}" if shown["until"] else ""
        return f"You are shown as {shown['state']}{note}{until}."
