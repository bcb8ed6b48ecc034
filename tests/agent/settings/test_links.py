from datetime import timedelta

from agent.settings import load_settings
from agent.settings.links import links
from connectors.base import Link
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
    )  # fmt: skip
    assert "geheim" not in repr(first)
    assert (second.id, second.secret) == ("office/alice/second", None)
    assert second.settings == {"interval": "2m", "tags": ["office"], "url": "https://b.example/"}
    assert (bobs.id, bobs.zone, bobs.privacy) == ("office/bob", "Asia/Tokyo", Privacy.BUSY)
    taken = load("example").read_settings(second)
    assert taken.interval == timedelta(minutes=2)
