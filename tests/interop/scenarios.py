"""What is asked of every program, on every way that it can take; one class for each program has it from here."""

from typing import ClassVar

import pytest

from tests.interop.clients.client import AGENT, Ability, Client
from tests.interop.conftest import Meeting
from tests.interop.peer import State


class Scenarios:
    """``driver`` names the program. Tests of what it cannot do are not there."""

    driver: ClassVar[type[Client]]

    def test_registers(self, meeting: Meeting) -> None:
        meeting.client.registered()

    def test_sees_what_is_published(self, meeting: Meeting) -> None:
        for state in State:
            meeting.peer.publish(meeting.friend, state, f"{state} now")
            if state in meeting.client.shows:
                meeting.client.sees(meeting.friend, state)

    def test_shows_a_lamp(self, meeting: Meeting) -> None:
        meeting.client.watch_lamp(meeting.friend)
        meeting.client.sees_lamp(meeting.friend, lit=False)
        meeting.peer.publish(meeting.friend, State.BUSY)
        meeting.client.sees_lamp(meeting.friend, lit=True)
        meeting.peer.publish(meeting.friend, State.OFFLINE)
        meeting.client.sees_lamp(meeting.friend, lit=False)

    def test_writes_to_the_service(self, meeting: Meeting) -> None:
        meeting.client.send_message(AGENT, "help")

    def test_reads_its_answer(self, meeting: Meeting) -> None:
        meeting.client.got_message("presence for")

    def test_publishes(self, meeting: Meeting) -> None:
        """The last one: some leave when they are to be offline."""
        watch = meeting.peer.watch(meeting.client.setup.user)
        for state in meeting.client.publishes:
            meeting.client.publish(state)
            meeting.peer.until(watch, state)


NEEDS = {
    "test_registers": Ability.REGISTER,
    "test_sees_what_is_published": Ability.WATCH,
    "test_shows_a_lamp": Ability.LAMP,
    "test_publishes": Ability.PUBLISH,
    "test_writes_to_the_service": Ability.MESSAGE,
    "test_reads_its_answer": Ability.ANSWER,
}


def scenarios(client: type[Client]) -> type[Scenarios]:
    """The tests for one program: assign it to a name that begins with ``Test``."""
    lacking = {name: None for name, ability in NEEDS.items() if ability not in client.abilities}
    return pytest.mark.interop(type(f"Test{client.__name__}", (Scenarios,), {"driver": client, **lacking}))
