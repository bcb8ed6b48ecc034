"""A registrar's decisions on a REGISTER (RFC 3261 §10.3, RFC 5626 §6): which bindings come, change and go. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2s

from agent.presence.packages import ExpiryLimits
from agent.presence.publication import Refused
from agent.presence.records import Binding
from agent.sip.digest import quoted
from agent.sip.values import Params, address_of_record, parse_name_addr, parse_seconds, split_uri

MAX_BINDINGS = 20
"Of one address. A phone that invents a new contact at each start must not fill the store."
_MALFORMED = 3600
"What an expires parameter that is no number means (RFC 3261 §10.2.1.1)."
_TELLING = ("transport", "user", "ttl", "method", "maddr")
"URI parameters that make two contacts differ when only one has them (RFC 3261 §19.1.4)."
_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """What a REGISTER says, already authorized, and where it came from."""

    address: str
    "To: whose bindings."
    contacts: tuple[str, ...]
    expires: int | None
    "The Expires header; None: it is not there."
    call_id: str
    cseq: int
    outbound: bool
    "The user agent asks for a flow of its own."
    first_hop: bool
    "Nobody stands between, or a proxy that keeps flows open and says so in Path."
    transport: str
    local_address: str
    remote_address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Bound:
    """What becomes of the bindings; nothing at all for a REGISTER that only asks."""

    put: tuple[Binding, ...] = ()
    removed: tuple[Binding, ...] = ()
    outbound: bool = False
    "A binding is kept to its flow; the answer says so with `Require: outbound`."


def decide(
    request: RegisterRequest, known: Sequence[Binding], limits: ExpiryLimits, now: float
) -> Bound | Refused:
    """RFC 3261 §10.3 steps 6 and 7: all of it or nothing. ``known``: the live bindings of the address."""
    if "*" in request.contacts:
        if len(request.contacts) > 1 or request.expires != 0:
            return Refused(400, "A Star Stands Alone And With Expires 0")
        if any(_is_old(request, row) for row in known):
            return Refused(500, "CSeq Out Of Order")
        return Bound(removed=tuple(known))
    if (
        request.outbound
        and not request.first_hop
        and any("reg-id" in _params(value) for value in request.contacts)
    ):
        return Refused(439)
    live = {row.id: row for row in known}
    put: dict[str, Binding] = {}
    removed: dict[str, Binding] = {}
    for value in request.contacts:
        try:
            wanted, expires = _read(value, request, limits, now)
        except ValueError:
            return Refused(400, "Bad Contact Header")
        if 0 < expires < limits.minimum and expires < 3600:
            return Refused(423, headers=(("Min-Expires", str(limits.minimum)),))
        before = live.get(wanted.id)
        if before is not None and _is_old(request, before):
            return Refused(500, "CSeq Out Of Order")
        if expires == 0:
            put.pop(wanted.id, None)
            if before is not None:
                removed[before.id] = before
            continue
        removed.pop(wanted.id, None)
        put[wanted.id] = replace(wanted, registered_at=before.registered_at) if before is not None else wanted
    if len((live.keys() | put.keys()) - removed.keys()) > MAX_BINDINGS:
        return Refused(403, "Too Many Contacts")
    outbound = any(row.reg_id is not None for row in put.values())
    return Bound(tuple(put.values()), tuple(removed.values()), outbound)


def _params(contact: str) -> Params:
    try:
        return parse_name_addr(contact).params
    except ValueError:
        return {}


def _is_old(request: RegisterRequest, row: Binding) -> bool:
    """Within one Call-ID the CSeq must rise (RFC 3261 §10.3 step 7)."""
    return row.call_id == request.call_id and request.cseq <= row.cseq


def _read(value: str, request: RegisterRequest, limits: ExpiryLimits, now: float) -> tuple[Binding, int]:
    """A Contact as the binding that it wants, and for how many seconds. Raises ValueError."""
    contact = parse_name_addr(value)
    expires = limits.default if request.expires is None else request.expires
    if "expires" in contact.params:
        try:
            expires = parse_seconds(contact.params["expires"] or "")
        except ValueError:
            expires = _MALFORMED
    expires = min(expires, limits.maximum)
    instance = contact.params.get("+sip.instance")
    reg_id = _reg_id(contact.params.get("reg-id")) if request.outbound and instance else None
    identity = f"{instance}\n{reg_id}" if reg_id is not None else contact_key(contact.uri)
    row = Binding(
        id=blake2s(f"{request.address}\n{identity}".encode(errors="replace"), digest_size=12).hexdigest(),
        address=request.address,
        contact=contact.uri,
        params=_params_text(contact.params),
        instance=instance,
        reg_id=reg_id,
        call_id=request.call_id,
        cseq=request.cseq,
        expires_at=now + expires,
        registered_at=now,
        transport=request.transport,
        local_address=request.local_address,
        remote_address=request.remote_address,
        user_agent=request.user_agent,
    )
    return row, expires


def _reg_id(text: str | None) -> int | None:
    """1 … 2**31 - 1 (RFC 5626 §4.2)."""
    valid = text is not None and text.isascii() and text.isdigit() and len(text) <= 10
    number = int(text) if valid and text else 0
    return number if 0 < number < 2**31 else None


def contact_key(uri: str) -> str:
    """What two spellings of one contact URI have in common (RFC 3261 §19.1.4). Raises ValueError."""
    scheme, _, rest = split_uri(uri)
    if scheme not in ("sip", "sips"):
        return uri
    given = dict(part.partition("=")[::2] for part in rest.lower().split(";")[1:])
    telling = "".join(f";{name}={given[name]}" for name in _TELLING if name in given)
    return f"{scheme} {address_of_record(uri)}{telling}"


def _params_text(params: Params) -> str:
    """Parameters as they are given back: whatever the user agent wrote, but how long, which is ours to say."""
    text = ""
    for name, value in params.items():
        if name in ("expires", "received") or not name or not _TOKEN.issuperset(name):
            continue
        if value is None:
            text += f";{name}"
        else:
            text += f";{name}={value if value and _TOKEN.issuperset(value) else quoted(value)}"
    return text


def contact_values(rows: Iterable[Binding], now: float) -> list[str]:
    """The Contact values of the answer: every live binding and its seconds left (§10.3 step 8)."""
    return [
        f"<{row.contact}>{row.params};expires={max(1, round(row.expires_at - now))}"
        for row in rows
        if row.expires_at > now
    ]
