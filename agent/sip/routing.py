"""Where a message goes next: responses by their top Via, requests by route set and target (RFC 3261 §8.1.2, §18.2)."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from agent.sip.flows import Flow, Transport, format_host
from agent.sip.headers import Headers, split_outside
from agent.sip.messages import Request
from agent.sip.values import Via, normal_host, parse_host_port, parse_name_addr, parse_params, split_uri


@dataclass(frozen=True, slots=True)
class Target:
    """What the next hop's URI says; DNS (RFC 3263) has not been asked yet."""

    host: str
    port: int | None
    transport: Transport | None
    "None: the URI does not say."
    secure: bool
    "`sips:`"


def note_source(request: Request, flow: Flow) -> None:
    """Write into the top Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4)."""
    via = request.via
    wants_rport = "rport" in via.params
    host, port = flow.remote[0], flow.remote[1]
    if not wants_rport and via.host == host:
        return
    lines = request.headers.get_all("Via")
    line = lines[0]
    if (
        wants_rport
        and len(via.params) == 2
        and len(lines) == 1
        and line.endswith(";rport")
        and "," not in line
    ):
        # How nearly everybody writes it: one Via with branch and rport, and nothing else.
        request.headers.set("Via", f"{line}={port};received={host}")
        return
    values = request.headers.values("Via")
    kept: list[str] = []
    for part in split_outside(values[0], ";"):
        name = part.partition("=")[0].strip().lower()
        if name == "received":
            continue
        kept.append(f"rport={port}" if name == "rport" else part)
    values[0] = ";".join([*kept, f"received={host}"])
    _replace_vias(request.headers, values)


def is_ours(via: Via, flow: Flow) -> bool:
    """Whether a response's top Via names the sent-by that we write for this flow (RFC 3261 §18.1.2)."""
    return normal_host(via.host) == normal_host(flow.local[0]) and (via.port or 5060) == flow.local[1]


def _replace_vias(headers: Headers, values: list[str]) -> None:
    index = next(i for i, (name, _) in enumerate(headers) if name == "Via")
    rest = [item for item in headers if item[0] != "Via"]
    headers.items = [*rest[:index], *(("Via", value) for value in values), *rest[index:]]


def response_flow(via: Via, flow: Flow) -> Flow:
    """Streams answer on their connection; UDP to the source address, at rport or else the sent-by port.

    ``maddr`` is not followed: it would let anybody aim our answers at a third party.
    """
    if flow.transport is not Transport.UDP:
        return flow
    port = flow.remote[1] if "rport" in via.params else via.port or 5060
    return flow if port == flow.remote[1] else replace(flow, remote=(flow.remote[0], port))


_PLAIN_TARGET: Final = re.compile(
    r"sip:(?:[^@;?]*@)?([A-Za-z0-9.-]+)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?", re.ASCII
).fullmatch
"A Contact as most watchers write it."

_SECURED: Final = {Transport.TCP: Transport.TLS, Transport.WS: Transport.WSS}
"RFC 3261 §26.2.2, RFC 7118 §5.3: the parameter names the transport below TLS."


def parse_target(uri: str) -> Target:
    """The next hop that a SIP URI names. Raises ValueError for other schemes."""
    plain = _PLAIN_TARGET(uri)
    if plain is not None:
        return Target(plain[1], int(plain[2]) if plain[2] else None, None, False)
    scheme, _, address = split_uri(uri)
    if scheme not in ("sip", "sips"):
        raise ValueError("not a SIP URI")
    host_port, *raw = address.split(";")
    params = parse_params(raw)
    host, port = parse_host_port(host_port)
    transport: Transport | None = None
    named = params.get("transport")
    if named:
        try:
            transport = Transport(named.lower())
        except ValueError:
            raise ValueError("unknown transport") from None
        if scheme == "sips":
            transport = _SECURED.get(transport, transport)
    return Target(params.get("maddr") or host, port, transport, scheme == "sips")


def request_path(target_uri: str, route_set: tuple[str, ...]) -> tuple[str, tuple[str, ...], str]:
    """(Request-URI, Route values, URI of the next hop) for a request in a dialog (RFC 3261 §12.2.1.1)."""
    if not route_set:
        return target_uri, (), target_uri
    first = parse_name_addr(route_set[0])
    if is_loose(first.uri):
        return target_uri, route_set, first.uri
    # A strict router first: its URI becomes the Request-URI, and the target travels last in Route.
    return first.uri, (*route_set[1:], f"<{target_uri}>"), first.uri


def is_loose(uri: str) -> bool:
    """Whether a Route URI carries ``lr``."""
    return "lr" in parse_params(split_uri(uri)[2].split(";")[1:])


def is_outbound(uri: str) -> bool:
    """Whether a Contact URI carries ``ob``: reachable over the flow it came by and no other (RFC 5626 §4.3)."""
    return ";ob" in uri.lower() and "ob" in parse_params(split_uri(uri)[2].split(";")[1:])


def sent_by(flow: Flow) -> str:
    """Our address as Via and Contact name it."""
    return _sent_by(flow.local)


@lru_cache(maxsize=1024)
def _sent_by(local: tuple[str, int]) -> str:
    return f"{format_host(local[0])}:{local[1]}"


def via_start(flow: Flow) -> str:
    """How a Via of ours begins for what leaves over this flow: protocol, transport and sent-by."""
    return _via_start(flow.transport, flow.local)


@lru_cache(maxsize=1024)
def _via_start(transport: Transport, local: tuple[str, int]) -> str:
    return f"SIP/2.0/{transport.via_token} {_sent_by(local)}"


class Destination(NamedTuple):
    """One concrete place to send a request to, as RFC 3263 finds it."""

    transport: Transport
    host: str
    "A numeric address."
    port: int
    name: str = ""
    "Over TLS: the domain that was asked for, and that the certificate must be for (RFC 5922 §7.3), if not ``host``."
