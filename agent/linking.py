"""Linking accounts: what `lamplighter link`, `unlink`, `links` and `links check` do, and people's pages may."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

from agent.linked_accounts import LinkedAccount, LinkedAccounts
from agent.links_in_force import Plan
from agent.probe import Report
from agent.vault.memory import KeptMemories
from agent.vault.sealing import VaultError
from connectors.base import Link, Memory
from connectors.errors import ConnectorError
from connectors.registry import load


class LinkProblem(ValueError):
    """What is asked for can't be done; the text is for whoever asked and holds no secret."""


class Tries(Protocol):
    """`agent.probe.Probe`."""

    async def __call__(self, link: Link, memory: Memory) -> Report: ...


@dataclass(frozen=True, slots=True)
class Linked:
    """What became of a wish to link. ``report`` None: it was not tried."""

    link: str
    kept: bool
    report: Report | None


class Linking:
    """``apply`` puts what is kept into the running service; without one nothing is to be done."""

    def __init__(
        self,
        accounts: LinkedAccounts,
        memories: KeptMemories,
        plan: Callable[[], Plan],
        tries: Tries,
        apply: Callable[[], object],
    ) -> None:
        self._accounts = accounts
        self._memories = memories
        self._plan = plan
        self._tries = tries
        self._apply = apply

    async def link(
        self,
        account: LinkedAccount,
        *,
        by: str,
        check: bool = True,
        consented: Mapping[str, str] = MappingProxyType({}),
    ) -> Linked:
        """Keep an account, in the place of an earlier one of the same id. With ``check`` it is tried first, and kept
        only if it works. ``consented``: what the person's sign-in at the source gave (`connectors.consent`). Raises
        LinkProblem, StoreUnavailable."""
        account = self._with_secret(account)
        link = self._plan_link(account)
        try:
            load(link.connector).read_settings(link)
        except ConnectorError as error:
            raise LinkProblem(error.words) from None
        memory: Memory = ({}, dict(consented))
        report = await self._tries(link, memory) if check else None
        if report is not None and not report.ok:
            return Linked(account.id, False, report)
        try:
            await self._accounts.put(account, by)
        except VaultError as error:
            raise LinkProblem(str(error)) from None
        self._memories.forget(account.id)
        if report is not None or consented:
            self._memories.adopt(account.id, link.settings, memory)
        self._apply()
        return Linked(account.id, True, report)

    def _with_secret(self, account: LinkedAccount) -> LinkedAccount:
        """An address that is a secret itself is kept as one."""
        link = self._plan_link(account)
        setting = load(link.connector).manifest.secret_setting
        if setting is None or account.secret is not None or setting not in account.settings:
            return account
        rest = {key: value for key, value in account.settings.items() if key != setting}
        return replace(account, settings=rest, secret=str(account.settings[setting]))

    def _plan_link(self, account: LinkedAccount) -> Link:
        try:
            return self._plan().link(account)
        except ValueError as error:
            raise LinkProblem(str(error)) from None
        except ConnectorError as error:
            raise LinkProblem(error.words) from None

    async def unlink(self, person: str, source: str | None, name: str | None) -> str:
        """The id of the account that is linked no more; ``source`` and ``name`` may be left out when that leaves one.
        Raises LinkProblem, StoreUnavailable."""
        found = [
            account
            for account in self._accounts.all()
            if account.person == person
            and source in (None, account.source)
            and (name is None or name == account.name)
        ]
        if len(found) > 1 and source is not None and name is None:
            found = [account for account in found if account.name is None] or found
        if not found:
            self._refuse_unlinking(person, source)
        if len(found) > 1:
            raise LinkProblem(
                f"{person} has several: {', '.join(account.id for account in found)}; say which"
            )
        await self._accounts.remove(found[0].id)
        self._memories.forget(found[0].id)
        self._apply()
        return found[0].id

    def _refuse_unlinking(self, person: str, source: str | None) -> None:
        ours = [link for link in self._plan().links(()) if link.person == person]
        if any(source in (None, link.entry.key) for link in ours):
            raise LinkProblem(f"what {person} has linked stands in the settings file; take it out there")
        raise LinkProblem(f"{person} has linked {'nothing' if source is None else f'no {source}'}")

    def listing(self, health: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Every link, and what else has health: id, person, connector, where it is kept, how it is. ``health``: as
        `agent.insight.ServiceInsight.links` has it; without a service there is none."""
        plan, accounts = self._plan(), self._accounts.all()
        linked = {link.id: link for link in plan.links(accounts)}
        stored = {account.id for account in accounts}
        rows = {
            link.id: _row(link.id, link.person, link.connector, link.id in stored) for link in linked.values()
        }
        for account in accounts:
            if account.id not in linked:
                stray = _row(account.id, account.person, account.source, True)
                rows[account.id] = {**stray, "state": "misconfigured", "words": _stray(account, plan)}
        for row in health:
            known = rows.get(row["link"]) or _row(row["link"], row["person"], row["connector"], False)
            rows[row["link"]] = {**known, **row}
        return [rows[key] for key in sorted(rows)]

    async def check(self, people: Sequence[str] = ()) -> list[Report]:
        """Try the links of these people, or all, one after the other. Raises LinkProblem for nobody's name."""
        plan = self._plan()
        if unknown := [person for person in people if person not in plan.people]:
            raise LinkProblem(f"nobody is called {unknown[0]!r}")
        return [
            await self._tries(link, self._memories.of(link.id, link.settings))
            for link in self._of(plan, people)
        ]

    def _of(self, plan: Plan, people: Sequence[str]) -> Iterable[Link]:
        links = plan.links(self._accounts.all())
        return [link for link in links if not people or link.person in people]


def _row(link: str, person: str, connector: str, stored: bool) -> dict[str, Any]:
    return {
        "link": link,
        "person": person,
        "connector": connector,
        "kept": "store" if stored else "settings",
        "state": None,
        "words": "",
        "since": None,
        "last_heard": None,
        "stale": False,
        "problems": [],
    }


def _stray(account: LinkedAccount, plan: Plan) -> str:
    try:
        plan.link(account)
    except (ValueError, ConnectorError) as error:
        return f"It is not used: {error}."
    return "It is not used."
