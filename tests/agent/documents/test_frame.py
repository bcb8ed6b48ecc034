"""The validator that other tests lean on does refuse."""

import pytest
from lxml import etree

from tests.agent.documents.frame import DM, PIDF, assert_valid

TUPLE = '<tuple id="t"><status><basic>open</basic></status><contact priority="0.5">sip:a@b</contact></tuple>'


def presence(inside):
    return f'<presence xmlns="{PIDF}" xmlns:dm="{DM}" entity="sip:a@b">{inside}</presence>'.encode()


@pytest.mark.parametrize(
    "inside", ["", TUPLE, f'{TUPLE}<note>x</note><dm:person id="p"><x xmlns="urn:x" y="1">z</x></dm:person>']
)
def test_valid(inside):
    assert_valid(presence(inside))


@pytest.mark.parametrize(
    "inside",
    [
        f"<note>x</note>{TUPLE}",
        TUPLE.replace('"t"', '"1t"'),
        TUPLE.replace("open", "away"),
        TUPLE.replace("0.5", "1.5"),
        TUPLE.replace("</contact>", "</contact><x xmlns='urn:x'/>"),
        "<tuple id='t'><contact>sip:a@b</contact><status/></tuple>",
        "<dm:person/>",
        "<dm:device id='d'/>",
        "<dm:person id='p'><dm:timestamp>now</dm:timestamp></dm:person>",
    ],
)
def test_invalid(inside):
    with pytest.raises(etree.DocumentInvalid):
        assert_valid(presence(inside))
