"""Settings and rules, read again while the service runs: all that is new takes effect in one step, or nothing does."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent import assembly
from agent.choices import Choices
from agent.decider import Decider
from agent.errors import UserError
from agent.links_in_force import LinksInForce, counted
from agent.presence.authorization import Authorize
from agent.publisher.publisher import Publisher
from agent.schedules import Schedules
from agent.settings import Settings
from agent.source_assembly import LinkPlan
from rules import Person, RuleSet

log = logging.getLogger("lamplighter.reload")

AT_ONCE = frozenset(
    {
        "people", "connectors", "zones", "privacy", "timezone", "working_hours", "holidays", "rules",
        "secrets_directory", "allow_inline_secrets", "authorization",
    }
)  # fmt: skip
"The settings that take effect without a restart."

People = dict[str, tuple[Person, str]]
"Key -> (whom the rules decide about, the address of record that is published)."


@dataclass(frozen=True, slots=True)
class Reloaded:
    """``problems``: nothing has changed, and why. ``restart``: sections that changed and wait for a restart."""

    problems: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class Watched(Protocol):
    """The presence server, as far as settings change it while it runs."""

    def allow(self, authorize: Authorize) -> None: ...

    def withdraw(self, presentity: str) -> None: ...


class Reload:
    """``await reload()``; one at a time. It owns which settings are in force."""

    def __init__(
        self,
        settings: Settings,
        reread: Callable[[], Settings],
        *,
        people: People,
        decider: Decider,
        links: LinksInForce,
        publisher: Publisher,
        choices: Choices,
        schedules: Schedules,
        server: Watched,
    ) -> None:
        """``reread`` raises UserError. ``people`` is changed in place: others look at it too."""
        self._settings = settings
        self._reread = reread
        self._people = people
        self._decider = decider
        self._links = links
        self._publisher = publisher
        self._choices = choices
        self._schedules = schedules
        self._server = server
        self._turn = asyncio.Lock()

    @property
    def entries(self) -> frozenset[str]:
        """The keys under `connectors` in the settings in force."""
        return frozenset(self._settings.connectors)

    @property
    def rules_files(self) -> frozenset[Path]:
        """The rules file in force and what it includes; of shipped rules nothing."""
        named = [self._settings.rules] if self._settings.rules is not None else []
        included = (file for file in self._decider.rules.files if not file.startswith("packs/"))
        return frozenset([*named, *map(Path, included)])

    async def __call__(self) -> Reloaded:
        """Read both files and put them in force. What is wrong with them is returned, logged, and changes nothing."""
        async with self._turn:
            try:
                # Thousands of people take seconds to read; the lamps do not wait for it.
                wanted, ruleset = await asyncio.to_thread(self._read)
            except UserError as error:
                problems = error.problems or (error.message,)
                log.error("settings and rules stay as they were: %s", "; ".join(problems))
                return Reloaded(problems)
            return self._apply(wanted, ruleset)

    def _read(self) -> tuple[Settings, RuleSet]:
        """Raises UserError with the problems of both files."""
        try:
            wanted = self._reread()
        except UserError as error:
            raise UserError(error.message, (*_lines(error), *self._rules_problems())) from None
        return wanted, assembly.load_rules(wanted)

    def _rules_problems(self) -> Iterable[str]:
        try:
            assembly.load_rules(self._settings)
        except UserError as error:
            return _lines(error)
        return ()

    def _apply(self, wanted: Settings, ruleset: RuleSet) -> Reloaded:
        """One step of the event loop: whoever is decided about next is so by the new settings alone."""
        waiting = {
            name: getattr(self._settings, name)
            for name in Settings.model_fields
            if name not in AT_ONCE and getattr(wanted, name) != getattr(self._settings, name)
        }
        now = wanted.model_copy(update=waiting)
        self._settings = now
        addresses = {address for _, address in self._people.values()}
        people = assembly.people(now)
        changed = self._change_people(people)
        changed += self._links.apply(LinkPlan(now))
        self._schedules.replace(assembly.working_hours(now))
        self._decider.reload(ruleset)
        for address in addresses - {address for _, address in people.values()}:
            self._publisher.publish(address, None)
            self._server.withdraw(address)
        self._server.allow(assembly.authorize(now))
        log.info("settings and rules are in force: %s", "; ".join(changed) or "people and links as before")
        if waiting:
            log.warning("changed, but only a restart puts it in force: %s", ", ".join(waiting))
        return Reloaded(restart=tuple(waiting))

    def _change_people(self, people: People) -> list[str]:
        before = dict(self._people)
        self._people.clear()
        self._people.update(people)
        new = people.keys() - before.keys()
        moved = {key for key in people.keys() & before.keys() if people[key][1] != before[key][1]}
        self._decider.set_people([person for person, _ in people.values()], tell_again=moved)
        self._choices.restore({key: people[key] for key in new})
        other = [key for key in people.keys() & before.keys() if people[key] != before[key]]
        return counted("people", new, other, before.keys() - people.keys())


def _lines(error: UserError) -> tuple[str, ...]:
    return error.problems or (error.message,)
