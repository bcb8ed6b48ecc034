"""COMPAT(pjsua 2.15): PJSIP's user agent, by its Python binding (drivers/pjsua.py)."""

import sys
from importlib.metadata import version

from tests.interop.clients.client import Ability, Driven
from tests.interop.peer import DOMAIN, State
from tests.interop.program import Program

_SHOWN = {State.AVAILABLE: "online -", State.BUSY: "online busy", State.OFFLINE: "offline"}


class Pjsua(Driven):
    program = "pjsua"
    package = "pypi:pjsua2-python"
    abilities = frozenset({Ability.REGISTER, Ability.WATCH, Ability.PUBLISH, Ability.MESSAGE, Ability.ANSWER})

    @classmethod
    def version(cls) -> str:
        return version("pjsua2-python").partition(".post")[0]

    def start(self) -> None:
        setup, way = self.setup, self.setup.way
        watched = [f"sip:{name}@{DOMAIN}" for name in setup.contacts]
        self.running = Program(
            [
                *(sys.executable, "-m", "tests.interop.drivers.pjsua", setup.address, setup.user),
                *(way.password or "", way.uri, way.transport, str(way.authority), *watched),
            ]
        )
        self.running.wait_for("^ready$")

    def sees(self, user: str, state: State) -> None:
        self.expect(f"^buddy sip:{user}@{DOMAIN} {_SHOWN[state]}", user)

    def publish(self, state: State) -> None:
        self.running.type(f"publish {state}")
