"""COMPAT(linphone 5.1): its console client, typed to. Nothing works before its REGISTER was answered with 200."""

import time

from tests.interop.clients.client import Ability, Client
from tests.interop.peer import DOMAIN, State
from tests.interop.program import PATIENCE, Program

_SHOWN = {State.AVAILABLE: "(Online|Available)", State.BUSY: "Busy", State.OFFLINE: "Offline"}


class Linphone(Client):
    program = "linphonec"
    package = "linphone-cli"
    abilities = frozenset({Ability.REGISTER, Ability.WATCH, Ability.PUBLISH, Ability.MESSAGE, Ability.ANSWER})
    publishes = (State.AVAILABLE,)

    def start(self) -> None:
        setup, way, home = self.setup, self.setup.way, self.setup.home
        # Over TLS it compares the certificate with names only, not with addresses.
        server = way.uri.replace("127.0.0.1", "localhost") if way.transport == "tls" else way.uri
        (home / ".local" / "share" / "linphone").mkdir(parents=True)
        sections = {
            "sip": {
                "sip_port": -1, "sip_tcp_port": -1, "sip_tls_port": -1, "use_ipv6": 0, "guess_hostname": 0,
                "contact": f"<{setup.address}>", "default_proxy": 0, "publish_presence": 1,
                "root_ca": way.authority, "auto_net_state_mon": 0, "register_only_when_network_is_up": 0,
            },
            "proxy_0": {
                "reg_proxy": f"<{server}>", "reg_route": f"<{server};lr>", "reg_identity": setup.address,
                "reg_expires": 300, "reg_sendregister": 1, "publish": 1,
            },
            "video": {"enabled": 0},
        }  # fmt: skip
        if way.password is not None:
            sections["auth_info_0"] = {
                "username": setup.user, "passwd": way.password, "realm": DOMAIN, "domain": DOMAIN,
            }  # fmt: skip
        for number, name in enumerate(setup.contacts):
            sections[f"friend_{number}"] = {"url": f"<sip:{name}@{DOMAIN}>", "pol": "accept", "subscribe": 1}
        text = "".join(
            f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items()) + "\n"
            for name, keys in sections.items()
        )
        (home / "linphonerc").write_text(text)
        self.running = Program(
            ["linphonec", "-c", str(home / "linphonerc"), "-d", "5", "-l", str(home / "log")],
            env={"HOME": str(home), "TERM": "dumb"},
            terminal=True,
        )
        self.running.wait_for("linphonec> ")

    def stop(self) -> None:
        if self.running.process.poll() is None:
            self.running.type("quit")
            self.running.wait_for_end()
        super().stop()

    def registered(self) -> None:
        """It tells of that only when asked."""
        end = time.monotonic() + PATIENCE
        while True:
            mark = self.running.mark()
            self.running.type("status register")
            answer = self.running.wait_for(r"registered(, identity|=)", mark)
            if answer[1] != "=":
                return
            assert time.monotonic() < end, self.running.said
            time.sleep(0.05)

    def sees(self, user: str, state: State) -> None:
        self.expect(f"Friend .*{user}@.* is {_SHOWN[state]}", user)

    def publish(self, state: State) -> None:
        """It does so by itself once it is registered."""

    def send_message(self, to: str, text: str) -> None:
        self.running.type(f'chat {to} "{text}"')

    def got_message(self, text: str) -> None:
        self.expect(f"Message received from .*{text}", "message")
