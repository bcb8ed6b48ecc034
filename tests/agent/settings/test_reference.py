"""The sample and the page come from the model, so they say what the program does."""

import re

import pytest

from agent.settings import read_settings
from agent.settings.model import Settings
from agent.settings.reference import reference_page, sample


@pytest.fixture
def load(tmp_path):
    (tmp_path / "rules.yaml").touch()

    def loader(text):
        path = tmp_path / "lamplighter.yaml"
        path.write_text(text)
        loaded = read_settings(path, {})
        assert loaded.problems == ()
        return loaded.settings

    return loader


def test_the_sample_works_as_it_is(load):
    assert load(sample()).people["alice"].sip == "sip:alice@example.org"


def test_what_is_commented_out_is_the_default(load):
    """Take the comment signs from every setting; what remains commented is prose."""
    lines = [
        line[2:] if re.match(r"# ( *)([a-z_]+:( |$)|- \{|  +#)", line) else line
        for line in sample().splitlines()
    ]
    uncommented = "\n".join(lines)
    assert "\nhttp:\n" in uncommented
    assert load(uncommented) == load(sample())


def test_every_setting_is_documented():
    def fields(model):
        for name, field in model.model_fields.items():
            yield f"{model.__name__}.{name}", field.description

    page = reference_page()
    for name, description in fields(Settings):
        assert description, name
        assert f"| `{name.partition('.')[2]}` |" in page
    assert "| network" not in page.replace("list of network", "")
