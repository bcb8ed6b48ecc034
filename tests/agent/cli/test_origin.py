"""A foreign package of the same plain name is noticed before it does harm."""

import sys
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from agent.cli.origin import PACKAGES, check_origin, foreign_packages
from agent.errors import UserError


def installed(site, *, files=(), direct_url=None):
    """A `lamplighter` as an installer leaves it in ``site``."""
    info = site / "lamplighter-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lamplighter\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    if direct_url:
        (info / "direct_url.json").write_text(direct_url)
    return PathDistribution(info)


def package(folder, name="rules"):
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    return folder / name / "__init__.py"


def test_this_very_installation_passes():
    check_origin()


def test_an_installed_package_is_ours(tmp_path):
    place = package(tmp_path)
    owner = installed(tmp_path, files=["rules/__init__.py"])
    assert foreign_packages({"rules": place}, [owner]) == []


def test_an_editable_install_is_ours(tmp_path):
    place = package(tmp_path / "check out")
    url = (tmp_path / "check out").as_uri()
    owner = installed(tmp_path / "site", direct_url=f'{{"url": "{url}", "dir_info": {{"editable": true}}}}')
    assert foreign_packages({"rules": place}, [owner]) == []


def test_another_distributions_package_is_not(tmp_path):
    place = package(tmp_path)
    owner = installed(tmp_path, files=["agent/__init__.py"])
    assert foreign_packages({"rules": place, "agent": None}, [owner]) == ["rules", "agent"]


def test_the_refusal_is_clear(tmp_path, monkeypatch):
    package(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "rules")
    with pytest.raises(UserError) as caught:
        check_origin()
    assert caught.value.problems[0] == f"`rules` comes from {tmp_path / 'rules' / '__init__.py'}"
    assert Path(tmp_path, "rules") and "rules" in PACKAGES
