"""Dialogs that phones and PBXs publish for a presentity (RFC 4235), put together for watchers and rules. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from agent.documents import dialog_info
from agent.documents.data_model import Person
from agent.documents.dialog_info import Dialog, DialogInfo, Participant
from agent.documents.errors import DocumentError
from agent.documents.pidf import Presence
from agent.documents.rpid import Activities
from agent.presence.dialog_choice import ALL, DialogChoice
from agent.presence.lamp import lamp_dialog
from agent.presence.records import Publication

_RANKS = {"confirmed": 0, "early": 1, "proceeding": 2, "trying": 3}
"By how much it says to somebody who looks at a lamp."


@dataclass(frozen=True, slots=True)
class DialogView:
    """How one watcher sees somebody's dialogs."""

    details: bool = False
    "Who is at the other end, and what a phone needs to pick the call up (RFC 4235 §3.6, §3.7.2)."
    single: bool = False
    "Only the dialog that says most: some phones know one lamp and one dialog."
    choice: DialogChoice = ALL
    "The dialogs that the watcher has asked for."


@dataclass(frozen=True, slots=True)
class CallSeen:
    """``state``: confirmed, held, early or idle."""

    state: str
    direction: str | None
    "`in` or `out`."
    since: float
    "Wall clock."


def dialogs_of(publications: Iterable[Publication]) -> tuple[Dialog, ...]:
    """The dialogs that are not over, those that say most first. Ids of two publications never meet."""
    found: list[Dialog] = []
    for row in publications:
        for dialog in _read(row.body, row.content_type).dialogs:
            if dialog.state in _RANKS:
                mark = hashlib.blake2s(f"{row.id}\n{dialog.id}".encode(errors="replace"), digest_size=8)
                found.append(replace(dialog, id=f"d{mark.hexdigest()}"))
    return tuple(sorted(found, key=lambda dialog: (_RANKS[dialog.state], dialog.id)))


def same_calls(body: bytes, content_type: str, publications: Iterable[Publication]) -> Publication | None:
    """The newest of one publisher's publications that tells of the very calls that ``body`` tells of.

    COMPAT(Kamailio 5.6): publishes a call anew before it knows the tag of its first publication, which nobody would
    end. Its ids are its own for each call; of two phones that ring for one call, ids can be the same.
    """
    wanted = _calls(_read(body, content_type))
    if not wanted:
        return None
    same = [row for row in publications if _calls(_read(row.body, row.content_type)) == wanted]
    return max(same, key=lambda row: row.published_at, default=None)


def _calls(info: DialogInfo) -> frozenset[str]:
    """Empty when one is not of Kamailio's making."""
    ids = frozenset(each.id for each in info.dialogs)
    return ids if all(each.startswith("padi-") for each in ids) else frozenset()


def dialog_document(entity: str, real: Sequence[Dialog], lamp: str, view: DialogView = DialogView()) -> bytes:
    """The full state at version 0: real dialogs, and the lamp of presence where no real call says more. Always full:
    many phones know no other.

    A real confirmed dialog wins over any lamp; a ringing phone over a blinking one.
    """
    real = [dialog for dialog in real if view.choice.includes(dialog)]
    shown = [_in_full(dialog, view) if view.details else _state_only(dialog) for dialog in real]
    states = {dialog.state for dialog in real}
    made = lamp_dialog(entity, lamp) if view.choice.call_id is None else None
    if made is not None and "confirmed" not in states and made.state not in states:
        shown.append(made)
        shown.sort(key=lambda dialog: _RANKS[dialog.state])
    if view.single:
        shown = shown[:1]
    return dialog_info.build(DialogInfo(entity, 0, "full", tuple(shown)))


def _in_full(dialog: Dialog, view: DialogView) -> Dialog:
    """Session descriptions only for those who have asked for them (RFC 4235 §3.2)."""
    if view.choice.sessions:
        return dialog
    return replace(dialog, local=_without_session(dialog.local), remote=_without_session(dialog.remote))


def _without_session(side: Participant | None) -> Participant | None:
    if side is None or not side.extensions:
        return side
    return replace(
        side, extensions=tuple(each for each in side.extensions if each.name != "session-description")
    )


def _state_only(dialog: Dialog) -> Dialog:
    """RFC 4235 §3.7.2: that there is a call and how far it is, not with whom."""
    local = Participant(dialog.local.identity, dialog.local.target) if dialog.local is not None else None
    return Dialog(dialog.id, dialog.state, direction=dialog.direction, local=local)


def is_ringing(document: bytes) -> bool:
    """Of a document made here: whether somebody could still pick up a call."""
    return b">early</state>" in document


def busiest_call(publications: Iterable[Publication]) -> CallSeen:
    """What all phones together say; idle when none has a call."""
    best: CallSeen | None = None
    order = ("confirmed", "held", "early", "idle")
    newest = 0.0
    for row in publications:
        newest = max(newest, row.published_at)
        for dialog in _read(row.body, row.content_type).dialogs:
            if dialog.state not in _RANKS:
                continue
            state = "early" if dialog.state != "confirmed" else "held" if _is_held(dialog) else "confirmed"
            direction = {"recipient": "in", "initiator": "out"}.get(dialog.direction or "")
            seen = CallSeen(state, direction, row.published_at - (dialog.duration or 0))
            if best is None or order.index(state) < order.index(best.state):
                best = seen
    return best if best is not None else CallSeen("idle", None, newest)


CALL_RANK = 40
"Of what calls say of a person in composition: less than what their devices publish (50)."


def person_in_call(entity: str, publications: Iterable[Publication]) -> Presence | None:
    """Presence of somebody whose phones say that they are in a call, held or not; None: they say no such thing.

    A phone that rings says nothing of what its owner is doing.
    """
    seen = busiest_call(publications)
    if seen.state not in ("confirmed", "held"):
        return None
    activity = Person("call", (Activities(("on-the-phone",)),))
    return Presence(entity, persons=(activity,))


def _is_held(dialog: Dialog) -> bool:
    """RFC 4235 §4.1.6.2: the local side renders nothing."""
    target = dialog.local.target if dialog.local is not None else None
    return target is not None and any(
        name.lower() == "+sip.rendering" and value.lower() == "no" for name, value in target.params
    )


def problem_of(body: bytes, charset: str | None = None) -> str | None:
    """What is wrong with a published document, for a reason phrase; None when it can be used."""
    try:
        info = dialog_info.parse(body, charset)
    except DocumentError:
        return "Body Is Not A Dialog Information Document"
    if any(not dialog.state for dialog in info.dialogs):
        return "A Dialog Has No State That Is Known"
    return None


@lru_cache(maxsize=1024)
def _read(body: bytes, content_type: str) -> DialogInfo:
    return dialog_info.parse(body, content_type.partition(";charset=")[2] or None)
