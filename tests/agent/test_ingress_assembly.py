"""Where sources are told to call back."""

from pathlib import Path

import pytest

from agent.ingress_assembly import callback_url
from agent.settings import load_settings


@pytest.mark.parametrize(
    ("ingress", "url"),
    [
        (
            "{enabled: true, public_url: 'https://lamps.example.org/'}",
            "https://lamps.example.org/in/graph/alice%20b",
        ),
        (
            "{enabled: true, public_url: 'https://example.org/lamps'}",
            "https://example.org/lamps/in/graph/alice%20b",
        ),
        ("{enabled: true}", None),
        ("{enabled: false, public_url: 'https://lamps.example.org'}", None),
    ],
)
def test_only_where_the_settings_say_what_others_write(tmp_path: Path, ingress: str, url: str | None) -> None:
    path = tmp_path / "lamplighter.yaml"
    path.write_text(f"domains: [example.org]\ningress: {ingress}\n")
    assert callback_url(load_settings(path, {}))("graph/alice b") == url
