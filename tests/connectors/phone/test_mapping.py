"""What phones of several makes send."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.errors import BadData
from connectors.ingress import Received
from connectors.phone.events import Event, Report
from connectors.phone.mapping import Key, read_request, shown_on

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def asked(address: str, body: str = "", kind: str = "") -> Received:
    split = urlsplit(address)
    query = tuple(parse_qsl(split.query, keep_blank_values=True))
    headers = {"content-type": kind} if kind else {}
    return Received("POST" if body else "GET", split.path, query, headers, body.encode(), AT)


@pytest.mark.parametrize(
    "address, report",
    [
        (
            "incoming?mac=805ec0aabbcc&user=2001&local=sip:2001@pbx.test&remote=sip:2002@pbx.test&cid=0_17@10.0.0.7",
            Report(Event.INCOMING, "0_17@10.0.0.7", "2002"),
        ),
        ("established?mac=805ec0aabbcc&cid=0_17@10.0.0.7", Report(Event.ESTABLISHED, "0_17@10.0.0.7")),
        ("idle?mac=805ec0aabbcc", Report(Event.IDLE)),
        ("incoming/mac=000b82aabbcc&local=2001&remote=2002", Report(Event.INCOMING, None, "2002")),
        (
            "incoming?local=2001@pbx.test&remote=%22Bob%20B.%22%20%3Csip:2002@pbx.test%3E&cid=3136-a&n=1",
            Report(Event.INCOMING, "3136-a", "2002", 1),
        ),
        ("terminated?state=CONNECTED&user=2001&ip=10.0.0.9", Report(Event.TERMINATED)),
        ("incoming?mac=$mac&user=&remote=", Report(Event.INCOMING)),
        ("incoming?remote=$$REMOTENUMBER$$", Report(Event.INCOMING)),
        ("Connected", Report(Event.ESTABLISHED)),
        ("off-hook", Report(Event.OFFHOOK)),
        ("DND_ON", Report(Event.DND_ON)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_address_that_was_called(address, report):
    assert read_request(asked(address)) == [report]


@pytest.mark.parametrize(
    "address", ["", "mac=000b82aabbcc&local=2001", "lunchtime", "choose", "choose?text="]
)
def test_an_address_without_an_event_says_what_was_expected(address):
    with pytest.raises(BadData) as raised:
        read_request(asked(address))
    assert "incoming" in raised.value.what or "lunch 45m" in raised.value.what


def test_a_key_says_something():
    assert read_request(asked("choose?text=lunch%2045m")) == Key("lunch 45m")
    assert read_request(asked("choose/dnd")) == Key("dnd")


INCOMING = """<IncomingCallEvent><PhoneIP>10.0.0.8</PhoneIP><MACAddress>0004f2aabbcc</MACAddress>
<CallingPartyName>Bob</CallingPartyName><CallingPartyNumber>2002@10.0.0.1</CallingPartyNumber>
<CalledPartyNumber>2001</CalledPartyNumber><TimeStamp>2026-03-02T09:00:00+00:00</TimeStamp></IncomingCallEvent>"""
CHANGED = """<CallStateChangeEvent CallReference="7f3a" CallState="{state}"><PhoneIP>10.0.0.8</PhoneIP>
<CallLineInfo><LineKeyNum>1</LineKeyNum><CallInfo><CallState>{state}</CallState><CallType>Incoming</CallType>
<CallingPartyDirNum>2002</CallingPartyDirNum><CallReference>7f3a</CallReference></CallInfo></CallLineInfo>
</CallStateChangeEvent>"""
LINE = """<PolycomIPPhone><CallLineInfo><LineKeyNum>1</LineKeyNum><LineState>Active</LineState><CallInfo>
<CallState>Offering</CallState><CallType>Incoming</CallType><CallingPartyNumber>2002@10.0.0.1</CallingPartyNumber>
<CallReference>0</CallReference></CallInfo></CallLineInfo></PolycomIPPhone>"""


@pytest.mark.parametrize(
    "body, reports",
    [
        (INCOMING, [Report(Event.INCOMING, None, "2002")]),
        (f"<PolycomIPPhone>{INCOMING}</PolycomIPPhone>", [Report(Event.INCOMING, None, "2002")]),
        (
            f'<?xml version="1.0" encoding="UTF-8"?>{CHANGED.format(state="Connected")}<OffHookEvent/>',
            [Report(Event.ESTABLISHED, "7f3a", "2002"), Report(Event.OFFHOOK)],
        ),
        (CHANGED.format(state="CallHold"), [Report(Event.HOLD, "7f3a", "2002")]),
        (CHANGED.format(state="Disconnected"), [Report(Event.TERMINATED, "7f3a", "2002")]),
        (LINE, [Report(Event.INCOMING, "0", "2002")]),
        ("<CallLineInfo><LineState>Inactive</LineState></CallLineInfo>", [Report(Event.IDLE)]),
        ("<PhoneLockEvent/>", []),
    ],
)
def test_what_poly_phones_post(body, reports):
    assert read_request(asked("", body, "text/xml")) == reports


@pytest.mark.parametrize(
    "body",
    [
        "<IncomingCallEvent>",
        '<!DOCTYPE a [<!ENTITY b "c">]><IncomingCallEvent>&b;</IncomingCallEvent>',
        CHANGED.format(state="Levitating"),
        "  ",
    ],
)
def test_xml_that_makes_no_sense(body):
    with pytest.raises(BadData):
        read_request(asked("", body, "text/xml"))


def test_answers_show_on_the_displays_that_can():
    assert shown_on("yealink", "Lamplighter", "1 < 2")[1] == (
        b"<YealinkIPPhoneTextScreen><Title>Lamplighter</Title><Text>1 &lt; 2</Text></YealinkIPPhoneTextScreen>"
    )
    assert shown_on("mitel", "Lamplighter", "1 < 2") == ("text/plain; charset=utf-8", b"1 < 2")
