"""Conversations as text: several actors and one server over the simulated network, in virtual time.

    [Phone] Alice  transport: tcp
    Alice sends: SUBSCRIBE sip:bob@example.org      what is not given is made up: Via, From, To, Call-ID, CSeq …
        Event: presence                             a header; "Name: -" leaves a made-up one out
        | text                                      a line of the body
    Alice sends again                               the same bytes once more
    Alice receives: 200                             her next message, within a second
        To: {any};tag={tag}                         a pattern (see patterns.py); "Name: -" says that it must be absent
        | text                                      the body holds this line
    Alice receives within 5s: NOTIFY
    Alice answers: 200                              the last request that she received
    Alice receives nothing for 10s
    nobody receives for 10s
    after 32s
    Alice's next datagram is lost
    Alice misses the next datagram
    Alice disconnects

Whatever an actor receives must be in the script; what is left over at the end fails it.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from agent.sip.flows import Flow, Transport, format_address
from agent.sip.framing import Framer, KeepAlive
from agent.sip.messages import Message, Request, Response, response_to
from agent.sip.parsing import parse_datagram
from tests.support.network import Network, Node, Party, Sent
from tests.support.patterns import Captures, Mismatch, fill, match

SERVER_ADDRESS = ("192.0.2.1", 5060)
_DECLARATION = re.compile(r"\[\w+\]\s+(\w+)(.*)")
_OPTION = re.compile(r"(\w+):\s*(\S+)")
_MESSAGE = re.compile(r"(\w+) (sends|answers|receives(?: within ([\d.]+)s)?):\s*(.*)")
_PLAIN = {
    re.compile(r"(\w+) sends again"): "repeat",
    re.compile(r"(\w+) receives nothing for ([\d.]+)s"): "quiet",
    re.compile(r"(nobody) receives for ([\d.]+)s"): "quiet",
    re.compile(r"()after ([\d.]+)s"): "wait",
    re.compile(r"(\w+)'s next datagram is lost"): "lose",
    re.compile(r"(\w+) misses the next datagram"): "miss",
    re.compile(r"(\w+) disconnects"): "disconnect",
}


@dataclass
class Step:
    line: int
    actor: str
    verb: str
    start: str = ""
    seconds: float = 1.0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)


@dataclass
class Script:
    name: str
    actors: dict[str, dict[str, str]]
    steps: list[Step]


class ScriptError(AssertionError):
    """File, line, and what is wrong there."""


def read_script(text: str, name: str = "script") -> Script:
    script = Script(name, {}, [])
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            _read_detail(script, line.strip(), number)
        elif declared := _DECLARATION.fullmatch(line):
            script.actors[declared[1]] = dict(_OPTION.findall(declared[2]))
        elif spoken := _MESSAGE.fullmatch(line):
            verb = spoken[2].split()[0]
            script.steps.append(Step(number, spoken[1], verb, spoken[4], float(spoken[3] or 1.0)))
        else:
            for pattern, verb in _PLAIN.items():
                if found := pattern.fullmatch(line):
                    seconds = float(found[2]) if pattern.groups > 1 else 0.0
                    script.steps.append(Step(number, found[1], verb, seconds=seconds))
                    break
            else:
                raise ScriptError(f"{name}:{number}: not understood: {line}")
    return script


def _read_detail(script: Script, line: str, number: int) -> None:
    if not script.steps:
        raise ScriptError(f"{script.name}:{number}: belongs to nothing: {line}")
    step = script.steps[-1]
    header, colon, value = line.partition(":")
    if line.startswith("|"):
        step.body.append(line[1:].strip())
    elif colon:
        step.headers.append((header.strip(), value.strip()))
    else:
        raise ScriptError(f"{script.name}:{number}: neither a header nor a body line: {line}")


class Actor:
    """One of the script's phones. It does nothing by itself."""

    def __init__(self, name: str, address: tuple[str, int], transport: Transport) -> None:
        self.name = name
        self.address = address
        self.transport = transport
        self.outbox: list[tuple[Flow, bytes]] = []
        self.inbox: list[Message] = []
        self.flow: Flow
        self.last_sent = b""
        self.last_request: tuple[Request, Flow] | None = None
        self.cseq = 0
        self.branches = 0
        self._framers: dict[int, Framer] = {}

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        if not flow.transport.framed_by_us:
            self.inbox.append(parse_datagram(data))
            return
        for item in self._framers.setdefault(flow.connection, Framer()).feed(data):
            if not isinstance(item, KeepAlive):
                assert not isinstance(item, Exception), f"{self.name} got something broken: {item}"
                self.inbox.append(item)

    def next_deadline(self) -> float | None:
        return None

    def handle_timeout(self, now: float) -> None:
        pass

    def build(self, start: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        """A request with all that the script did not care to say."""
        method, _, uri = start.partition(" ")
        self.cseq += 1
        self.branches += 1
        user = self.name.lower()
        here = format_address(self.address)
        request = Request(method, uri.strip(), body=body)
        for name, value in (
            ("Via", f"SIP/2.0/{self.transport.via_token} {here};branch=z9hG4bK-{user}-{self.branches};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{user}@example.org>;tag={user}"),
            ("To", f"<{uri.strip()}>"),
            ("Call-ID", f"{user}-1"),
            ("CSeq", f"{self.cseq} {method}"),
            ("Contact", f"<sip:{user}@{here}>"),
        ):
            request.headers.add(name, value)
        given = {name for name, _ in headers}
        for name in given:
            request.headers.remove(name)
        for name, value in headers:
            if value != "-":
                request.headers.add(name, value)
        if request.headers.get("CSeq"):
            self.cseq = request.cseq.number
        return request.encode()


class Runner:
    def __init__(self, script: Script, server: Party, network: Network | None = None) -> None:
        self.script = script
        self.network = network or Network()
        self.captures: Captures = {}
        self.server = self.network.add("server", server, *SERVER_ADDRESS)
        self.actors: dict[str, Actor] = {}
        self.nodes: dict[str, Node] = {}
        self._losing: list[tuple[str, str]] = []
        self.network.drop = self._is_lost
        for index, (name, options) in enumerate(script.actors.items()):
            host, _, port = options.get("address", f"192.0.2.{50 + index}:5060").rpartition(":")
            actor = Actor(name, (host, int(port)), Transport(options.get("transport", "udp")))
            self.actors[name] = actor
            self.nodes[name] = self.network.add(name, actor, *actor.address)
            actor.flow = self.network.flow(self.nodes[name], self.server, actor.transport)

    def run(self) -> None:
        """Raises ScriptError at the first step that does not hold."""
        for step in self.script.steps:
            try:
                getattr(self, f"_{step.verb}")(step)
            except (Mismatch, KeyError, ValueError) as error:
                raise ScriptError(f"{self.script.name}:{step.line}: {error}") from error
        self.network.drive_for(20 * self.network.latency)
        for actor in self.actors.values():
            if actor.inbox:
                raise ScriptError(f"{self.script.name}: {actor.name} also received:\n{_text(actor.inbox[0])}")

    # -- one method for each verb --------------------------------------------------------------------------------

    def _sends(self, step: Step) -> None:
        actor = self.actors[step.actor]
        headers = [(name, fill(value, self.captures)) for name, value in step.headers]
        body = "\r\n".join(fill(line, self.captures) for line in step.body).encode()
        actor.last_sent = actor.build(fill(step.start, self.captures), headers, body)
        actor.outbox.append((actor.flow, actor.last_sent))
        self.network.collect()

    def _repeat(self, step: Step) -> None:
        actor = self.actors[step.actor]
        actor.outbox.append((actor.flow, actor.last_sent))
        self.network.collect()

    def _answers(self, step: Step) -> None:
        actor = self.actors[step.actor]
        if actor.last_request is None:
            raise Mismatch(f"{actor.name} has received no request")
        request, flow = actor.last_request
        headers = [(name, fill(value, self.captures)) for name, value in step.headers]
        response = response_to(
            request.headers, int(step.start.split()[0]), to_tag=actor.name.lower(), headers=headers
        )
        actor.outbox.append((flow, response.encode()))
        self.network.collect()

    def _receives(self, step: Step) -> None:
        actor = self.actors[step.actor]
        end = self.network.now + step.seconds
        while not actor.inbox:
            at = self.network.next_event()
            if at is None or at > end:
                raise Mismatch(
                    f"{actor.name} received nothing within {step.seconds:g}s; expected {step.start}"
                )
            self.network.step()
        message = actor.inbox.pop(0)
        if isinstance(message, Request):
            actor.last_request = (message, actor.flow)
        try:
            _expect(message, step, self.captures)
        except Mismatch as error:
            raise Mismatch(f"{error}\n{_text(message)}") from None

    def _quiet(self, step: Step) -> None:
        listening = [self.actors[step.actor]] if step.actor != "nobody" else list(self.actors.values())
        self.network.drive_for(step.seconds)
        for actor in listening:
            if actor.inbox:
                raise Mismatch(f"{actor.name} received:\n{_text(actor.inbox[0])}")

    def _wait(self, step: Step) -> None:
        self.network.drive_for(step.seconds)

    def _lose(self, step: Step) -> None:
        self._losing.append((step.actor, "sender"))

    def _miss(self, step: Step) -> None:
        self._losing.append((step.actor, "receiver"))

    def _disconnect(self, step: Step) -> None:
        actor = self.actors[step.actor]
        self.network.cut(actor.flow)
        actor.flow = self.network.flow(self.nodes[step.actor], self.server, actor.transport)

    def _is_lost(self, sent: Sent) -> bool:
        for wanted in self._losing:
            if wanted == (sent.sender, "sender") or wanted == (sent.receiver, "receiver"):
                self._losing.remove(wanted)
                return True
        return False


def _expect(message: Message, step: Step, captures: Captures) -> None:
    start = (
        f"{message.status} {message.reason}"
        if isinstance(message, Response)
        else f"{message.method} {message.uri}"
    )
    match(step.start if " " in step.start else step.start + " {any}", start, captures)
    for name, pattern in step.headers:
        values = message.headers.get_all(name)
        if pattern == "-":
            if values:
                raise Mismatch(f"{name} should be absent, but is {values[0]!r}")
        elif not values:
            raise Mismatch(f"{name} is missing")
        else:
            match(pattern, ", ".join(values), captures)
    lines = [line.strip() for line in message.body.decode("utf-8", "replace").splitlines()]
    for pattern in step.body:
        if not any(_matches(pattern, line, captures) for line in lines):
            raise Mismatch(f"no line {pattern!r} in the body")


def _matches(pattern: str, line: str, captures: Captures) -> bool:
    try:
        match(pattern, line, captures)
    except Mismatch:
        return False
    return True


def _text(message: Message) -> str:
    return message.encode().decode("utf-8", "replace")


def run_script(path: Path, server: Party, network: Network | None = None) -> None:
    """Run one file against a server that listens on SERVER_ADDRESS. Raises ScriptError."""
    Runner(read_script(path.read_text(encoding="utf-8"), path.name), server, network).run()
