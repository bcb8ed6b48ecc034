"""Names -> addresses: literals, the hosts file, then the DNS, in the steps of RFC 3263 (`agent.sip.resolution`)."""

import os
import random
from collections.abc import Sequence
from pathlib import Path

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from agent.sip.flows import Transport
from agent.sip.resolution import Kind, Naptr, Pick, Question, Record, Srv, literal_address, locate
from agent.sip.routing import Destination, Target

HOSTS_FILE = Path("/etc/hosts")
LIFETIME = 5.0
"Seconds that one question may take, repetitions included."


class ResolutionFailed(OSError):
    """No address. ``temporary``: the DNS gave no answer, so that it is worth asking again soon."""

    def __init__(self, host: str, reason: str, temporary: bool) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host
        self.temporary = temporary


class Resolver:
    """Answers are kept as long as their records allow."""

    def __init__(
        self,
        supported: Sequence[Transport] = (Transport.UDP, Transport.TCP, Transport.TLS),
        *,
        nameservers: Sequence[tuple[str, int]] | None = None,
        hosts_file: Path = HOSTS_FILE,
        pick: Pick = lambda most: random.randint(0, most),
        lifetime: float = LIFETIME,
    ) -> None:
        """``supported``: the transports that can be opened, the preferred one first. ``nameservers``: (address, port)
        to ask instead of those in resolv.conf. ``pick``: see `agent.sip.resolution.Pick`; ``lifetime`` in seconds."""
        self._supported = tuple(supported)
        self._hosts = _HostsFile(hosts_file)
        self._pick = pick
        self._nameservers = nameservers
        self._lifetime = lifetime
        self._dns: dns.asyncresolver.Resolver | None = None

    async def resolve(self, target: Target) -> list[Destination]:
        """Where to send, best first, never nowhere. Raises ResolutionFailed, which is an OSError."""
        steps = locate(target, self._supported, self._pick)
        try:
            question = next(steps)
            while True:
                question = steps.send(await self._ask(question))
        except StopIteration as done:
            found: list[Destination] = done.value
        if not found:
            wanted = target.transport or ("tls" if target.secure else "any")
            raise ResolutionFailed(target.host, f"no address (transport: {wanted})", temporary=False)
        return found

    async def _ask(self, question: Question) -> list[Record]:
        if question.kind is Kind.ADDRESS:
            listed = self._hosts.lookup(question.name)
            if listed:
                return list(listed)
        elif self._hosts.lookup(_host_of(question.name)):
            # The administrator has pinned this host: its services are not the DNS's to move.
            return []
        try:
            name = dns.name.from_text(question.name)
        except dns.exception.DNSException:
            raise ResolutionFailed(question.name, "is no host name", temporary=False) from None
        match question.kind:
            case Kind.NAPTR:
                return await self._naptr(name)
            case Kind.SRV:
                return await self._srv(name)
            case Kind.ADDRESS:
                found: list[Record] = []
                # A name without dots may be completed by the search list, as with every other program.
                relative = name.relativize(dns.name.root) if len(name) == 2 else name
                for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    found += [
                        record.address
                        for record in await self._records(relative, kind)
                        if isinstance(record, A | AAAA)
                    ]
                return found

    async def _naptr(self, name: dns.name.Name) -> list[Record]:
        return [
            Naptr(
                record.order,
                record.preference,
                record.flags.decode("ascii", "replace"),
                record.service.decode("ascii", "replace"),
                record.replacement.to_text(),
            )
            for record in await self._records(name, dns.rdatatype.NAPTR)
            if isinstance(record, NAPTR)
        ]

    async def _srv(self, name: dns.name.Name) -> list[Record]:
        return [
            Srv(record.priority, record.weight, record.port, record.target.to_text())
            for record in await self._records(name, dns.rdatatype.SRV)
            if isinstance(record, SRV)
        ]

    async def _records(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> list[dns.rdata.Rdata]:
        try:
            answer = await self._resolver().resolve(name, kind, search=True, lifetime=self._lifetime)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise ResolutionFailed(
                name.to_text(True), f"DNS: {str(error) or type(error).__name__}", temporary=True
            ) from None
        return list(answer)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            try:
                self._dns = dns.asyncresolver.Resolver(configure=self._nameservers is None)
            except dns.resolver.NoResolverConfiguration:
                # A machine without DNS still has literals and the hosts file.
                self._dns = dns.asyncresolver.Resolver(configure=False)
            if self._nameservers is not None:
                self._dns.nameservers = [address for address, _ in self._nameservers]
                self._dns.nameserver_ports = dict(self._nameservers)
            self._dns.cache = dns.resolver.LRUCache(10_000)
        return self._dns


def _host_of(name: str) -> str:
    """``_sip._udp.example.org`` -> ``example.org``."""
    return name.split(".", 2)[2] if name.startswith("_") and name.count(".") >= 2 else name


class _HostsFile:
    """hosts(5), read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._addresses: dict[str, list[str]] = {}

    def lookup(self, name: str) -> list[str]:
        """Addresses in the file's order, IPv4 first: where both work, SIP equipment has been tried with that."""
        self._refresh()
        found = self._addresses.get(name.rstrip(".").lower(), [])
        return sorted(found, key=lambda address: ":" in address)

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            text = self._path.read_text("utf-8", "replace")
        except OSError:
            self._addresses, self._stamp = {}, None
            return
        self._stamp = stamp
        addresses: dict[str, list[str]] = {}
        for line in text.splitlines():
            address, *names = line.partition("#")[0].split()[:100] or [""]
            if literal_address(address) is None:
                continue
            for name in names:
                addresses.setdefault(name.lower(), []).append(address)
        self._addresses = addresses
