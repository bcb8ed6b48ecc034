"""COMPAT(Sofia-SIP 1.12): the stack that FreeSWITCH is built on, by a driver of our own (drivers/sofia.c)."""

import shutil

from tests.interop.clients.client import IN_PIDF, Ability, Driven
from tests.interop.drivers import compiled
from tests.interop.peer import DOMAIN, State, body
from tests.interop.program import Program


class Sofia(Driven):
    program = "Sofia-SIP"
    package = "libsofia-sip-ua0"
    abilities = frozenset(Ability)

    def start(self) -> None:
        setup, way, home = self.setup, self.setup.way, self.setup.home
        trusted = home / ".sip" / "auth"
        trusted.mkdir(parents=True)
        shutil.copy(way.authority, trusted / "cafile.pem")
        scheme = "sips" if way.transport == "tls" else "sip"
        listen = f"{scheme}:127.0.0.1:*;transport={way.transport}"
        driver = str(compiled("sofia", setup.built, "sofia-sip-ua"))
        command = (driver, setup.address, way.uri, listen, setup.user, way.password or "")
        self.running = Program(command, env={"HOME": str(home)})
        self.running.wait_for("^ready$")
        self.running.type("register")
        for name in setup.contacts:
            self.running.type(f"subscribe presence sip:{name}@{DOMAIN}")

    def sees(self, user: str, state: State) -> None:
        self.expect(f"^notify presence {user}@.*{IN_PIDF[state]}.*", user)

    def watch_lamp(self, user: str) -> None:
        self.running.type(f"subscribe dialog sip:{user}@{DOMAIN}")

    def sees_lamp(self, user: str, lit: bool) -> None:
        shown = (
            "<state>confirmed</state>"
            if lit
            else r"(<state>terminated</state>|version=[^<]*(/>|></dialog-info>))"
        )
        self.expect(f"^notify dialog {user}@.*{shown}", f"lamp of {user}")

    def publish(self, state: State) -> None:
        if state is State.OFFLINE:
            self.running.type("unpublish")
            return
        document = self.setup.home / f"{state}.xml"
        document.write_bytes(body(self.setup.address, state))
        self.running.type(f"publish {document}")
        self.expect("^published$", "publication")
