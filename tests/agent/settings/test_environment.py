"""Every setting can be overridden by a variable, and a wrong one is told by the variable's name."""

import pytest

from agent.settings import read_settings

FILE = """\
domains: [example.org]
people:
  ann-marie: {sip: 'sip:a@example.org'}
listeners: [{transport: udp, port: 5}]
"""


@pytest.fixture
def read(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text(FILE)
    return lambda **environ: read_settings(path, environ)


def test_overrides(read):
    loaded = read(
        LAMPLIGHTER_HTTP__PORT="9000",
        LAMPLIGHTER_HTTP__ENABLED="false",
        LAMPLIGHTER_DOMAINS="[example.org, example.net]",
        LAMPLIGHTER_PEOPLE__ANN_MARIE__TIMEZONE="Europe/Paris",
        LAMPLIGHTER_LISTENERS__0__PORT="5070",
        LAMPLIGHTER_SETTINGS="/elsewhere.yaml",
        LAMPLIGHTER_DEBUG="1",
        LAMPLIGHTER_SIP_PASSWORD="for watch and publish",
        OTHER="x",
    )
    assert loaded.problems == ()
    settings = loaded.settings
    assert (settings.http.port, settings.http.enabled) == (9000, False)
    assert settings.domains == ("example.org", "example.net")
    assert settings.people["ann-marie"].timezone == "Europe/Paris"
    assert settings.listeners[0].port == 5070


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("LAMPLIGHTER_HTTP__PORT", "many", "expected a whole number"),
        ("LAMPLIGHTER_HTTP__PROT", "1", "unknown key `prot` (did you mean `port`?)"),
        ("LAMPLIGHTER_LISTENERS__3__PORT", "1", "there is no such place in the settings"),
        ("LAMPLIGHTER_DOMAINS__X", "1", "there is no such place in the settings"),
        ("LAMPLIGHTER_DOMAINS", "[a", "expected ',' or ']'"),
    ],
)
def test_mistakes_name_the_variable(read, variable, value, expected):
    problems = [str(problem) for problem in read(**{variable: value}).problems]
    assert any(f"environment {variable}" in problem and expected in problem for problem in problems), problems
