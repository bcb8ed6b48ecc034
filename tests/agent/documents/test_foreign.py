"""Unknown elements are kept as what they are, wherever they are put."""

import pytest
from hypothesis import given

from agent.documents.errors import DocumentError
from agent.documents.foreign import keep, make
from agent.documents.xml import parse_xml
from tests.agent.documents.strategies import foreigns


def inner(markup):
    """The same markup below a root with other bindings for everything."""
    root = parse_xml(f'<r xmlns="urn:r" xmlns:a="urn:other" xmlns:p="urn:other">{markup}</r>'.encode())
    return keep(root[0])


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ('<a:x xmlns:a="urn:a" z="1" b="2"/>', '<a:x xmlns:a="urn:a" b="2" z="1"/>'),
        ('<x xmlns="urn:a" xmlns:u="urn:unused"></x>', '<x xmlns="urn:a"/>'),
        ('<x xmlns="urn:a"><y xmlns=""/></x>', '<x xmlns="urn:a"><y xmlns=""/></x>'),
        ("<x/>", '<x xmlns=""/>'),
        (
            '<x xmlns="urn:a" xmlns:q="urn:q">q:name</x>',
            '<x xmlns="urn:a" xmlns:q="urn:q">q:name</x>',
        ),
        ('<x xmlns="urn:a"><![CDATA[<&]]>\n<y>1</y> 2</x>', '<x xmlns="urn:a">&lt;&amp;\n<y>1</y> 2</x>'),
        ('<x xmlns="urn:a" xml:lang="de"/>', '<x xmlns="urn:a" xml:lang="de"/>'),
    ],
)
def test_kept_canonically(came, kept):
    assert keep(parse_xml(came.encode())).markup == kept


def test_prefixes_that_come_from_outside_are_taken_along():
    root = parse_xml(b'<r xmlns:o="urn:o" xmlns:q="urn:q"><o:x q:a="1" ref="q:b"/></r>')
    assert keep(root[0]).markup == '<o:x xmlns:o="urn:o" xmlns:q="urn:q" ref="q:b" q:a="1"/>'


@given(foreigns)
def test_it_is_the_same_in_any_surroundings(element):
    assert inner(element.markup) == element


def test_made_elements_are_escaped():
    element = make("urn:org", "room", '<"&>', (("floor", '4"'),))
    parsed = parse_xml(element.markup.encode())
    assert (parsed.tag, parsed.text, parsed.get("floor")) == ("{urn:org}room", '<"&>', '4"')


@pytest.mark.parametrize(
    ("namespace", "name", "attributes"),
    [
        ("urn:a", "a b", ()),
        ("urn:a", "", ()),
        ("urn:a", "x><y", ()),
        ("", "x", ()),
        ("urn:a", "x", (("xmlns", "urn:b"),)),
        ("urn:a", "x", (("a b", "1"),)),
    ],
)
def test_made_elements_have_proper_names(namespace, name, attributes):
    with pytest.raises(DocumentError):
        make(namespace, name, "", attributes)
