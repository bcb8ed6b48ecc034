"""Dialog state: the calls of one address, as busy lamps watch them (RFC 4235)."""

from dataclasses import dataclass

from lxml import etree

from agent.documents.errors import DocumentError
from agent.documents.foreign import Foreign, keep
from agent.documents.namespaces import DIALOG_INFO
from agent.documents.xml import (
    DECLARATION,
    Attributes,
    attributes_xml,
    other_attributes,
    parse_xml,
    text_xml,
    token_of,
    value_xml,
)

CONTENT_TYPE = "application/dialog-info+xml"

STATES = frozenset({"trying", "proceeding", "early", "confirmed", "terminated"})
EVENTS = frozenset({"cancelled", "rejected", "replaced", "local-bye", "remote-bye", "error", "timeout"})

_KNOWN = frozenset({"id", "call-id", "local-tag", "remote-tag", "direction"})
# COMPAT(RFC 4235 §5 examples): `receiver` in the examples, `recipient` in schema and prose.
_DIRECTIONS = {"initiator": "initiator", "recipient": "recipient", "receiver": "recipient"}


@dataclass(frozen=True, slots=True)
class NameAddr:
    uri: str
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the participant is reached; `params` such as `("+sip.rendering", "no")` for a held call."""

    uri: str
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Participant:
    identity: NameAddr | None = None
    target: Target | None = None
    extensions: tuple[Foreign, ...] = ()
    "Also session-description and cseq, which nothing here reads."


@dataclass(frozen=True, slots=True)
class Dialog:
    id: str
    state: str
    "One of `STATES`; empty when the sender gave none that is known."
    event: str | None = None
    "Why it is terminated, one of `EVENTS`."
    code: int | None = None
    "The response code that led to the state."
    direction: str | None = None
    "`initiator`, `recipient`."
    call_id: str | None = None
    local_tag: str | None = None
    remote_tag: str | None = None
    duration: int | None = None
    "Seconds."
    local: Participant | None = None
    remote: Participant | None = None
    extensions: tuple[Foreign, ...] = ()
    "Also replaces, referred-by and route-set, which nothing here reads."
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class DialogInfo:
    entity: str
    version: int
    "From 0, one more with each notification of the subscription."
    state: str = "full"
    "`full` or `partial`."
    dialogs: tuple[Dialog, ...] = ()
    extensions: tuple[Foreign, ...] = ()


def parse(data: bytes, charset: str | None = None) -> DialogInfo:
    """Read a document, valid or not. Raises `DocumentError` when it is not XML or not dialog-info.

    COMPAT(Kamailio 5.6): an empty body, which it sends while nothing was published, is a document
    without dialogs.
    """
    if not data.strip():
        return DialogInfo("", 0)
    root = parse_xml(data, charset)
    if root.tag != f"{{{DIALOG_INFO}}}dialog-info":
        raise DocumentError(f"the root element is {root.tag}, expected {{{DIALOG_INFO}}}dialog-info")
    dialogs: list[Dialog] = []
    extensions: list[Foreign] = []
    for child in root:
        if child.tag == f"{{{DIALOG_INFO}}}dialog":
            dialogs.append(_read_dialog(child))
        else:
            extensions.append(keep(child))
    # COMPAT(RFC 4235 §5 examples): `notify-state`.
    state = root.get("state") or root.get("notify-state") or ""
    return DialogInfo(
        root.get("entity", "").strip(),
        _number(root.get("version")) or 0,
        "partial" if state.strip().lower() == "partial" else "full",
        tuple(dialogs),
        tuple(extensions),
    )


def _read_dialog(element: etree._Element) -> Dialog:
    state = ""
    event: str | None = None
    code: int | None = None
    duration: int | None = None
    sides: dict[str, Participant] = {}
    extensions: list[Foreign] = []
    # In any order: COMPAT(Asterisk 22): the state stands last, COMPAT(Kamailio 5.6): remote before local.
    for child in element:
        name = _name(child)
        if name == "state":
            # COMPAT(Kamailio 5.6): `Trying` with a capital letter.
            word = token_of(child).lower()
            state = word if word in STATES else ""
            # COMPAT(RFC 4235 §5 examples): `reason`.
            said = child.get("event") or child.get("reason") or ""
            event = said if said in EVENTS else None
            code = _number(child.get("code"))
        elif name == "duration" and duration is None:
            duration = _number(token_of(child))
        elif name in ("local", "remote"):
            # There is one of each; another would come first when it is written, and be taken for it.
            sides.setdefault(name, _read_participant(child))
        else:
            extensions.append(keep(child))
    return Dialog(
        element.get("id", ""),
        state,
        event,
        code,
        _DIRECTIONS.get(element.get("direction", "")),
        element.get("call-id"),
        element.get("local-tag"),
        element.get("remote-tag"),
        duration,
        sides.get("local"),
        sides.get("remote"),
        tuple(extensions),
        other_attributes(element, _KNOWN),
    )


def _read_participant(element: etree._Element) -> Participant:
    identity: NameAddr | None = None
    target: Target | None = None
    extensions: list[Foreign] = []
    for child in element:
        name = _name(child)
        if name == "identity" and identity is None:
            # COMPAT(Asterisk 22, FreeSWITCH): `display` for `display-name`.
            identity = NameAddr(token_of(child), child.get("display-name") or child.get("display") or None)
        elif name == "target" and target is None:
            # COMPAT(Asterisk 22): `pvalue` for `pval`.
            params = [(each.get("pname", ""), each.get("pval") or each.get("pvalue") or "") for each in child]
            target = Target(child.get("uri", ""), tuple(params))
        else:
            extensions.append(keep(child))
    return Participant(identity, target, tuple(extensions))


def _name(element: etree._Element) -> str:
    namespace, _, name = element.tag[1:].partition("}")
    return name if namespace == DIALOG_INFO else ""


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else None


def build(info: DialogInfo) -> bytes:
    """Write the document. The same value always gives the same bytes."""
    head = (
        f'<dialog-info xmlns="{DIALOG_INFO}" version="{info.version}" state="{info.state}"'
        f' entity="{value_xml(info.entity)}"'
    )
    inside = "".join([_dialog_xml(each) for each in info.dialogs])
    inside += "".join([each.markup for each in info.extensions])
    return f"{DECLARATION}{head}>{inside}</dialog-info>".encode()


def _dialog_xml(dialog: Dialog) -> str:
    attributes = [("id", dialog.id)]
    for name, value in (
        ("call-id", dialog.call_id),
        ("local-tag", dialog.local_tag),
        ("remote-tag", dialog.remote_tag),
        ("direction", dialog.direction),
    ):
        if value is not None:
            attributes.append((name, value))
    event = "" if dialog.event is None else f' event="{dialog.event}"'
    code = "" if dialog.code is None else f' code="{dialog.code}"'
    parts = [
        f"<dialog{attributes_xml(tuple(attributes))}{attributes_xml(dialog.attributes)}>",
        f"<state{event}{code}>{dialog.state}</state>",
    ]
    if dialog.duration is not None:
        parts.append(f"<duration>{dialog.duration}</duration>")
    # The schema wants its own elements before `local` and those of others after `remote`.
    parts += [each.markup for each in dialog.extensions if each.namespace == DIALOG_INFO]
    if dialog.local is not None:
        parts.append(_participant_xml("local", dialog.local))
    if dialog.remote is not None:
        parts.append(_participant_xml("remote", dialog.remote))
    parts += [each.markup for each in dialog.extensions if each.namespace != DIALOG_INFO]
    parts.append("</dialog>")
    return "".join(parts)


def _participant_xml(side: str, participant: Participant) -> str:
    parts = [f"<{side}>"]
    if participant.identity is not None:
        name = participant.identity.display_name
        shown = "" if name is None else f' display-name="{value_xml(name)}"'
        parts.append(f"<identity{shown}>{text_xml(participant.identity.uri)}</identity>")
    if participant.target is not None:
        params = "".join(
            f'<param pname="{value_xml(name)}" pval="{value_xml(value)}"/>'
            for name, value in participant.target.params
        )
        head = f'<target uri="{value_xml(participant.target.uri)}"'
        parts.append(f"{head}>{params}</target>" if params else f"{head}/>")
    parts += [each.markup for each in participant.extensions]
    parts.append(f"</{side}>")
    return "".join(parts)
