"""COMPAT(libpurple 2.14): the SIMPLE protocol of Pidgin and Finch, by a driver of our own (drivers/purple.c)."""

import time

from tests.interop.clients.client import AGENT, Ability, Driven
from tests.interop.drivers import compiled
from tests.interop.peer import DOMAIN, State
from tests.interop.program import PATIENCE, Program


class Purple(Driven):
    program = "libpurple"
    package = "libpurple0"
    transports = ("udp", "tcp")
    abilities = frozenset({Ability.REGISTER, Ability.WATCH, Ability.PUBLISH, Ability.MESSAGE, Ability.ANSWER})
    shows = (State.AVAILABLE, State.OFFLINE)
    digest = {"accept_without_qop": True}

    def start(self) -> None:
        setup, way = self.setup, self.setup.way
        self.running = Program(
            [
                str(compiled("purple", setup.built, "purple")),
                *(str(setup.home), f"{setup.user}@{DOMAIN}", way.password or "none"),
                *(way.host, str(way.port), way.transport),
                *(f"sip:{name}@{DOMAIN}" for name in setup.contacts),
            ],
            env={"PURPLE_DEBUG": "1"},
        )
        self.running.wait_for("^ready$")

    @property
    def publishes(self) -> tuple[State, ...]:  # type: ignore[override]
        # It leaves without having answered the challenge to its `closed`, which so is never taken.
        leaves = self.setup.way.password is None
        return (State.AVAILABLE, State.OFFLINE) if leaves else (State.AVAILABLE,)

    def expect(self, pattern: str, subject: str = "", within: float = PATIENCE) -> None:
        # Of two messages that come in one packet over TCP it sees the second when the next packet comes. Any will do.
        if self.setup.way.transport == "udp":
            return super().expect(pattern, subject, within)
        end = time.monotonic() + within
        while True:
            try:
                return super().expect(pattern, subject, 0.5)
            except AssertionError:
                if time.monotonic() > end or self.running.process.poll() is not None:
                    raise
                self.running.type(f"message {AGENT} help")

    def registered(self) -> None:
        self.expect("^signed on$")

    def sees(self, user: str, state: State) -> None:
        shown = "offline" if state is State.OFFLINE else "online"
        self.expect(f"^buddy sip:{user}@{DOMAIN} {shown}", user)

    def publish(self, state: State) -> None:
        self.running.type("offline" if state is State.OFFLINE else "available")

    def send_message(self, to: str, text: str) -> None:
        self.running.type(f"message {to} {text}")
