import json

from tests.agent.cli.test_main import call


def test_init_writes_files_that_are_correct(tmp_path, capsys):
    code, out, err = call(capsys, "init", str(tmp_path / "new"), "--domain", "example.net")
    assert code == 0, err
    assert "lamplighter config check" in out
    settings = tmp_path / "new" / "lamplighter.yaml"
    assert "sip:alice@example.net" in settings.read_text()
    assert "example.org" not in settings.read_text()
    assert (tmp_path / "new" / "rules.yaml").read_text().startswith(("#", "version:"))
    key = tmp_path / "new" / "lamplighter.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.read_text().splitlines()[-1] not in out
    first_line = (tmp_path / "new" / "rules.yaml").read_text().splitlines()[0]
    named = first_line.partition("$schema=")[2]
    assert "rules" in json.loads((tmp_path / "new" / named).read_text())["properties"]
    advised = [line.partition("lamplighter ")[2] for line in out.splitlines() if " check " in line]
    assert len(advised) == 2
    for command in advised:
        code, out, err = call(capsys, *command.split())
        assert code == 0, out + err


def test_init_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "rules.yaml").write_text("mine")
    code, _, err = call(capsys, "init", str(tmp_path))
    assert code == 1
    assert str(tmp_path / "rules.yaml") in err
    assert (tmp_path / "rules.yaml").read_text() == "mine"
    assert not (tmp_path / "lamplighter.yaml").exists()
