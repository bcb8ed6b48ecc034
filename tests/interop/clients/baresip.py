"""COMPAT(baresip 1.0): driven by JSON over its control port; it prints what it sees of its contacts."""

import json
import re
import socket
import time

from tests.interop.clients.client import AGENT, Ability, Client
from tests.interop.peer import DOMAIN, State
from tests.interop.program import PATIENCE, Program
from tests.support.ports import free_port

MODULES = "/usr/lib/baresip/modules"
_SHOWN = {State.AVAILABLE: "Online", State.BUSY: "Busy", State.OFFLINE: "Offline"}


class Baresip(Client):
    program = "baresip"
    package = "baresip-core"
    abilities = frozenset({Ability.REGISTER, Ability.WATCH, Ability.PUBLISH, Ability.MESSAGE, Ability.ANSWER})
    publishes = (State.AVAILABLE, State.OFFLINE)

    def start(self) -> None:
        setup, way, home = self.setup, self.setup.way, self.setup.home
        self._control = free_port()
        loaded = ("account", "contact", "menu", "presence", "ctrl_tcp")
        modules = "".join(f"module_app {name}.so\n" for name in loaded)
        (home / "config").write_text(
            f"module_path {MODULES}\nsip_listen 127.0.0.1:{free_port(2)}\nmodule_tmp uuid.so\n"
            f"net_interface 127.0.0.1\ncall_max_calls 1\nsip_cafile {way.authority}\n"
            f"ctrl_tcp_listen 127.0.0.1:{self._control}\n{modules}"
        )
        password = f";auth_user={setup.user};auth_pass={way.password}" if way.password is not None else ""
        (home / "accounts").write_text(
            f'<{setup.address};transport={way.transport}>;regint=120;pubint=600;outbound="{way.uri}"{password}\n'
        )
        watched = "".join(f"<sip:{name}@{DOMAIN}>;presence=p2p\n" for name in setup.contacts)
        (home / "contacts").write_text(f"<{AGENT}>\n{watched}")
        self.running = Program(["baresip", "-s", "-v", "-f", str(home)])
        self.running.wait_for("baresip is ready")

    def registered(self) -> None:
        self.expect(r"200 OK .*\[\d+ binding")

    def sees(self, user: str, state: State) -> None:
        # It prints changes, but not the first state that it learns of. Its list of contacts has it.
        wanted = re.compile(rf"{_SHOWN[state]}.*sip:{user}@{DOMAIN}")
        end = time.monotonic() + PATIENCE
        while not wanted.search(listed := self._command("contacts")):
            assert time.monotonic() < end, f"{listed}\n{self.running.said}"
            time.sleep(0.05)

    def publish(self, state: State) -> None:
        self._command("presence_offline" if state is State.OFFLINE else "presence_online")

    def send_message(self, to: str, text: str) -> None:
        assert to == AGENT, "it writes to the contact that is chosen, at first that at the top of its list"
        self._command("message", text)

    def got_message(self, text: str) -> None:
        self.expect(text, "message")

    def _command(self, name: str, parameters: str = "") -> str:
        """One command, and its answer."""
        order = json.dumps({"command": name, "params": parameters}).encode()
        with socket.create_connection(("127.0.0.1", self._control), timeout=10) as control:
            control.sendall(b"%d:%b," % (len(order), order))
            control.settimeout(10)
            said = b""
            while not said.endswith(b"},"):
                said += control.recv(4096)
        return said.decode()
