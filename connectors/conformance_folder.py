"""What holds for the folder of every connector; part of both suites that connectors' tests inherit."""

import ast
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, ClassVar

import yaml

from connectors.base import Link
from connectors.errors import ConnectorError
from connectors.registry import ConnectorType, load
from connectors.settings import LinkSettings

IMPURE = frozenset(
    {"asyncio", "socket", "ssl", "select", "threading", "subprocess", "time", "random", "logging", "aiohttp"}
)
"What a mapping must not import: it is a function of its arguments."


class FolderConformance:
    """Manifest, settings, sample, README and the purity of the mapping."""

    name: ClassVar[str]
    package: ClassVar[str]

    def _type(self) -> ConnectorType:
        return load(self.name)

    def _text(self, name: str) -> str:
        return (files(self.package) / name).read_text(encoding="utf-8")

    def test_the_manifest_is_valid_and_what_it_names_exists(self) -> None:
        made_of = self._type()
        assert made_of.name == self.name
        assert issubclass(made_of.settings_model, LinkSettings)
        module, _, name = made_of.manifest.connector.partition(":")
        assert hasattr(__import__(module, fromlist=[name]), name)

    def test_every_setting_is_described(self) -> None:
        for name, info in self._type().settings_model.model_fields.items():
            assert info.description, f"setting {name} has no description"

    def test_the_sample_is_valid_and_shown_in_the_readme(self) -> None:
        sample = self._text("sample.yaml")
        given: Mapping[str, Any] = yaml.safe_load(sample)
        self._type().settings_model.model_validate(given)
        assert sample.strip() in self._text("README.md"), "README.md does not show sample.yaml as it is"

    def test_a_misspelled_setting_is_named(self) -> None:
        given = {**yaml.safe_load(self._text("sample.yaml")), "intervall": "60s"}
        try:
            self._type().read_settings(Link("l", self.name, "p", given))
        except ConnectorError as error:
            assert "intervall" in error.words
        else:
            raise AssertionError("an unknown setting was accepted")

    def test_the_mapping_is_pure(self) -> None:
        imported: set[str] = set()
        for node in ast.walk(ast.parse(self._text("mapping.py"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
        assert not imported & IMPURE
