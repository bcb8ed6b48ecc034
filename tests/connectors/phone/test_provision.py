"""What is written for phones calls addresses that are understood."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import unescape

import pytest
from lxml import etree

from connectors.ingress import Received
from connectors.phone.events import Event
from connectors.phone.mapping import Key, read_request
from connectors.phone.provision import provision
from connectors.phone.settings import Vendor

BASE = "https://presence.example.org:9561/in/t/5ecret"
KEYS = {"Lunch": "lunch 45m", "Back & on": "auto"}


def addresses(text: str) -> list[str]:
    return [
        unescape(found) for found in re.findall(r"(?:https://)?presence\.example\.org\S*?(?=[<\"\s]|$)", text)
    ]


@pytest.mark.parametrize("vendor", Vendor)
def test_every_address_is_understood(vendor):
    found = addresses(provision(vendor, BASE, KEYS).text)
    told = []
    for address in found:
        split = urlsplit(address if "://" in address else f"https://{address}")
        path = split.path.partition("/in/t/5ecret")[2].lstrip("/")
        if path:  # Poly posts everything to one address
            request = Received("GET", path, tuple(parse_qsl(split.query)), {}, b"", datetime.now(UTC))
            told.append(read_request(request))
        assert len(address) < 511
    events = {told_one[0].event for told_one in told if isinstance(told_one, list)}
    keys = [told_one.text for told_one in told if isinstance(told_one, Key)]
    if vendor is Vendor.POLY:
        assert found == [BASE]
    else:
        assert {Event.INCOMING, Event.OUTGOING, Event.ESTABLISHED, Event.TERMINATED} <= events
        assert keys == list(KEYS.values())


@pytest.mark.parametrize("vendor", [Vendor.SNOM, Vendor.POLY])
def test_what_is_xml_is_well_formed(vendor):
    etree.fromstring(provision(vendor, BASE, KEYS).text.encode())


def test_a_whole_snippet_to_look_at():
    assert provision(Vendor.MITEL, BASE, {"Lunch": "lunch 45m"}).text == (
        f"action uri incoming: {BASE}/incoming?remote=$$REMOTENUMBER$$\n"
        f"action uri outgoing: {BASE}/outgoing?remote=$$REMOTENUMBER$$\n"
        f"action uri connected: {BASE}/established?remote=$$REMOTENUMBER$$\n"
        f"action uri disconnected: {BASE}/terminated?remote=$$REMOTENUMBER$$\n"
        f"action uri offhook: {BASE}/offhook\n"
        f"action uri onhook: {BASE}/onhook\n"
        f"action uri registered: {BASE}/registered\n"
        "softkey1 type: xml\n"
        "softkey1 label: Lunch\n"
        f"softkey1 value: {BASE}/choose?text=lunch%2045m\n"
    )
