"""Random documents for property tests: every element of every format, and foreign ones."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from agent.documents import caps, cipid, foreign, rpid
from agent.documents.data_model import Device, Person
from agent.documents.device_id import DeviceID
from agent.documents.geopriv import Geopriv
from agent.documents.lamplighter import Importance, Lamp, Reach, Until
from agent.documents.location_type import PLACE_TYPES
from agent.documents.namespaces import GEOPRIV
from agent.documents.pidf import Contact, Presence, Status, Tuple
from agent.documents.rpid_names import PLACE_AUDIO, PLACE_TEXT, PLACE_VIDEO
from agent.documents.timed_status import TimedStatus
from agent.documents.values import Note
from agent.documents.xml import parse_xml

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"For properties over whole documents: making one costs far more than the test."

moments = st.integers(-100_000, 100_000).map(lambda seconds: NOW + timedelta(seconds=seconds))
ids = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.\-]{0,8}", fullmatch=True)
# What XML 1.0 can carry; white space at the edges is the formats' business.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12
)
words = texts.map(lambda text: text.strip() or "x")
notes = st.builds(Note, words, st.sampled_from([None, "en", "de-AT"]))
note_tuples = st.lists(notes, max_size=2, unique=True).map(tuple)

_NESTED = [
    '<a:x xmlns:a="urn:a" b="1"><a:y/>text<z xmlns=""/></a:x>',
    '<x xmlns="urn:b"><y a:n="&lt;&quot;" xmlns:a="urn:a">tail</y> </x>',
    '<x xmlns="urn:b" xmlns:q="urn:q" kind="q:name">q:name</x>',
    '<p:online xmlns:p="http://www.example.net/online"/>',
    '<rpid:new xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"><rpid:deep/></rpid:new>',
]
foreigns = st.one_of(
    st.builds(
        foreign.make,
        st.sampled_from(["urn:example:one", "http://example.net/two?a&b"]),
        ids.filter(lambda name: not name.lower().startswith("xml")),
        texts,
        st.lists(st.tuples(st.sampled_from(["a", "b"]), texts), unique_by=lambda pair: pair[0]).map(tuple),
    ),
    st.sampled_from(_NESTED).map(lambda markup: foreign.keep(parse_xml(markup.encode()))),
)
foreign_tuples = st.lists(foreigns, max_size=2, unique=True).map(tuple)


def ranges(inner_ids):
    """`from_`, `until` and id, mostly absent as in life."""
    return {
        "from_": st.none() | moments,
        "until": st.none() | moments,
        "id": st.none() | inner_ids,
        "attributes": st.sampled_from([(), (("other", "1"),), (("{urn:a}b", "2"),)]),
    }


def _choices(cls, names, inner_ids, other=True):
    return st.builds(
        cls,
        st.lists(st.sampled_from(sorted(names)), max_size=3, unique=True)
        .map(sorted if cls is rpid.Privacy else list)
        .map(tuple),
        st.none() | notes if other else st.none(),
        note_tuples,
        foreign_tuples,
        **ranges(inner_ids),
    )


_LOCATION = foreign.keep(
    parse_xml(f'<gp:location-info xmlns:gp="{GEOPRIV}"><c xmlns="urn:c">AT</c></gp:location-info>'.encode())
)
_entries = st.none() | st.lists(
    st.builds(caps.Capability, ids, words, st.just(())), max_size=2, unique=True
).map(tuple)


def _sorted_pairs(pairs):
    return tuple(sorted(dict(pairs).items()))


person_elements = st.one_of(
    _choices(rpid.Activities, rpid.Activities.names, ids),
    _choices(rpid.Mood, rpid.Mood.names, ids),
    _choices(rpid.PlaceType, PLACE_TYPES, ids),
    _choices(rpid.Privacy, rpid.Privacy.names, ids, other=False),
    _choices(rpid.Sphere, rpid.Sphere.names, ids, other=False),
    st.builds(
        rpid.PlaceIs,
        st.none() | st.sampled_from(sorted(PLACE_AUDIO)),
        st.none() | st.sampled_from(sorted(PLACE_VIDEO)),
        st.none() | st.sampled_from(sorted(PLACE_TEXT)),
        note_tuples,
        foreign_tuples,
        **ranges(ids),
    ),
    st.builds(rpid.StatusIcon, words, **ranges(ids)),
    st.builds(rpid.TimeOffset, st.integers(-720, 840), st.none() | texts, **ranges(ids)),
    st.builds(
        rpid.UserInput, st.booleans(), st.none() | st.integers(1, 9999), st.none() | moments, **ranges(ids)
    ),
    st.builds(cipid.ContactInfo, st.sampled_from(cipid.NAMES), words, st.sampled_from([None, "en"])),
    st.builds(Lamp, st.sampled_from(["dark", "lit", "blinking"])),
    st.builds(Importance, words),
    st.builds(Until, moments),
    foreigns,
)
classes = st.builds(rpid.Class, st.sampled_from(["work", "home"]))
device_ids = st.builds(DeviceID, st.sampled_from(["urn:x-mac:1", "urn:x-mac:2", "urn:x-mac:3"]))
locations = st.builds(
    Geopriv, st.just(_LOCATION), st.booleans(), st.none() | moments, foreign_tuples, foreign_tuples
)
servcaps = st.builds(
    caps.ServCaps,
    st.lists(st.tuples(st.sampled_from(["audio", "video", "message"]), st.booleans())).map(_sorted_pairs),
    st.lists(
        st.builds(caps.Feature, st.sampled_from(["duplex", "methods"]), _entries, _entries),
        unique_by=lambda each: each.name,
        max_size=2,
    ).map(lambda found: tuple(sorted(found, key=lambda each: each.name))),
    note_tuples,
    st.lists(words, max_size=1).map(tuple),
    foreign_tuples,
)
timed = st.builds(
    TimedStatus,
    moments,
    st.none() | moments,
    st.sampled_from([None, "open", "closed"]),
    st.lists(notes, max_size=1).map(tuple),
    st.lists(person_elements, max_size=2).map(tuple),
)
tuple_elements = st.one_of(
    _choices(rpid.Relationship, rpid.Relationship.names, ids),
    _choices(rpid.ServiceClass, rpid.ServiceClass.names, ids, other=False),
    classes,
    device_ids,
    servcaps,
    timed,
    locations,
    foreigns,
)
device_elements = st.one_of(
    st.builds(rpid.UserInput, st.booleans(), st.none(), st.none() | moments),
    st.builds(Reach, st.booleans()),
    st.builds(caps.DevCaps, descriptions=note_tuples, foreign=foreign_tuples),
    foreigns,
)


def _some(elements, size=3):
    return st.lists(elements, max_size=size).map(tuple)


contacts = st.builds(
    Contact,
    st.sampled_from(["sip:a@192.0.2.1", "sip:a@192.0.2.2;transport=tcp", "SIP:a@192.0.2.1", "tel:+1"]),
    st.none() | st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
)
tuples = st.builds(
    Tuple,
    ids,
    st.builds(Status, st.sampled_from([None, "open", "closed"]), _some(foreigns, 1)),
    _some(tuple_elements),
    st.none() | contacts,
    note_tuples,
    st.none() | moments,
)
persons = st.builds(Person, ids, _some(person_elements | classes), note_tuples, st.none() | moments)
devices = st.builds(
    Device,
    ids,
    st.sampled_from(["urn:x-mac:1", "urn:x-mac:2", "URN:X-MAC:1", None]),
    _some(device_elements),
    note_tuples,
    st.none() | moments,
)
documents = st.builds(
    Presence,
    st.just("sip:alice@example.org"),
    _some(tuples),
    note_tuples,
    _some(persons, 2),
    _some(devices, 2),
    _some(foreigns, 2),
    st.sampled_from([(), (("{urn:a}b", "2"),)]),
)
