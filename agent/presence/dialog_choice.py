"""Event parameters of the package `dialog`: one dialog, or all of one INVITE, instead of all (RFC 4235 §3.2)."""

from dataclasses import dataclass
from functools import lru_cache

from agent.documents.dialog_info import Dialog
from agent.sip.headers import split_outside
from agent.sip.values import Params, parse_params

_NAMES = ("call-id", "to-tag", "from-tag")
_SESSIONS = "include-session-description"
LONGEST = 1_000
"Characters that the parameters may have."


@dataclass(frozen=True, slots=True)
class DialogChoice:
    """``call_id`` None: all dialogs."""

    call_id: str | None = None
    to_tag: str | None = None
    "The local tag."
    from_tag: str | None = None
    "The remote tag; None: every dialog that the INVITE has made."
    sessions: bool = False
    "With the session descriptions."

    def includes(self, dialog: Dialog) -> bool:
        return (
            self.call_id is None or (dialog.call_id, dialog.local_tag) == (self.call_id, self.to_tag)
        ) and (self.from_tag is None or dialog.remote_tag == self.from_tag)


ALL = DialogChoice()


def kept_params(params: Params) -> str:
    """What has to be remembered of an Event header's parameters, as `read_choice` takes it.

    Raises ValueError where they name no dialog: the first two belong together, and the third to them.
    """
    given = [name for name in _NAMES if name in params]
    if given and ("call-id" not in given or "to-tag" not in given or not all(params[name] for name in given)):
        raise ValueError("call-id and to-tag are wanted together")
    text = "".join(f";{name}={_quoted(params[name] or '')}" for name in given)
    text += f";{_SESSIONS}" if _SESSIONS in params else ""
    if len(text) > LONGEST:
        raise ValueError("the parameters are too long")
    return text


@lru_cache(maxsize=4096)
def read_choice(text: str) -> DialogChoice:
    """From what `kept_params` has made."""
    if not text:
        return ALL
    params = parse_params(split_outside(text, ";"))
    return DialogChoice(
        params.get("call-id"), params.get("to-tag"), params.get("from-tag"), _SESSIONS in params
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
