"""docs/rules.md: its examples load and pass, its reference is what the vocabulary makes."""

import re
from pathlib import Path

import pytest

import rules
from agent.assembly import working_hours
from agent.settings import load_settings
from rules.cases import EXPECT_KEYS
from rules.load_effects import STATE_KEYS, THEN_KEYS
from rules.load_rules import RULE_KEYS
from rules.loader import TOP_KEYS
from rules.reference import reference
from rules.shipped import pack_names
from rules.testing import run_tests
from rules.vocabulary import WORDS

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_its_examples_load_and_pass(text):
    loaded = rules.load(text)
    assert [str(miss) for result in run_tests(loaded).results for miss in result.misses] == []


def test_its_reference_is_current():
    made = PAGE.partition("<!-- made by: python -m rules reference -->\n")[2].partition("<!-- end -->")[0]
    assert made == reference(), "put the output of `python -m rules reference` between the marks"


@pytest.mark.parametrize(
    "key", sorted({*TOP_KEYS, *RULE_KEYS, *THEN_KEYS, *STATE_KEYS, *EXPECT_KEYS, *pack_names()})
)
def test_it_names_every_key_and_pack(key):
    assert f"`{key}`" in PAGE


ATTRIBUTES = [(name, key, one) for name, word in WORDS.items() for key, one in word.attributes.items()]


@pytest.mark.parametrize(("name", "key", "attribute"), ATTRIBUTES, ids=lambda one: str(one)[:12])
def test_the_example_of_every_attribute_loads(name, key, attribute):
    condition = (
        f"{{{name}: {attribute.example}}}"
        if key == "is" and len(WORDS[name].attributes) == 1
        else (f"{{{name}: {{{key}: {attribute.example}}}}}")
    )
    rules.load(f"version: 1\nrules:\n  - {{name: x, when: {condition}, then: {{state: dnd}}}}\n")


@pytest.mark.parametrize("name", WORDS)
def test_the_example_of_every_condition_loads(name):
    rules.load(
        f"version: 1\nrules:\n  - {{name: x, when: {{{name}: {WORDS[name].example}}}, then: {{state: dnd}}}}\n"
    )


def test_its_example_of_settings_is_correct(tmp_path):
    (text,) = re.findall(r"```yml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "lamplighter.yaml"
    path.write_text("domains: [example.org]\n" + text)
    assert set(working_hours(load_settings(path, {}))) == {"alice", "bob"}
