"""PIDF: what goes out comes back, what real clients send is understood, and RFC 3863 is kept to."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from lxml import etree

from agent.documents import pidf
from agent.documents.data_model import Device, Person
from agent.documents.device_id import DeviceID, urn_key
from agent.documents.errors import DocumentError
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid import Activities, Class
from agent.documents.values import Note, read_time, time_xml
from tests.agent.documents.strategies import NOW, documents, quick

NS = 'xmlns="urn:ietf:params:xml:ns:pidf"'


def one(inside, attributes=""):
    return pidf.parse(f'<presence {NS} entity="sip:a@example.org" {attributes}>{inside}</presence>'.encode())


@quick
@given(documents)
def test_what_goes_out_comes_back(document):
    body = pidf.build(document)
    assert pidf.parse(body) == document
    assert pidf.build(pidf.parse(body)) == body


@quick
@given(documents)
def test_children_stand_in_the_order_of_the_schema(document):
    root = etree.fromstring(pidf.build(document))
    rank = {"tuple": 0, "note": 1}
    places = [rank.get(etree.QName(child).localname, 2) if child.prefix is None else 2 for child in root]
    assert places == sorted(places)
    names = ["status", "", "contact", "note", "timestamp"]
    for service in root.iterfind("{*}tuple"):
        pidf_children = [
            names.index(etree.QName(child).localname)
            if etree.QName(child).namespace == root.nsmap[None]
            else 1
            for child in service
        ]
        assert pidf_children == sorted(pidf_children)


def test_the_bytes_that_clients_with_regular_expressions_need():
    document = Presence(
        "sip:a@example.org",
        (Tuple("t1", Status("open"), contact=Contact("sip:a@192.0.2.1", 0.8), timestamp=NOW),),
        persons=(Person("p1", (Activities(("busy", "on-the-phone")),)),),
    )
    assert pidf.build(document).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"'
        ' xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:a@example.org">'
        '<tuple id="t1"><status><basic>open</basic></status>'
        '<contact priority="0.8">sip:a@192.0.2.1</contact><timestamp>2026-03-02T10:00:00Z</timestamp></tuple>'
        '<dm:person id="p1"><rpid:activities><rpid:busy/><rpid:on-the-phone/></rpid:activities></dm:person>'
        "</presence>"
    )


@pytest.mark.parametrize("body", [b"", b"<presence/>", b'<a xmlns="urn:ietf:params:xml:ns:pidf"/>', b"<x"])
def test_what_is_no_pidf(body):
    with pytest.raises(DocumentError):
        pidf.parse(body)


def test_a_document_with_absurdly_many_tuples():
    with pytest.raises(DocumentError, match="more than 1000"):
        one("<tuple/>" * 1001)
    assert len(one("<tuple/>" * 1000).tuples) == 1000


def test_an_entity_that_is_missing_is_empty():
    assert pidf.parse(f"<presence {NS}/>".encode()) == Presence("")


def test_the_namespace_as_the_prose_prints_it():
    body = (
        b'<presence xmlns="urn:ietf:params:xml:ns:pidf:" entity="sip:a@b"><tuple id="x"><status><basic>open'
    )
    document = pidf.parse(body + b"</basic></status><note>hi</note></tuple></presence>")
    assert document.tuples == (Tuple("x", Status("open"), notes=(Note("hi"),)),)
    assert b'xmlns="urn:ietf:params:xml:ns:pidf"' in pidf.build(document)


def test_linphone():
    document = one(
        '<tuple id="4l8m20"><status><basic>open</basic>'
        '<pidfonline:online xmlns:pidfonline="http://www.linphone.org/xsds/pidfonline.xsd"/></status>'
        '<contact priority="0.8">sip:alice@example.org</contact><timestamp>2026-03-02T10:00:00</timestamp></tuple>'
    )
    (service,) = document.tuples
    assert service.status.basic == "open"
    assert service.status.elements[0].kind == "{http://www.linphone.org/xsds/pidfonline.xsd}online"
    assert service.timestamp == NOW


def test_libpurple():
    document = one(
        '<tuple id="bs35r9f"><status><basic>closed</basic></status><note></note><contact>sip:a@b</contact></tuple>'
    )
    assert document.tuples[0].notes == (Note(""),)


def test_asterisk_gives_the_person_no_id_and_no_order():
    document = one(
        '<note>On the phone</note><tuple id="1001"><status>\n <basic>\nopen\n</basic></status>'
        '<contact priority="1">sip:w@b</contact></tuple><dm:person><rpid:activities><rpid:on-the-phone />'
        "</rpid:activities></dm:person>",
        'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"',
    )
    assert document.notes == (Note("On the phone"),)
    assert document.tuples[0].status.basic == "open"
    assert document.tuples[0].contact == Contact("sip:w@b", 1.0)
    assert document.persons == (Person("", (Activities(("on-the-phone",)),)),)


def test_notes_in_the_namespace_of_a_neighbour():
    document = one(
        '<tuple id="t"><status/><dm:note>tuple</dm:note></tuple>'
        '<dm:person id="p"><note>person</note><rpid:note xml:lang="en">rpid</rpid:note></dm:person>'
        "<dm:note>presence</dm:note>",
        'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"',
    )
    assert document.tuples[0].notes == (Note("tuple"),)
    assert document.persons[0].notes == (Note("person"), Note("rpid", "en"))
    assert document.notes == (Note("presence"),)


@pytest.mark.parametrize(
    ("priority", "read"),
    [
        ("0.8", 0.8),
        ("1", 1.0),
        ("0", 0.0),
        ("0.1234", 0.123),
        ("1.5", None),
        ("-1", None),
        ("high", None),
        ("nan", None),
    ],
)
def test_priority(priority, read):
    document = one(f'<tuple id="t"><status/><contact priority="{priority}">sip:a@b</contact></tuple>')
    assert document.tuples[0].contact == Contact("sip:a@b", read)


@pytest.mark.parametrize("word", ["OPEN", "away", "", "open closed"])
def test_a_basic_status_that_is_none_claims_nothing(word):
    assert one(f'<tuple id="t"><status><basic>{word}</basic></status></tuple>').tuples[0].status.basic is None


def test_the_first_readable_basic_counts():
    inside = "<basic>what</basic><basic>closed</basic><basic>open</basic>"
    assert one(f'<tuple id="t"><status>{inside}</status></tuple>').tuples[0].status.basic == "closed"


def test_attributes_we_do_not_know_are_kept():
    document = one('<tuple id="t" x="1" q:y="2" xmlns:q="urn:q"><status/></tuple>', 'z="3"')
    assert document.attributes == (("z", "3"),)
    assert document.tuples[0].attributes == (("x", "1"), ("{urn:q}y", "2"))
    assert pidf.parse(pidf.build(document)) == document


def test_must_understand_is_passed_on():
    document = one(
        '<tuple id="t"><status><e:loc xmlns:e="urn:e"><e:in p:mustUnderstand="true"'
        ' xmlns:p="urn:ietf:params:xml:ns:pidf"/></e:loc></status></tuple>'
    )
    assert 'mustUnderstand="true"' in document.tuples[0].status.elements[0].markup


def test_devices_and_classes():
    document = one(
        '<tuple id="t"><status/><dm:deviceID> urn:x-mac:1 </dm:deviceID><r:class>work</r:class></tuple>'
        '<dm:device id="d"><dm:deviceID>urn:x-mac:1</dm:deviceID></dm:device><dm:device id="e"/>',
        'xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"',
    )
    assert document.tuples[0].elements == (DeviceID("urn:x-mac:1"), Class("work"))
    assert document.devices == (Device("d", "urn:x-mac:1"), Device("e"))


def test_devices_are_the_same_by_urn_equivalence():
    assert urn_key("URN:UUID:ABC") == urn_key("urn:uuid:abc")
    assert urn_key("urn:x-mac:AB") != urn_key("urn:x-mac:ab")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T10:00:00Z", NOW),
        ("2026-03-02t10:00:00z", NOW),
        ("2026-03-02T11:00:00+01:00", NOW),
        (" 2026-03-02T10:00:00 ", NOW),
        ("2026-03-02T10:00:00.250Z", NOW + timedelta(milliseconds=250)),
        ("2026-03-02T10:00:00.123456789Z", NOW + timedelta(microseconds=123456)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("yesterday", None),
        ("2026-13-02T10:00:00Z", None),
        ("99:60", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("", None),
        (None, None),
    ],
)
def test_reading_time(text, moment):
    assert read_time(text) == moment


def test_writing_time():
    vienna = timezone(timedelta(hours=1))
    assert time_xml(NOW.astimezone(vienna)) == "2026-03-02T10:00:00Z"
    assert time_xml(NOW.replace(microsecond=5000)) == "2026-03-02T10:00:00.005000Z"
    with pytest.raises(ValueError, match="time zone"):
        time_xml(NOW.replace(tzinfo=None))
