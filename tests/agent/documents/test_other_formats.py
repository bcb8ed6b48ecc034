"""Timed status, CIPID, capabilities, locations and our own namespace."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.documents import caps, cipid, geopriv, lamplighter, pidf
from agent.documents.elements import read_element
from agent.documents.foreign import Foreign
from agent.documents.namespaces import BASIC_POLICY, CAPS, CIPID, GEOPRIV, LAMPLIGHTER, RPID, TIMED_STATUS
from agent.documents.rpid import Activities
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Note
from agent.documents.xml import parse_xml
from tests.agent.documents.strategies import NOW

HOUR = timedelta(hours=1)


def read(namespace, markup):
    return read_element(parse_xml(markup.replace(" ", f' xmlns="{namespace}" ', 1).encode()))


def test_timed_status():
    element = read(
        TIMED_STATUS,
        '<timed-status from="2026-03-02T11:00:00+00:00" until="2026-03-02T12:00:00Z"><basic>closed</basic>'
        f'<note>meeting</note><r:activities xmlns:r="{RPID}"><r:meeting/></r:activities></timed-status>',
    )
    expected = TimedStatus(
        NOW + HOUR, NOW + 2 * HOUR, "closed", (Note("meeting"),), (Activities(("meeting",)),)
    )
    assert element == expected


def test_timed_status_without_beginning_is_kept_but_not_understood():
    assert isinstance(read(TIMED_STATUS, '<timed-status until="2026-03-02T12:00:00Z"/>'), Foreign)


def test_regular_expressions_for_activities_find_none_in_what_is_coming():
    element = TimedStatus(NOW, None, "closed", (), (Activities(("busy",), notes=(Note("x"),)), Activities()))
    markup = element.xml()
    assert "<rpid:" not in markup
    document = pidf.Presence("sip:a@b", (pidf.Tuple("t", pidf.Status("open"), (element,)),))
    assert pidf.parse(pidf.build(document)) == document


def test_cipid():
    element = read(CIPID, '<display-name xml:lang="de"> Alice </display-name>')
    assert element == cipid.ContactInfo("display-name", "Alice", "de")
    assert isinstance(read(CIPID, "<card />"), Foreign)


CAPABILITIES = f"""<c:servcaps xmlns:c="{CAPS}"><c:audio>true</c:audio>
<c:description xml:lang="en">desk phone</c:description>
<c:duplex><c:supported><c:full/></c:supported><c:notsupported><c:half/></c:notsupported></c:duplex>
<c:methods><c:supported><c:INVITE/><c:MESSAGE/></c:supported></c:methods>
<c:priority><c:supported><c:lowerthan maxvalue="10"/></c:supported></c:priority>
<c:schemes><c:supported><c:s>sip</c:s></c:supported></c:schemes>
<c:type>text/plain</c:type><c:video>0</c:video><c:isfocus>perhaps</c:isfocus><x:y xmlns:x="urn:x"/></c:servcaps>"""


def test_capabilities():
    element = read_element(parse_xml(CAPABILITIES.encode()))
    assert isinstance(element, caps.ServCaps)
    assert element.flags == (("audio", True), ("video", False)), "what is not said is not stated"
    assert element.descriptions == (Note("desk phone", "en"),)
    assert element.types == ("text/plain",)
    assert [each.name for each in element.features] == ["duplex", "methods", "priority", "schemes"]
    duplex, methods, priority, schemes = element.features
    assert duplex.notsupported == (caps.Capability("half"),)
    assert methods.notsupported is None
    assert priority.supported == (caps.Capability("lowerthan", "", (("maxvalue", "10"),)),)
    assert schemes.supported == (caps.Capability("s", "sip"),)
    assert [each.name for each in element.foreign] == ["isfocus", "y"]


def test_capabilities_are_written_in_the_order_of_the_schema():
    element = read_element(parse_xml(CAPABILITIES.encode()))
    written = parse_xml(f'<r xmlns:caps="{CAPS}">{element.xml()}</r>'.encode())[0]
    assert read_element(written) == element
    names = [child.tag.rpartition("}")[2] for child in written]
    assert names[:8] == "audio description duplex methods priority schemes type video".split()  # noqa: SIM905


def test_device_capabilities():
    markup = f'<d:devcaps xmlns:d="{CAPS}"><d:mobility><d:supported><d:mobile/></d:supported></d:mobility></d:devcaps>'
    element = read_element(parse_xml(markup.encode()))
    assert element == caps.DevCaps(features=(caps.Feature("mobility", (caps.Capability("mobile"),)),))


def location(rules="", around=""):
    return read_element(
        parse_xml(
            f'<g:geopriv xmlns:g="{GEOPRIV}" xmlns:b="{BASIC_POLICY}" xmlns:gml="http://www.opengis.net/gml">'
            '<g:location-info><gml:Point srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>48.2  16.37</gml:pos>'
            f"</gml:Point></g:location-info><g:usage-rules>{rules}</g:usage-rules>{around}</g:geopriv>".encode()
        )
    )


def test_a_location_passes_through_as_it_is():
    element = location(around="<g:method>GPS</g:method>")
    assert "<gml:pos>48.2  16.37</gml:pos>" in element.location.markup
    assert [each.name for each in element.others] == ["method"]


def test_retransmission_is_denied_unless_allowed_and_always_written():
    assert not location().retransmission_allowed
    assert "<gbp:retransmission-allowed>false<" in location().xml()
    for word in ("yes", "true", "1"):
        assert location(f"<b:retransmission-allowed>{word}</b:retransmission-allowed>").retransmission_allowed
    # COMPAT: the rules in the namespace of their parent.
    assert location("<g:retransmission-allowed>yes</g:retransmission-allowed>").retransmission_allowed


@pytest.mark.parametrize("name", ["retention-expiry", "retention-expires"])
def test_retention(name):
    rule = f"<b:{name}>2026-03-02T11:00:00Z</b:{name}>"
    assert location(rule).discard_at(NOW) == NOW + HOUR
    assert location().discard_at(NOW) == NOW + 24 * HOUR
    assert location(f"<b:{name}>soon</b:{name}>").discard_at(NOW) < NOW
    far = datetime.max.replace(tzinfo=UTC)
    assert location().discard_at(far) == far


def test_a_geopriv_without_location_is_kept_but_not_understood():
    assert isinstance(read(GEOPRIV, "<geopriv />"), Foreign)
    assert isinstance(location(), geopriv.Geopriv)


@pytest.mark.parametrize(
    ("markup", "element"),
    [
        ("<lamp >lit</lamp>", lamplighter.Lamp("lit")),
        ("<importance >high</importance>", lamplighter.Importance("high")),
        ("<until >2026-03-02T10:00:00Z</until>", lamplighter.Until(NOW)),
        ("<reach >off</reach>", lamplighter.Reach(False)),
    ],
)
def test_our_own(markup, element):
    assert read(LAMPLIGHTER, markup) == element


@pytest.mark.parametrize("markup", ["<lamp >green</lamp>", "<reach >maybe</reach>", "<until >soon</until>"])
def test_our_own_but_not_readable(markup):
    assert isinstance(read(LAMPLIGHTER, markup), Foreign)
