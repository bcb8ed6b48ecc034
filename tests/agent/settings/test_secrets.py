"""Passwords stay outside the file, unless the administrator insists."""

import pytest

from agent.settings import load_settings, read_settings


def text(entry, more=""):
    return f"domains: [example.org]\n{more}authentication:\n  accounts:\n    pbx:\n      {entry}\n"


def password(tmp_path, content, environ=None):
    path = tmp_path / "lamplighter.yaml"
    path.write_text(content)
    settings = load_settings(path, environ or {})
    return settings.authentication.accounts["pbx"].revealed.get_secret_value()


def test_from_a_file_beside_the_settings(tmp_path):
    (tmp_path / "pbx.password").write_text("correct horse\nsecond line\n")
    assert password(tmp_path, text("password_file: pbx.password")) == "correct horse"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n", None),
        ('{\n  "type": "service_account",\n  "private_key": "x"\n}\n', None),
        ("{not a key file\nsecond line\n", "{not a key file"),
        ("correct horse\r\n", "correct horse"),
    ],
)
def test_of_a_key_file_all_of_it(tmp_path, written, expected):
    (tmp_path / "pbx.password").write_bytes(written.encode())
    assert password(tmp_path, text("password_file: pbx.password")) == (expected or written.strip())


def test_from_the_environment(tmp_path):
    assert password(tmp_path, text("password: ${PBX}"), {"PBX": "correct horse"}) == "correct horse"


def test_an_override_from_the_environment_is_no_password_in_the_file(tmp_path):
    environ = {"LAMPLIGHTER_AUTHENTICATION__ACCOUNTS__PBX__PASSWORD": "1234"}
    assert password(tmp_path, text("{}"), environ) == "1234"


def test_from_the_secrets_directory(tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "pbx").write_text("correct horse\n")
    assert password(tmp_path, text("secret: pbx", "secrets_directory: secrets\n")) == "correct horse"


def test_systemd_credentials_go_first(tmp_path):
    for folder in ("secrets", "credentials"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pbx").write_text(folder)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    assert password(tmp_path, text("secret: pbx", "secrets_directory: secrets\n"), environ) == "credentials"


def test_in_the_file_only_by_insisting(tmp_path):
    assert password(tmp_path, text("password: x y", "allow_inline_secrets: true\n")) == "x y"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{password: '${PBX}', secret: pbx}", "password and secret are both given"),
        ("{}", "needs a password"),
        ("password_file: empty", "the first line of"),
        ("password_file: binary", "is not UTF-8 text"),
    ],
)
def test_mistakes(tmp_path, entry, expected):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    path = tmp_path / "lamplighter.yaml"
    path.write_text(text(entry))
    (problem,) = read_settings(path, {"PBX": "x"}).problems
    assert expected in problem.message


def test_a_database_password_in_the_url_is_in_plain_sight(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text("domains: [example.org]\nstore: {url: 'postgresql://lamp:hunter2@db/lamp'}\n")
    (problem,) = read_settings(path, {}).problems
    assert "in plain sight" in problem.message
    assert "hunter2" not in str(problem)


def test_the_database_gets_its_password_only_at_the_end(tmp_path):
    path = tmp_path / "lamplighter.yaml"
    path.write_text("domains: [a.example]\nstore: {url: 'postgresql://lamp@db/lamp', password: '${DB}'}\n")
    settings = load_settings(path, {"DB": "p@ss/word"})
    assert "p@ss" not in repr(settings)
    assert settings.store.url_with_password() == "postgresql://lamp:p%40ss%2Fword@db/lamp"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///lamps.db", "sqlite:///{folder}/lamps.db"),
        (None, "sqlite:///{folder}/lamplighter.db"),
        ("sqlite:////var/lib/lamps.db", "sqlite:////var/lib/lamps.db"),
        ("memory:", "memory:"),
    ],
)
def test_a_database_file_stands_beside_the_settings(tmp_path, url, expected):
    path = tmp_path / "lamplighter.yaml"
    path.write_text("domains: [a.example]\n" + (f"store: {{url: '{url}'}}\n" if url else ""))
    assert load_settings(path, {}).store.url_with_password() == expected.format(folder=tmp_path)
