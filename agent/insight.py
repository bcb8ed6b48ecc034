"""What the service can be asked about itself: who is shown as what and why, which sources answer, what was sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.decider import Decider
from agent.net.transcript import Transcript
from agent.sip.flows import format_address
from agent.store.store import Store
from connectors.runner import Runner
from rules import Person
from rules.explain import explain
from rules.person import zone


class ServiceInsight:
    """Satisfies `agent.web.control.Insight`."""

    def __init__(
        self,
        people: Mapping[str, tuple[Person, str]],
        decider: Decider,
        runner: Runner,
        store: Store,
        transcript: Transcript,
    ) -> None:
        self._people = people
        self._decider = decider
        self._runner = runner
        self._store = store
        self._transcript = transcript

    def board(self) -> list[dict[str, Any]]:
        rows = []
        for key, (person, address) in self._people.items():
            evaluation = self._decider.current(key)
            decision = evaluation.decision if evaluation is not None else None
            rows.append(
                {
                    "person": key,
                    "name": person.name,
                    "address": address,
                    "state": decision.state if decision is not None else "unknown",
                    "note": decision.notes[0].text if decision is not None and decision.notes else None,
                    "until": decision.until.isoformat() if decision is not None and decision.until else None,
                    "rule": decision.because.get("state") if decision is not None else None,
                    "lamp": decision.lamp.value if decision is not None else "dark",
                }
            )
        return rows

    def explain(self, person: str, at: datetime | None) -> dict[str, Any]:
        evaluation = self._decider.explain(person, at)
        return {**evaluation.trace.to_json(), "text": explain(evaluation, self._people[person][0])}

    def person(self, person: str) -> Person:
        return self._people[person][0]

    def shown(self, person: str) -> dict[str, Any]:
        here = self._people[person][0]
        decision = self._decider.outlook(person).decision
        until = decision.until.astimezone(zone(here.timezone)).isoformat() if decision.until else None
        return {
            "person": person,
            "name": here.name,
            "state": decision.state,
            "note": decision.notes[0].text if decision.notes else None,
            "until": until,
            "rule": decision.because.get("state"),
        }

    def links(self) -> list[dict[str, Any]]:
        return [
            {
                "link": health.link,
                "connector": health.connector,
                "person": health.person,
                "state": health.state.value,
                "words": health.words,
                "since": health.since.isoformat(),
                "last_heard": health.last_heard.isoformat() if health.last_heard else None,
                "stale": health.stale,
                "problems": list(health.problems),
            }
            for health in self._runner.health()
        ]

    def messages(self, most: int) -> list[dict[str, Any]]:
        entries = self._transcript.entries[-most:]
        return [
            {
                "at": entry.at,
                "direction": "received" if entry.received else "sent",
                "transport": entry.flow.transport.value,
                "peer": format_address(entry.flow.remote),
                "text": entry.text,
            }
            for entry in entries
        ]

    def health(self) -> tuple[bool, dict[str, Any]]:
        """For `/healthz`: no names of persons. The service is well while it can tell the truth, which a source that
        is down does not prevent: its facts go stale and are shown as unknown. While the store takes no writes it lives
        from memory, and somebody has to look."""
        states: dict[str, int] = {}
        for link in self._runner.health():
            states[link.state.value] = states.get(link.state.value, 0) + 1
        trouble = self._store.trouble
        return trouble is None, {"links": states, "store": "ok" if trouble is None else str(trouble)}
