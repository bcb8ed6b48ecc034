from datetime import timedelta

import pytest

from agent.errors import UserError
from agent.settings import load_settings
from agent.settings.links import links
from connectors.base import Entry, Link
from connectors.privacy import Privacy
from connectors.registry import load

SETTINGS = """\
domains: [example.org]
timezone: Europe/Berlin
privacy: category
connectors:
  office: {connector: example, interval: 30s, settings: {tags: [office], url: "https://a.example/"}}
people:
  alice:
    sip: sip:alice@example.org
    emails: [alice@example.org]
    links:
      - {connector: office, password: "${ALICE}"}
      - {connector: office, name: second, settings: {url: "https://b.example/", interval: 2m}}
  bob: {sip: "sip:bob@example.org", timezone: Asia/Tokyo, privacy: busy, links: [{connector: office}]}
"""


def test_links(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    first, second, bobs = links(load_settings(path, {"ALICE": "geheim"}))
    half_minute = timedelta(seconds=30)
    assert first == Link(
        "office/alice", "example", "alice", {"interval": half_minute, "tags": ["office"], "url": "https://a.example/"},
        "geheim", "Europe/Berlin", ("alice@example.org",), Privacy.CATEGORY,
        Entry("office", {"interval": half_minute, "tags": ["office"], "url": "https://a.example/"}),
    )  # fmt: skip
    assert "geheim" not in repr(first)
    assert (second.id, second.secret) == ("office/alice/second", None)
    assert second.settings == {"interval": "2m", "tags": ["office"], "url": "https://b.example/"}
    assert (bobs.id, bobs.zone, bobs.privacy) == ("office/bob", "Asia/Tokyo", Privacy.BUSY)
    taken = load("example").read_settings(second)
    assert taken.interval == timedelta(minutes=2)


EVERYONE = """\
domains: [example.org]
connectors:
  pbx:
    connector: example
    groups: [sales]
    password: "${PBX}"
    settings: {url: "https://pbx.example/{sip.user}/{email}", tags: ["{person}", "{other}"]}
people:
  alice: {sip: "sip:201@example.org", emails: [alice@example.org], groups: [sales]}
  bob: {sip: "sip:202@example.org", groups: [sales], links: [{connector: pbx, settings: {url: "https://b.example/"}}]}
  carol: {sip: "sip:203@example.org"}
"""


def test_an_entry_links_people_by_itself(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text(EVERYONE)
    alices, bobs = links(load_settings(path, {"PBX": "geheim"}))
    assert alices.id == "pbx/alice"
    assert alices.settings["url"] == "https://pbx.example/201/alice@example.org"
    assert alices.settings["tags"] == ["alice", "{other}"], "what is no placeholder stays"
    assert alices.entry.settings["url"] == "https://pbx.example/{sip.user}/{email}"
    assert bobs.settings["url"] == "https://b.example/", "a line of one's own goes before"
    assert {alices.secret, bobs.secret} == {"geheim"}
    assert alices.entry == bobs.entry


def test_people_without_an_address_that_the_entry_needs_are_named(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text(EVERYONE.replace("groups: [sales]\n", "everyone: true\n", 1))
    with pytest.raises(UserError) as raised:
        load_settings(path, {"PBX": "geheim"})
    assert raised.value.problems == (f"{path}:7:15: `{{email}}`: these people have no `emails`: carol",)


def test_the_organisations_zones_reach_the_connectors_of_places(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text("""\
domains: [example.org]
zones:
  office: {center: [50.0, 8.0], radius: 100, tags: [site]}
  lab: {}
connectors:
  phones: {connector: owntracks, everyone: true, settings: {zones: {lab: {aliases: [L]}}}}
  wifi: {connector: webhook, everyone: true, settings: {preset: radius, zones: {"ap-*": office}}}
  feed: {connector: example, settings: {url: "https://a.example/"}}
people:
  alice:
    sip: sip:alice@example.org
    links:
      - {connector: phones, settings: {zones: {home: {center: [50.1, 8.1], radius: 50}}}}
      - {connector: feed}
""")
    found = {link.id: load(link.connector).read_settings(link) for link in links(load_settings(path, {}))}
    zones = found["phones/alice"].zones
    assert sorted(zones) == ["home", "lab", "office"] and zones["office"].tags == ("site",)
    assert zones["lab"].aliases == ("L",)
    assert found["wifi/alice"].zones == {"ap-*": "office"}
    assert found["wifi/alice"].zone_tags == {"office": ("site",)}


@pytest.mark.parametrize(
    ("zone", "place", "word"),
    [
        ("{center: [91, 8], radius: 100}", "3:15", "latitude"),
        ("{center: [50.0, 8.0]}", "3:15", "radius"),
        ("{center: [50.0, 8.0], radius: 3}", "3:36", "at least"),
        ("{polygon: [[50, 8], [51, 8]]}", "3:16", "three corners"),
        ("{centre: [50, 8]}", "3:7", "center"),
    ],
)
def test_mistakes_in_zones_have_a_place(tmp_path, zone, place, word):
    path = tmp_path / "lamplighter.yaml"
    path.write_text(f"domains: [example.org]\nzones:\n  a: {zone}\n")
    with pytest.raises(UserError) as caught:
        load_settings(path, {})
    (told,) = [str(problem) for problem in caught.value.problems]
    assert f":{place}: " in told and word in told
