"""Finding connectors: built in, by entry point, and broken ones."""

import importlib
import importlib.metadata
import subprocess
import sys

import pytest

from connectors.base import Link
from connectors.errors import Misconfigured
from connectors.registry import BUILT_IN, load, names, read_manifest


def test_every_built_in_connector_loads():
    for name in BUILT_IN:
        assert load(name).settings_model.model_fields
    assert set(BUILT_IN) <= set(names())


def test_knowing_a_connector_imports_nothing_of_it():
    code = (
        "import sys; from connectors.registry import load; load('caldav');"
        "assert not any(name.startswith('connectors.caldav.') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def package(folder, monkeypatch, name: str, manifest: str) -> str:
    made = folder / name
    made.mkdir()
    (made / "__init__.py").touch()
    (made / "manifest.yaml").write_text(manifest)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    return name


MANIFEST = """
name: badges
title: Badges
summary: Reads badges.
kind: poll
reach: local
facts: [place]
connector: connectors.example.connector:ExampleConnector
settings: connectors.example.settings:ExampleSettings
"""


def test_another_package_joins_by_entry_point(tmp_path, monkeypatch):
    where = package(tmp_path, monkeypatch, "lamplighter_badges_one", MANIFEST)
    info = tmp_path / "lamplighter_badges-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamplighter-badges\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[lamplighter.connectors]\nbadges = {where}\n")
    assert "badges" in names()
    made_of = load("badges")
    load.cache_clear()
    assert made_of.package == where
    assert made_of.read_settings(Link("l", "badges", "p", {"url": "https://x.example.org"})).stale_after


@pytest.mark.parametrize(
    ("manifest", "word"),
    [
        ("name: [", "not YAML"),
        (MANIFEST.replace("poll", "pull"), "kind"),
        (MANIFEST + "extra: 1", "extra"),
        (MANIFEST.replace("facts: [place]", "facts: [mood]"), "facts"),
        (MANIFEST.replace("name: badges", "name: others"), "others"),
        ("", "manifest"),
    ],
)
def test_a_wrong_manifest_is_named(tmp_path, monkeypatch, manifest, word):
    where = package(tmp_path, monkeypatch, f"lamplighter_wrong_{abs(hash(manifest))}", manifest)
    with pytest.raises(Misconfigured, match=word):
        read_manifest("badges", where)


def test_a_package_that_is_gone_is_named():
    with pytest.raises(Misconfigured, match="badges"):
        read_manifest("badges", "no_such_package_anywhere")
