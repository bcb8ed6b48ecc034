"""Writes docs/settings.md and deploy/lamplighter.yaml from the settings model; ``--check`` only compares."""

import sys
from pathlib import Path

from agent.settings.reference import reference_page, sample

ROOT = Path(__file__).resolve().parents[2]


def pages() -> dict[Path, str]:
    """File to the text that it should have."""
    return {ROOT / "docs" / "settings.md": reference_page(), ROOT / "deploy" / "lamplighter.yaml": sample()}


def outdated() -> list[Path]:
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit("\n".join(f"outdated: {path.relative_to(ROOT)}" for path in outdated()))
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
