"""rules/schema.json is what the vocabulary makes, and takes what the loader takes."""

import json

import jsonschema
import pytest

from rules.schema import schema
from rules.shipped import pack_names, pack_text, schema_text
from rules.yaml_marks import read_yaml


def test_it_is_current():
    assert json.loads(schema_text()) == schema(), "run: python -m rules schema > rules/schema.json"


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", pack_names())
def test_it_takes_every_pack(name):
    data = read_yaml(pack_text(name), name).data
    errors = jsonschema.Draft202012Validator(schema()).iter_errors(data)
    assert [f"{list(error.path)}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(
    "wrong", [{"version": 2}, {"version": 1, "rulez": []}, {"version": 1, "rules": [{"name": "x"}]}]
)
def test_it_refuses_what_the_loader_refuses(wrong):
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(wrong))
