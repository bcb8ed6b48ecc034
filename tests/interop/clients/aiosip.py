"""COMPAT(aiosip 0.2): the asyncio library, behind its shim (drivers/aiosip_client.py). It can't answer
what came through a proxy: that has two Vias."""

import sys
from importlib.metadata import version

from tests.interop.clients.client import IN_PIDF, Ability, Driven
from tests.interop.peer import DOMAIN, State, body
from tests.interop.program import Program
from tests.support.ports import free_port


class Aiosip(Driven):
    program = "aiosip"
    package = "pypi:aiosip"
    transports = ("udp",)
    abilities = frozenset({Ability.WATCH, Ability.PUBLISH, Ability.MESSAGE})
    knows_digest = False
    goes_through_proxies = False

    @classmethod
    def version(cls) -> str:
        return version("aiosip")

    def start(self) -> None:
        setup, way = self.setup, self.setup.way
        module = "tests.interop.drivers.aiosip_client"
        self.running = Program(
            [
                *(sys.executable, "-W", "ignore", "-m", module, setup.address, str(free_port())),
                *(way.host, str(way.port), way.password or ""),
            ]
        )
        self.running.wait_for("^ready$")
        for name in setup.contacts:
            self.running.type(f"subscribe sip:{name}@{DOMAIN}")
            self.expect("^subscribed 200$", "subscribed")

    def sees(self, user: str, state: State) -> None:
        self.expect(f"^notify .*{IN_PIDF[state]}.*", user)

    def publish(self, state: State) -> None:
        document = self.setup.home / f"{state}.xml"
        document.write_bytes(body(self.setup.address, state))
        self.running.type(f"publish {document if state is not State.OFFLINE else ''}")
        self.expect("^published 200$", "publication")
