"""COMPAT(twinkle 1.10): its console version, typed to. Only the one with windows watches others."""

from tests.interop.clients.client import Ability, Client
from tests.interop.peer import DOMAIN, State
from tests.interop.program import Program
from tests.support.ports import free_port


class Twinkle(Client):
    program = "twinkle-console"
    package = "twinkle-console"
    transports = ("udp", "tcp")
    abilities = frozenset({Ability.REGISTER, Ability.PUBLISH, Ability.MESSAGE, Ability.ANSWER})
    publishes = (State.AVAILABLE, State.OFFLINE)

    def start(self) -> None:
        setup, way = self.setup, self.setup.way
        folder = setup.home / ".twinkle"
        folder.mkdir()
        profile = {
            "user_name": setup.user, "user_domain": DOMAIN, "auth_name": setup.user,
            "auth_pass": way.password or "", "outbound_proxy": f"{way.host}:{way.port}",
            "registrar": f"{way.host}:{way.port}", "register_at_startup": "yes", "registration_time": 300,
            "sip_transport": way.transport, "pres_publish_startup": "no", "im_send_iscomposing": "no",
        }  # fmt: skip
        system = {
            "dev_ringtone": "oss:", "dev_speaker": "oss:", "dev_mic": "oss:", "sip_port": free_port(),
            "rtp_port": free_port(), "start_user_profile": setup.user,
        }  # fmt: skip
        for name, keys in ((f"{setup.user}.cfg", profile), ("twinkle.sys", system)):
            (folder / name).write_text("".join(f"{key}={value}\n" for key, value in keys.items()))
        self.running = Program(
            ["twinkle-console", f"{setup.user}.cfg"],
            env={"HOME": str(setup.home), "TERM": "dumb"},
            terminal=True,
        )
        self.running.wait_for("Twinkle> ")

    def stop(self) -> None:
        if self.running.process.poll() is None:
            self.running.type("quit")
            self.running.wait_for_end()
        super().stop()

    def registered(self) -> None:
        self.expect("registration succeeded")

    def publish(self, state: State) -> None:
        self.running.type(f"presence -b {'offline' if state is State.OFFLINE else 'online'}")

    def send_message(self, to: str, text: str) -> None:
        self.running.type(f'message {to} "{text}"')

    def got_message(self, text: str) -> None:
        self.expect(text, "message")
