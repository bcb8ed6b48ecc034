"""MESSAGE (RFC 3428): commands to the service's own address; to everybody else refused, never lost silently."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from agent.server.config import ServerConfig
from agent.server.message import LONGEST, shortened
from agent.sip.messages import Request
from tests.support.phone import Phone
from tests.support.virtual_loop import virtual
from tests.support.world import World, world

AGENT = "sip:lamplighter@example.org"
CONFIG = ServerConfig(domains=frozenset({"example.org"}), agent_address=AGENT)


def message(
    phone: Phone, text: str, *lines: str, uri: str = AGENT, content_type: str = "text/plain"
) -> bytes:
    return phone.compose(
        "MESSAGE", f"Content-Type: {content_type}", *lines, uri=uri, body=text.encode(), to=f"<{uri}>"
    )


def listening(here: World) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []

    async def command(who: str, text: str) -> str:
        heard.append((who, text))
        if text == "fail":
            raise RuntimeError("a secret of the inside")
        return f"you said {text} ☎"

    here.server.messages.commands = command
    return heard


async def answered(phone: Phone) -> Request:
    return await phone._next(Request, lambda request: request.method == "MESSAGE", 5)


@virtual
async def test_a_command_is_answered_over_the_same_flow() -> None:
    async with world(config=CONFIG) as here:
        heard, phone = listening(here), here.phone("alice")
        answer = await phone.ask(message(phone, " lunch 45m \r\n", content_type="text/plain;charset=UTF-8"))
        assert answer.status == 200 and not answer.body and "Contact" not in answer.headers
        assert heard == [("sip:alice@example.org", "lunch 45m")]
        said = await answered(phone)
        assert said.body.decode() == "you said lunch 45m ☎" and said.content_type == "text/plain"
        assert said.uri == "sip:alice@example.org" and said.from_.uri == AGENT
        assert "Contact" not in said.headers and said.to.tag is None
        assert await here.at_rest() == (0, 0, 0)


@virtual
async def test_the_answer_goes_to_the_contact_that_is_registered_from_there() -> None:
    # COMPAT(baresip 1.0): its contact has a random user part.
    async with world(config=CONFIG) as here:
        listening(here)
        phone, other = here.phone("alice"), here.phone("alice")
        for device, user in ((phone, "alice-0x55aa"), (other, "alice-0x66bb")):
            contact = f"Contact: <sip:{user}@{device.address[0]}:5060>"
            register = device.compose(
                "REGISTER", contact, uri="sip:example.org", to="<sip:alice@example.org>"
            )
            assert (await device.ask(register)).status == 200
        await phone.ask(message(phone, "help"))
        assert (await answered(phone)).uri == f"sip:alice-0x55aa@{phone.address[0]}:5060"


@virtual
async def test_what_is_not_for_us_is_refused_in_so_many_words() -> None:
    async with world(config=CONFIG) as here:
        heard, phone = listening(here), here.phone("alice")
        lost = await phone.ask(message(phone, "hi", uri="sip:bob@example.org"))
        assert lost.status == 404
        typed = await phone.ask(message(phone, "<x/>", content_type="application/im-iscomposing+xml"))
        assert typed.status == 415 and typed.headers.get("Accept") == "text/plain"
        large = await phone.ask(message(phone, "x" * 33_000))
        assert large.status == 413
        inside = message(phone, "hi").replace(
            b"To: <sip:lamplighter@example.org>", b"To: <sip:l@example.org>;tag=1"
        )
        assert (await phone.ask(inside)).status == 481
        assert heard == []


@virtual
async def test_other_kinds_of_text_and_other_languages_are_415_and_say_what_is_taken() -> None:
    async with world(config=CONFIG) as here:
        heard, phone = listening(here), here.phone("alice")
        wrapped = await phone.ask(message(phone, "x", content_type="message/cpim"))
        assert wrapped.status == 415 and wrapped.headers.get("Accept") == "text/plain"
        foreign = await phone.ask(message(phone, "x", "Content-Language: eo"))
        assert foreign.status == 415 and foreign.headers.get("Accept-Language") == "en"
        optional = message(phone, "x", "Content-Disposition: render;handling=optional", content_type="x/y")
        assert (await phone.ask(optional)).status == 200
        assert heard == []
        assert (await phone.ask(message(phone, "x", "Content-Language: eo, en-GB"))).status == 200


@virtual
async def test_a_command_that_comes_too_late_is_not_obeyed() -> None:
    async with world(config=CONFIG) as here:
        heard, phone = listening(here), here.phone("alice")
        sent = here.clock.now() - timedelta(minutes=5)
        date = f"Date: {format_datetime(sent, usegmt=True)}"
        assert (await phone.ask(message(phone, "lunch", date, "Expires: 60"))).status == 200
        assert "too late" in (await answered(phone)).body.decode() and heard == []
        assert (await phone.ask(message(phone, "lunch", date, "Expires: 600"))).status == 200
        assert (await phone.ask(message(phone, "lunch", "Date: yesterday", "Expires: 1"))).status == 200
        await answered(phone)
        assert len(heard) == 2


@virtual
async def test_nobody_to_answer_means_404_or_405() -> None:
    async with world(config=CONFIG) as here:
        phone = here.phone("alice")
        assert (await phone.ask(message(phone, "help"))).status == 404
    async with world() as here:
        phone = here.phone("alice")
        assert (await phone.ask(message(phone, "help"))).status == 405


@virtual
async def test_a_failing_command_tells_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    async with world(config=CONFIG) as here:
        listening(here)
        phone = here.phone("alice")
        phone.script = lambda request: 488
        assert (await phone.ask(message(phone, "fail"))).status == 200
        said = (await answered(phone)).body.decode()
        assert "Sorry" in said and "secret" not in said
        assert await here.at_rest() == (0, 0, 0)
    assert "a command of sip:alice@example.org failed" in caplog.text


def test_long_answers_are_cut_at_a_line_and_stay_utf8() -> None:
    assert shortened("ü" * 10).decode() == "ü" * 10
    lines = "\n".join(f"line {number} ü" for number in range(200))
    cut = shortened(lines)
    assert len(cut) <= LONGEST and cut.decode().endswith("ü\n…")
    assert len(shortened("☎" * 1000)) <= LONGEST and shortened("☎" * 1000).decode().startswith("☎☎")
