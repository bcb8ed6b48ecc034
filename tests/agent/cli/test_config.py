import json

from tests.agent.cli.test_main import call

SETTINGS = """\
domains: [example.org]
allow_inline_secrets: true
authentication: {accounts: {pbx: {password: hunter2}}}
connectors:
  office: {connector: example, settings: {api_key: hunter2, url: "https://a:hunter2@cal.example.org/"}}
publisher: {target: "sip:presence.example.org;transport=tcp", username: lamp, password: '${PUBLISHER_SECRET}'}
"""


def test_check_names_every_problem(tmp_path, capsys):
    path = tmp_path / "lamplighter.yaml"
    path.write_text("domain: x\nlog: {level: loud}\n")
    code, out, _ = call(capsys, "config", "check", "--settings", str(path))
    assert code == 1
    assert f"{path}:1:1: unknown key `domain` (did you mean `domains`?)" in out
    assert f"{path}:2:14: `level`: expected" in out
    assert out.endswith("3 problems\n")
    code, out, _ = call(capsys, "config", "check", "--settings", str(path), "--json")
    assert code == 1
    problems = json.loads(out)["problems"]
    assert {
        "file": str(path),
        "line": 1,
        "column": 1,
        "message": "`domains` is missing",
        "hint": None,
    } in problems


def test_check_of_a_correct_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PUBLISHER_SECRET", "hunter2")
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    code, out, _ = call(capsys, "config", "check", "--settings", str(path))
    assert (code, out) == (0, f"{path}: correct (people: 0, links: 0)\n")


def test_show_hides_every_password(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PUBLISHER_SECRET", "hunter2")
    path = tmp_path / "lamplighter.yaml"
    path.write_text(SETTINGS)
    for more in ([], ["--json"]):
        code, out, err = call(capsys, "config", "show", "--settings", str(path), *more)
        assert code == 0, err
        assert "hunter2" not in out
        assert "cal.example.org" in out
    shown = json.loads(out)
    assert shown["authentication"]["accounts"]["pbx"]["password"] == "[redacted]"
    assert shown["publisher"]["target"] == "sip:presence.example.org;transport=tcp"


def test_no_file_is_one_clear_message(tmp_path, capsys):
    code, _, err = call(capsys, "config", "check", "--settings", str(tmp_path / "absent.yaml"))
    assert code == 1
    assert err.startswith("lamplighter: cannot read the settings file ")
    assert "lamplighter init" in err
