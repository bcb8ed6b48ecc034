"""From settings to what links and their connectors take: the translations that `app` and the commands need."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from agent import assembly
from agent.clock import Clock
from agent.linked_accounts import LinkedAccount, LinkedAccounts
from agent.linking import Linking
from agent.probe import Probe
from agent.settings import Settings
from agent.settings.links import link_of, links
from agent.store.store import Store
from agent.supervise import Supervisor
from agent.vault.memory import KeptMemories
from agent.vault.sealing import Vault
from connectors.addresses import AllowList
from connectors.base import Link
from connectors.facts import Fact
from connectors.http import Http
from connectors.workshop import Workshop
from rules import Person, RuleSet
from rules.evaluate import evaluate


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """Satisfies `agent.links_in_force.Plan`."""

    settings: Settings

    @property
    def people(self) -> frozenset[str]:
        return frozenset(self.settings.people)

    def links(self, linked: Iterable[LinkedAccount]) -> tuple[Link, ...]:
        return links(self.settings, linked)

    def link(self, account: LinkedAccount) -> Link:
        return link_of(self.settings, account)


def http(settings: Settings) -> Http:
    """By which connectors reach their sources."""
    return Http(AllowList.parse(settings.outbound.allow_private), settings.outbound.ca_file)


def shown(
    ruleset: Callable[[], RuleSet], people: Mapping[str, tuple[Person, str]]
) -> Callable[[str, Sequence[Fact], datetime], str]:
    """What the rules would show of somebody by these facts alone (`agent.probe.Shown`)."""

    def in_words(person: str, facts: Sequence[Fact], at: datetime) -> str:
        decision = evaluate(ruleset(), people[person][0], facts, at).decision
        note = f" ({decision.notes[0].text})" if decision.notes else ""
        return f"{decision.state}{note}"

    return in_words


@asynccontextmanager
async def linking_without_service(
    settings: Settings, store: Store, vault: Vault, clock: Clock
) -> AsyncIterator[Linking]:
    """For commands while no service runs: what it keeps is in force at the next start."""
    ruleset, plan = assembly.load_rules(settings), LinkPlan(settings)
    client, workshop = http(settings), Workshop()
    async with Supervisor(clock=clock) as supervisor:
        try:
            yield Linking(
                LinkedAccounts(store, vault, clock),
                KeptMemories(store, vault),
                lambda: plan,
                Probe(
                    client,
                    workshop,
                    clock,
                    supervisor.spawn,
                    shown(lambda: ruleset, assembly.people(settings)),
                ),
                lambda: None,
            )
        finally:
            await client.close()
            await workshop.close()
