"""How deep documents are, whatever stands in their texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.web.ingress.depth import json_depth, xml_depth

documents = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(['"', "\\", '\\"[{', "]}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(documents, st.booleans())
def test_json(value, ascii_only):
    assert json_depth(json.dumps(value, ensure_ascii=ascii_only).encode()) == depth_of(value)


@given(st.binary(max_size=200))
def test_anything_else_is_no_trouble(body):
    json_depth(body)
    xml_depth(body)


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"", 0),
        (b"<a/>", 1),
        (b"<a><b/></a><c><d><e></e></d></c>", 3),
        (b'<?xml version="1.0"?><a x="<>/>" y=\'>\'><!-- <b><c> --><![CDATA[<d><e>]]></a>', 1),
        (b'<!DOCTYPE a SYSTEM "http://x/"><a/>', None),
        (b'<a><!ENTITY b "c"></a>', None),
    ],
)
def test_xml(text, depth):
    assert xml_depth(text) == depth


def test_a_hostile_document_takes_no_longer_for_it():
    xml_depth(b"<a " + b'"' * 300_000)
    xml_depth(b"<a" * 300_000)
    json_depth(b'"\\' * 300_000)
