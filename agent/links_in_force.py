"""Which links the runner has: those of the settings file and those that people linked, brought together."""

from collections.abc import Iterable
from typing import Protocol

from agent.linked_accounts import LinkedAccount, LinkedAccounts
from agent.vault.memory import KeptMemories
from connectors.base import Link
from connectors.runner import Runner
from connectors.settings import PACE


class Plan(Protocol):
    """What the settings say of links; another one after each reload."""

    @property
    def people(self) -> frozenset[str]: ...

    def links(self, linked: Iterable[LinkedAccount]) -> tuple[Link, ...]:
        """All links: those of the settings, and of ``linked`` what fits to the settings."""

    def link(self, account: LinkedAccount) -> Link:
        """One account as a link. Raises ValueError with words: nobody of that name, no such source, or one that the
        settings file has already."""


class LinksInForce:
    """Puts differences into the running service."""

    def __init__(self, runner: Runner, accounts: LinkedAccounts, memories: KeptMemories, plan: Plan) -> None:
        self.plan = plan
        self._runner = runner
        self._accounts = accounts
        self._memories = memories
        self._known: dict[str, Link] = {}

    def apply(self, plan: Plan | None = None) -> list[str]:
        """Add, change and remove what differs; with another plan if given. Says how many of each."""
        self.plan = plan or self.plan
        accounts = self._accounts.all()
        before, now = self._known, {link.id: link for link in self.plan.links(accounts)}
        self._known = now
        gone = before.keys() - now.keys()
        other = [key for key in now.keys() & before.keys() if now[key] != before[key]]
        for key in gone:
            self._runner.remove_link(key)
        for key in other:
            if _same_account(before[key], now[key]):
                self._runner.change_link(now[key])
            else:
                self._runner.add_link(now[key])
        for key in now.keys() - before.keys():
            self._runner.add_link(now[key])
        # An account that the settings leave out for a while need not be signed in to again.
        linked = {account.id for account in accounts}
        self._memories.keep_only({*now, *linked, *(link.entry.key for link in now.values())})
        return counted("links", now.keys() - before.keys(), other, gone)

    def all(self) -> dict[str, Link]:
        """By id."""
        return dict(self._known)


def _same_account(before: Link, now: Link) -> bool:
    """What was heard from the one is true of the other as well."""

    def account(link: Link) -> tuple[object, ...]:
        settings = {key: value for key, value in link.settings.items() if key not in PACE}
        return link.connector, link.person, settings

    return account(before) == account(now)


def counted(what: str, new: Iterable[str], other: Iterable[str], gone: Iterable[str]) -> list[str]:
    """``links: 2 added, 1 changed``, or nothing."""
    counts = {"added": len(list(new)), "changed": len(list(other)), "removed": len(list(gone))}
    said = [f"{count} {done}" for done, count in counts.items() if count]
    return [f"{what}: {', '.join(said)}"] if said else []
