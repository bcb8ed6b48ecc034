"""One connection to the manager, step by step."""

import pytest

from connectors.asterisk.session import Session, Snapshot
from connectors.asterisk.wire import Message
from connectors.errors import AuthFailed, BadData, Forbidden, Unreachable
from tests.connectors.asterisk.ami import device, event, extension, wire

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


class Talk:
    """Gives the session what a manager says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.session = Session("lamplighter", "geheim", self.now, ping_after=5, snapshot_every=60)

    def hear(self, *messages: dict[str, str] | bytes) -> list[Message | Snapshot]:
        data = b"".join(one if isinstance(one, bytes) else wire(one) for one in messages)
        return self.session.receive(data, self.now)

    def asked(self) -> list[dict[str, str]]:
        blocks = self.session.output().decode().split("\r\n\r\n")
        return [dict(line.split(": ", 1) for line in block.split("\r\n")) for block in blocks if block]

    def answer(self, **fields: str) -> None:
        """To the one thing that was asked."""
        (asked,) = self.asked()
        self.hear({"ActionID": asked["ActionID"], **fields})

    def sign_in(self) -> None:
        self.hear(GREETING)
        self.answer(Response="Success", Challenge="123")
        self.answer(Response="Success")

    def list(self, *items: dict[str, str]) -> list[Message | Snapshot]:
        (asked,) = self.asked()
        by = {"ActionID": asked["ActionID"]}
        end = {"Event": f"{asked['Action']}Complete", "EventList": "Complete", **by}
        return self.hear({"Response": "Success", **by}, *({**item, **by} for item in items), end)


def test_the_secret_never_travels() -> None:
    talk = Talk()
    talk.hear(GREETING)
    talk.answer(Response="Success", Challenge="123")
    (login,) = talk.asked()
    assert (login["Action"], login["AuthType"], login["Events"]) == ("Login", "MD5", "call,user")
    assert "geheim" not in str(login)


def test_everything_is_asked_for_once_signed_in() -> None:
    talk = Talk()
    talk.sign_in()
    assert talk.list(extension("1001", 0)) == []
    assert talk.list(device("PJSIP/1001", "NOT_INUSE")) == []
    (snapshot,) = talk.list(event("CoreShowChannel", Channel="PJSIP/1001-1", Uniqueid="1.1"))
    assert isinstance(snapshot, Snapshot)
    assert [len(part) for part in (snapshot.extensions, snapshot.devices, snapshot.channels)] == [1, 1, 1]


def test_events_between_the_items_of_a_list_are_events() -> None:
    talk = Talk()
    talk.sign_in()
    (happened,) = talk.hear(extension("1001", 8))
    assert isinstance(happened, Message)
    assert happened.get("status") == "8"


def test_it_is_asked_again_after_a_while() -> None:
    talk = Talk()
    talk.sign_in()
    for _ in range(3):
        talk.list()
    talk.now += 59
    talk.hear(extension("1001", 0))
    talk.session.tick(talk.now)
    assert talk.asked() == []
    talk.now += 1
    assert talk.session.deadline() <= talk.now
    talk.session.tick(talk.now)
    assert talk.asked()[0]["Action"] == "ExtensionStateList"


def test_a_silent_manager_is_pinged_and_given_up() -> None:
    talk = Talk()
    talk.sign_in()
    for _ in range(3):
        talk.list()
    talk.now = talk.session.deadline()
    talk.session.tick(talk.now)
    (ping,) = talk.asked()
    assert ping["Action"] == "Ping"
    talk.hear({"Response": "Success", "Ping": "Pong", "ActionID": ping["ActionID"]})
    talk.now = talk.session.deadline()
    talk.session.tick(talk.now)
    assert talk.asked()[0]["Action"] == "Ping"
    talk.now = talk.session.deadline()
    with pytest.raises(Unreachable):
        talk.session.tick(talk.now)


def test_a_wrong_secret_is_told_without_it() -> None:
    talk = Talk()
    talk.hear(GREETING)
    talk.answer(Response="Success", Challenge="123")
    with pytest.raises(AuthFailed) as error:
        talk.answer(Response="Error", Message="Authentication failed")
    assert "geheim" not in error.value.words


def test_a_user_with_too_few_rights_is_told_which_it_needs() -> None:
    talk = Talk()
    talk.sign_in()
    with pytest.raises(Forbidden) as error:
        talk.answer(Response="Error", Message="Permission denied")
    assert "write = reporting" in error.value.words


def test_an_access_list_is_told() -> None:
    talk = Talk()
    talk.hear(GREETING)
    with pytest.raises(Forbidden):
        talk.answer(Response="Error", Message="Too many failed logins")


def test_nothing_to_list_is_an_empty_snapshot() -> None:
    talk = Talk()
    talk.sign_in()
    talk.answer(Response="Error", Message="No extensions")
    talk.list()
    (snapshot,) = talk.list()
    assert isinstance(snapshot, Snapshot)
    assert snapshot.extensions == ()


def test_a_web_server_is_no_manager() -> None:
    with pytest.raises(BadData):
        Talk().hear(b"HTTP/1.1 400 Bad Request\r\n\r\n")
