"""Locating SIP servers (RFC 3263) as questions and answers; whoever drives it asks the DNS.

`locate` is a generator: it yields a `Question`, is sent the records found (an empty list if there are none), and
returns the destinations to try, best first.
"""

from collections.abc import Callable, Generator, Sequence
from enum import StrEnum
from ipaddress import ip_address
from typing import NamedTuple

from agent.sip.flows import Transport
from agent.sip.routing import Destination, Target

_SRV_PREFIX = {Transport.UDP: "_sip._udp.", Transport.TCP: "_sip._tcp.", Transport.TLS: "_sips._tcp."}
_NAPTR_SERVICE = {"sip+d2u": Transport.UDP, "sip+d2t": Transport.TCP, "sips+d2t": Transport.TLS}


class Kind(StrEnum):
    NAPTR = "NAPTR"
    SRV = "SRV"
    ADDRESS = "ADDRESS"
    "A and AAAA."


class Question(NamedTuple):
    kind: Kind
    name: str


class Naptr(NamedTuple):
    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    priority: int
    weight: int
    port: int
    target: str
    "``.``: the service is decidedly not available there (RFC 2782)."


Record = Naptr | Srv | str
"A NAPTR, an SRV, or an address as text."


Pick = Callable[[int], int]
"``pick(n)``: a random whole number from 0 to n, both included."

Steps = Generator[Question, Sequence[Record], list[Destination]]


def locate(target: Target, supported: Sequence[Transport], pick: Pick) -> Steps:
    """``supported``: the transports that we can open, the preferred one first.

    An empty result means that the name has no address, or only for transports that we lack.
    """
    found = yield from _locate(target, supported, pick)
    if literal_address(target.host) is not None:
        return found
    return [each._replace(name=target.host) if each.transport.secure else each for each in found]


def _locate(target: Target, supported: Sequence[Transport], pick: Pick) -> Steps:
    usable = [t for t in supported if t.secure or not target.secure]
    if target.transport is not None:
        if target.transport not in usable:
            return []
        transports: list[Transport] = [target.transport]
    else:
        transports = usable
    if not transports:
        return []
    literal = literal_address(target.host)
    if literal is not None or target.port is not None:
        transport = _default(target, transports)
        if transport is None:
            return []
        port = target.port or default_port(transport)
        if literal is not None:
            return [Destination(transport, literal, port)]
        return (yield from _addresses(transport, target.host, port))
    if target.transport is None:
        by_naptr = yield from _by_naptr(target, transports, pick)
        if by_naptr is not None:
            return by_naptr
    for transport in transports:
        if (prefix := _SRV_PREFIX.get(transport)) is None:
            continue
        by_srv = yield from _by_srv(transport, prefix + target.host, pick)
        if by_srv is not None:
            return by_srv
    transport = _default(target, transports)
    if transport is None:
        return []
    return (yield from _addresses(transport, target.host, default_port(transport)))


def default_port(transport: Transport) -> int:
    """RFC 3261 §19.1.2; web sockets have the ports of HTTP (RFC 7118 §5)."""
    match transport:
        case Transport.TLS:
            return 5061
        case Transport.WS:
            return 80
        case Transport.WSS:
            return 443
        case _:
            return 5060


def literal_address(host: str) -> str | None:
    """The host if it is an IPv4 or IPv6 address, brackets taken off."""
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return None


def order_srv(records: Sequence[Srv], pick: Pick) -> list[Srv]:
    """Lowest priority first; within one, drawn by weight (RFC 2782)."""
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        # Weightless ones stand first, so that they have a small chance beside others.
        left = sorted((r for r in records if r.priority == priority), key=lambda r: (r.weight > 0, r))
        while left:
            draw = pick(sum(record.weight for record in left))
            running = 0
            for record in left:
                running += record.weight
                if running >= draw:
                    break
            left.remove(record)
            ordered.append(record)
    return ordered


def _default(target: Target, transports: Sequence[Transport]) -> Transport | None:
    """The transport when neither the URI nor the DNS names one: UDP, or TLS for ``sips`` (§4.1)."""
    if target.transport is not None:
        return target.transport
    default = Transport.TLS if target.secure else Transport.UDP
    return default if default in transports else next(iter(transports), None)


def _by_naptr(
    target: Target, transports: Sequence[Transport], pick: Pick
) -> Generator[Question, Sequence[Record], list[Destination] | None]:
    """None: there is no NAPTR record for a transport of ours."""
    answers = yield Question(Kind.NAPTR, target.host)
    records = [
        record
        for record in answers
        if isinstance(record, Naptr)
        and record.flags.lower() == "s"
        and _NAPTR_SERVICE.get(record.service.lower()) in transports
    ]
    if not records:
        return None
    found: list[Destination] = []
    # A higher order is only for those who can use no record of a lower one (RFC 3403 §4.1).
    lowest = min(record.order for record in records)
    for record in sorted((r for r in records if r.order == lowest), key=lambda r: r.preference):
        transport = _NAPTR_SERVICE[record.service.lower()]
        found += (yield from _by_srv(transport, record.replacement, pick)) or []
    return found


def _by_srv(
    transport: Transport, service: str, pick: Pick
) -> Generator[Question, Sequence[Record], list[Destination] | None]:
    """None: no such SRV records. An empty list: there are, and they say that there is no such service."""
    answers = yield Question(Kind.SRV, service.rstrip("."))
    records = [record for record in answers if isinstance(record, Srv)]
    if not records:
        return None
    found: list[Destination] = []
    for record in order_srv([r for r in records if r.target != "."], pick):
        found += yield from _addresses(transport, record.target.rstrip("."), record.port)
    return found


def _addresses(transport: Transport, host: str, port: int) -> Steps:
    literal = literal_address(host)
    if literal is not None:
        return [Destination(transport, literal, port)]
    answers = yield Question(Kind.ADDRESS, host)
    return [Destination(transport, address, port) for address in answers if isinstance(address, str)]
