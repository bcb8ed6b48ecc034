"""Which changes a source has promised to push: what is missing, what has to be renewed, whom to believe. Pure.

A promise (Graph's subscription, Google's channel) is for one subject (a mailbox, a calendar), has an id and an end,
and comes with a secret of ours that the source shows whenever it sends something.
"""

import hmac
import json
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

RETRY = timedelta(minutes=1)
"After a first refusal; doubling."
LONGEST_RETRY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """One that the source gave us."""

    id: str
    subject: str
    secret: str = field(repr=False)
    renew_at: datetime
    expires: datetime
    extra: str = ""
    "What the source wants to hear beside the id (Google's resourceId)."


@dataclass(slots=True)
class Refused:
    """How often the source would not, and when it is asked again."""

    times: int
    again: datetime
    words: str


@dataclass(slots=True)
class PushLedger:
    """The promises of one entry, by subject."""

    held: dict[str, Promise] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)
    _subjects: dict[str, str] = field(default_factory=dict)
    "By the promise's id."

    def __post_init__(self) -> None:
        self._subjects.update({held.id: held.subject for held in self.held.values()})

    def covers(self, subject: str, now: datetime) -> bool:
        """Is a change of this pushed to us?"""
        held = self.held.get(subject)
        return held is not None and now < held.expires

    def missing(self, subjects: Iterable[str], now: datetime) -> list[str]:
        """What has to be asked for now."""
        return [
            subject for subject in subjects if not self.covers(subject, now) and self._may_try(subject, now)
        ]

    def worn(self, now: datetime) -> list[Promise]:
        """What has to be renewed now."""
        return [
            held
            for held in self.held.values()
            if held.renew_at <= now < held.expires and self._may_try(held.subject, now)
        ]

    def forget_ended(self, now: datetime) -> None:
        """What has run out needs no place any more."""
        for subject in [held.subject for held in self.held.values() if held.expires <= now]:
            self.gone(subject)

    def orphans(self, subjects: Container[str]) -> list[Promise]:
        """What was promised for subjects that are not among these any more."""
        return [held for held in self.held.values() if held.subject not in subjects]

    def granted(
        self, subject: str, id_: str, secret: str, expires: datetime, now: datetime, extra: str = ""
    ) -> None:
        """The source promised, or promised on. Half of what is left is the time to renew it."""
        self.gone(subject)
        self._subjects[id_] = subject
        self.held[subject] = Promise(id_, subject, secret, now + (expires - now) / 2, expires, extra)
        self.refused.pop(subject, None)

    def not_granted(self, subject: str, words: str, now: datetime) -> None:
        times = self.refused[subject].times + 1 if subject in self.refused else 1
        wait = min(RETRY * 2 ** min(times - 1, 10), LONGEST_RETRY)
        self.refused[subject] = Refused(times, now + wait, words)

    def gone(self, subject: str) -> None:
        """The source keeps it no more."""
        held = self.held.pop(subject, None)
        if held is not None:
            self._subjects.pop(held.id, None)

    def due_now(self, subject: str, now: datetime) -> None:
        """It has to be renewed at once."""
        held = self.held.get(subject)
        if held is not None:
            self.held[subject] = replace(held, renew_at=now)
            self.refused.pop(subject, None)

    def sender(self, id_: str, secret: str) -> str | None:
        """What a message speaks of; None when we do not know it, or it does not know the secret. Takes the same time
        for both."""
        held = self.held.get(self._subjects.get(id_, ""))
        known = held.secret if held is not None else "\0"
        fits = hmac.compare_digest(secret.encode("utf-8", "replace"), known.encode())
        return held.subject if held is not None and fits else None

    def written(self) -> str:
        """To be kept over a restart; holds secrets."""
        return json.dumps(
            [
                [
                    held.id,
                    held.subject,
                    held.secret,
                    held.renew_at.isoformat(),
                    held.expires.isoformat(),
                    held.extra,
                ]
                for held in self.held.values()
            ]
        )

    @classmethod
    def read(cls, text: str) -> "PushLedger":
        """What `written` gave; what cannot be read is forgotten."""
        held: dict[str, Promise] = {}
        try:
            for id_, subject, secret, renew_at, expires, extra in json.loads(text):
                times = (
                    datetime.fromisoformat(renew_at).astimezone(UTC),
                    datetime.fromisoformat(expires).astimezone(UTC),
                )
                held[subject] = Promise(id_, subject, secret, *times, extra)
        except (ValueError, TypeError):
            return cls()
        return cls(held)

    def _may_try(self, subject: str, now: datetime) -> bool:
        refused = self.refused.get(subject)
        return refused is None or refused.again <= now
