"""A wire log of the server (agent/net/transcript.py) -> a script that `tests.support.script` can replay.

What the server made up (tags, entity-tags, nonces) becomes captures, so that the script holds against another server.
"""

from collections.abc import Iterable

from agent.net.transcript import Entry
from agent.sip.errors import StreamError
from agent.sip.flows import Flow
from agent.sip.framing import Framer
from agent.sip.messages import Message, Request, Response
from agent.sip.parsing import parse_datagram
from agent.sip.values import parse_name_addr

_MADE_UP_BY_THE_RUNNER = frozenset(("Via", "Max-Forwards", "Content-Length"))
_WORTH_EXPECTING = (
    "Expires",
    "Min-Expires",
    "SIP-ETag",
    "Event",
    "Subscription-State",
    "Content-Type",
    "Allow-Events",
)
_PAUSE = 0.05
"Seconds of silence that become an ``after`` line."


class _Recorder:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.actors: dict[tuple[str, str, int], str] = {}
        self.captures: dict[str, str] = {}
        "What the server made up -> its name in the script."
        self.framers: dict[tuple[int, bool], Framer] = {}
        self.last_sent: dict[str, bytes] = {}
        self.last_at: float | None = None

    def take(self, entry: Entry) -> None:
        for message in self._messages(entry):
            if self.last_at is not None and entry.at - self.last_at > _PAUSE:
                self.lines.append(f"after {entry.at - self.last_at:.1f}s")
            self.last_at = entry.at
            actor = self._actor(entry.flow, message, entry.received)
            if entry.received:
                self._sent_by_actor(actor, message)
            else:
                self._received_by_actor(actor, message)

    def _messages(self, entry: Entry) -> list[Message]:
        if not entry.flow.transport.framed_by_us:
            return [parse_datagram(entry.data)] if entry.data.strip() else []
        framer = self.framers.setdefault((entry.flow.connection, entry.received), Framer())
        try:
            items = framer.feed(entry.data)
        except StreamError as error:
            items = list(error.complete)  # type: ignore[arg-type]
        return [item for item in items if isinstance(item, Request | Response)]

    def _actor(self, flow: Flow, message: Message, received: bool) -> str:
        key = (flow.transport.value, *flow.remote)
        if key not in self.actors:
            own = message.from_ if isinstance(message, Request) == received else message.to
            user = own.uri.partition(":")[2].partition("@")[0]
            name = "".join(char for char in user if char.isalnum()).capitalize() or "Phone"
            taken = set(self.actors.values())
            self.actors[key] = next(
                n for n in (name, *(f"{name}{i}" for i in range(2, 10_000))) if n not in taken
            )
        return self.actors[key]

    def _sent_by_actor(self, actor: str, message: Message) -> None:
        data = message.encode()
        if isinstance(message, Response):
            self.lines.append(f"{actor} answers: {message.status}")
            return
        if self.last_sent.get(actor) == data:
            self.lines.append(f"{actor} sends again")
            return
        self.last_sent[actor] = data
        self.lines.append(f"{actor} sends: {message.method} {self._with_captures(message.uri)}")
        for name, value in message.headers:
            if name not in _MADE_UP_BY_THE_RUNNER:
                self.lines.append(f"    {name}: {self._with_captures(value)}")
        if "Contact" not in message.headers:
            self.lines.append("    Contact: -")
        self._body(message)

    def _received_by_actor(self, actor: str, message: Message) -> None:
        if isinstance(message, Response):
            self.lines.append(f"{actor} receives: {message.status}")
            self._capture_tag("To", message.headers.get("To") or "")
            self._capture_values(message)
        else:
            self.lines.append(f"{actor} receives: {message.method}")
            self._capture_tag("From", message.headers.get("From") or "")
        for name in _WORTH_EXPECTING:
            for value in message.headers.get_all(name):
                pattern = self._with_captures(value)
                if name == "Subscription-State" and "expires=" in pattern:
                    pattern = pattern.partition("expires=")[0] + "expires={any}"
                self.lines.append(f"    {name}: {pattern}")
        self._body(message)

    def _capture_tag(self, header: str, value: str) -> None:
        tag = parse_name_addr(value).tag
        if tag:
            before, _, after = value.rpartition(tag)
            self._name(tag, "tag")
            self.lines.append(f"    {header}: {self._with_captures(before)}{{{self.captures[tag]}}}{after}")

    def _capture_values(self, message: Message) -> None:
        etag = message.headers.get("SIP-ETag")
        if etag:
            self._name(etag, "etag")
        challenge = message.headers.get("WWW-Authenticate") or message.headers.get("Proxy-Authenticate") or ""
        nonce = challenge.partition('nonce="')[2].partition('"')[0]
        if nonce:
            self._name(nonce, "nonce")

    def _name(self, value: str, kind: str) -> None:
        if value not in self.captures:
            number = 1 + sum(name.startswith(kind) for name in self.captures.values())
            self.captures[value] = f"{kind}{number}"

    def _with_captures(self, text: str) -> str:
        for value, name in sorted(self.captures.items(), key=lambda item: -len(item[0])):
            text = text.replace(value, "{" + name + "}")
        return text

    def _body(self, message: Message) -> None:
        for line in message.body.decode("utf-8", "replace").splitlines():
            if line.strip():
                self.lines.append(f"    | {self._with_captures(line.strip())}")


def to_script(entries: Iterable[Entry]) -> str:
    """The script's text. Entries in the order in which they happened."""
    recorder = _Recorder()
    for entry in entries:
        recorder.take(entry)
    heads = [
        f"[Phone] {name}  transport: {transport}  address: {host}:{port}"
        for (transport, host, port), name in recorder.actors.items()
    ]
    return "\n".join([*heads, "", *recorder.lines, ""])
