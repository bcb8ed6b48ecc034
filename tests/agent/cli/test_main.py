"""The command line as a user meets it: help, errors without tracebacks, exit codes."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from agent.cli import main as cli
from agent.errors import UserError
from rules.yaml_marks import Problem


def run(*arguments, **environment):
    """The real program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment},
    )


def call(capsys, *arguments):
    """The program in this process: exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def test_help_names_every_command_and_loads_none():
    shown = run("--help")
    assert shown.returncode == 0
    for typed in cli.COMMANDS:
        assert typed.partition(" ")[0] in shown.stdout
    assert "Exit codes" in shown.stdout
    probe = (
        "import sys; from agent.cli.main import build; build(); "
        "sys.exit(not {'pydantic', 'aiohttp'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize("typed", list(cli.COMMANDS))
def test_every_command_has_help_with_an_example(typed, capsys):
    module = cli.COMMANDS[typed][0]
    assert importlib.util.find_spec(f"agent.cli.{module}"), f"{typed}: no file agent/cli/{module}.py"
    code, out, _ = call(capsys, *typed.split(), "--help")
    assert code == 0
    assert re.search(r"lamplighter\s+" + typed.replace(" ", r"\s+") + r"|lamplighter explain", out)
    assert re.search(r"Examples?:", out), f"{typed}: no example in its help"


def test_every_group_is_described():
    assert {typed.rpartition(" ")[0] for typed in cli.COMMANDS} - {""} == set(cli.GROUPS)


@pytest.mark.parametrize("arguments", [["nonsense"], ["version", "--nope"], ["config", "nonsense"]])
def test_a_wrong_command_line_is_2(arguments, capsys):
    code, _, err = call(capsys, *arguments)
    assert code == 2
    assert "Traceback" not in err


def test_version(capsys):
    code, out, _ = call(capsys, "version", "--json")
    assert code == 0
    assert '"lamplighter": "' in out


def test_errors_are_one_message_with_its_problems(capsys, monkeypatch):
    def fails():
        raise UserError("the server is away", ["one", "two"], exit_code=3)

    monkeypatch.setattr("agent.cli.version.command", fails)
    code, _, err = call(capsys, "version")
    assert (code, err) == (3, "lamplighter: the server is away\n  one\n  two\n")


def test_an_error_that_should_not_happen_has_no_traceback_either(capsys, monkeypatch):
    def fails():
        raise KeyError("x")

    monkeypatch.setattr("agent.cli.version.command", fails)
    code, _, err = call(capsys, "version")
    assert code == 1
    assert "KeyError" in err
    assert "Traceback" not in err


def test_the_traceback_is_there_for_those_who_ask(monkeypatch):
    def fails():
        raise KeyError("x")

    monkeypatch.setattr("agent.cli.version.command", fails)
    monkeypatch.setenv("LAMPLIGHTER_DEBUG", "1")
    with pytest.raises(KeyError):
        cli.main(["version"])


def test_problems_and_files_in_the_words_of_people():
    class RulesError(Exception):
        problems = (Problem("r.yaml", 1, 2, "wrong"), Problem("r.yaml", 3, 4, "worse"))

    assert str(cli.for_people(RulesError())) == "2 problems found\n  r.yaml:1:2: wrong\n  r.yaml:3:4: worse"
    assert cli.for_people(FileNotFoundError(2, "No such file or directory", "x.yaml")).message == (
        "x.yaml: no such file or directory"
    )


def test_a_closed_pipe_is_no_error_message():
    command = f"{sys.executable} -m agent version | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""
