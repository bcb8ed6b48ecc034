"""COMPAT(sipsak 0.9): run once for each request, which it takes from a file."""

from itertools import count

from tests.interop.clients.client import Ability, Client
from tests.interop.peer import DOMAIN, State, body
from tests.interop.programs import run
from tests.support.ports import free_port

SERIALS = count(1)


class Sipsak(Client):
    program = "sipsak"
    package = "sipsak"
    abilities = frozenset({Ability.REGISTER, Ability.PUBLISH, Ability.MESSAGE})

    def start(self) -> None:
        self._tag = ""
        # It takes a TLS 1.3 session ticket for the answer, and cuts the last digit from the host that it compares with
        # the certificate.
        self._gnutls = self.setup.home / "gnutls"
        self._gnutls.write_text("[overrides]\ndisabled-version = tls1.3\n")

    def stop(self) -> None:
        """It does not run on."""

    def registered(self) -> None:
        contact = f"<{self.setup.address.replace(DOMAIN, '127.0.0.1:5099')}>"
        self._send("REGISTER", f"sip:{DOMAIN}", f"Contact: {contact}", "Expires: 120")

    def publish(self, state: State) -> None:
        document = b"" if state is State.OFFLINE else body(self.setup.address, state)
        lines = ["Event: presence", f"Expires: {600 if document else 0}"]
        if document:
            lines.append("Content-Type: application/pidf+xml")
        if self._tag:
            lines.append(f"SIP-If-Match: {self._tag}")
        said = self._send("PUBLISH", self.setup.address, *lines, text=document.decode())
        self._tag = said.rpartition("SIP-ETag: ")[2].splitlines()[0]

    def send_message(self, to: str, text: str) -> None:
        self._send("MESSAGE", to, "Content-Type: text/plain", text=text)

    def _send(self, method: str, uri: str, *lines: str, text: str = "") -> str:
        """Everything that it has printed. An AssertionError if the answer was no 2xx."""
        serial, way = next(SERIALS), self.setup.way
        to = self.setup.address if method == "REGISTER" else uri
        head = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{way.transport.upper()} 127.0.0.1:9;branch=z9hG4bK-sipsak-{serial};rport",
            f"From: <{self.setup.address}>;tag=s{serial}",
            f"To: <{to}>",
            f"Call-ID: sipsak-{self.setup.user}-{serial}",
            f"CSeq: 1 {method}",
            "User-Agent: sipsak 0.9.8.1",
            *lines,
            f"Content-Length: {len(text)}",
        )
        (self.setup.home / "request").write_text("\r\n".join((*head, "", text)), newline="")
        options = ["-vvv", "-f", "request", "-l", str(free_port()), "-E", way.transport]
        if way.password is not None:
            options += ["-u", self.setup.user, "-a", way.password]
        if way.transport == "tls":
            options += ["--tls-ca-cert", str(way.authority), "--tls-ignore-cert-failure"]
        code, said = run(
            *("sipsak", "-s", f"sip:{self.setup.user}@{way.host}:{way.port}", *options),
            cwd=self.setup.home,
            env={"GNUTLS_SYSTEM_PRIORITY_FILE": str(self._gnutls)},
        )
        assert code == 0, said
        return said
