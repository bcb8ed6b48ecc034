"""A settings file is taken whole, or every mistake in it is told with its place and what was expected."""

from datetime import timedelta

import pytest

from agent.errors import UserError
from agent.settings import load_settings, read_settings
from connectors.privacy import Privacy

GOOD = """\
domains: [Example.org]
timezone: Europe/Berlin
rules: rules.yaml
people:
  alice:
    sip: sip:alice@example.org
    privacy: details
    links:
      - connector: office
        settings: {url: "https://cal.example.org/alice"}
        password: ${ALICE_PASSWORD}
connectors:
  office: {connector: example, interval: 2m, settings: {stale_after: 1h30m}}
listeners:
  - {transport: udp, host: 127.0.0.1, port: 0}
authentication: off
limits:
  publish: {minimum: 30s, default: 10m}
  message_size: 16 KiB
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "rules.yaml").write_text("version: 1\n")

    def writer(text):
        path = tmp_path / "lamplighter.yaml"
        path.write_text(text)
        return path

    return writer


def problems(path, environ=None):
    """Every problem as `line:column: message`."""
    loaded = read_settings(path, environ or {})
    assert loaded.settings is None
    return [str(problem).removeprefix(f"{path}:") for problem in loaded.problems]


def test_a_good_file(write, tmp_path):
    settings = load_settings(write(GOOD), {"ALICE_PASSWORD": "hunter2"})
    assert settings.domains == ("example.org",)
    assert settings.rules == tmp_path / "rules.yaml"
    alice = settings.people["alice"]
    assert alice.privacy is Privacy.DETAILS
    (link,) = alice.links
    assert link.revealed.get_secret_value() == "hunter2"
    office = settings.connectors["office"]
    assert office.for_link({"url": "x"}, {}) == {
        "interval": timedelta(minutes=2), "stale_after": "1h30m", "url": "x",
    }  # fmt: skip
    assert settings.authentication.mode == "off"
    assert settings.limits.publish.default == timedelta(minutes=10)
    assert settings.limits.message_size == 16384
    assert settings.publisher.target == "built-in"
    assert settings.http.host == "127.0.0.1"
    assert "hunter2" not in repr(settings) + settings.model_dump_json()


def test_authentication_is_on_unless_named(write):
    settings = load_settings(write("domains: [example.org]\n"), {})
    assert settings.authentication.mode == "digest"
    assert [listener.transport for listener in settings.listeners] == ["udp", "tcp"]


def test_a_section_with_everything_commented_out_is_the_default(write):
    bare = "domains: [a.example]\npeople:\nlog:\n  # level: debug\nlimits: {publish: }\nauthentication:\n"
    assert load_settings(write(bare), {}) == load_settings(write("domains: [a.example]\n"), {})


def test_every_problem_at_once(write):
    path = write(
        "domain: [example.org]\n"
        "listeners:\n"
        "  - {transport: upd, port: 70000}\n"
        "people:\n"
        "  alice: {sip: alice, timzone: Europe/Berlin}\n"
        "  bob: {sip: 'sip:bob@example.org', timezone: Berlin, privacy: detail}\n"
        "limits: {publish: {default: soon}, message_size: 64 parsecs}\n"
        "log: {level: loud}\n"
        "rules: absent.yaml\n"
        "people: {}\n"
    )
    assert problems(path) == [
        "1:1: `domains` is missing",
        "1:1: unknown key `domain` (did you mean `domains`?)",
        "3:17: `transport`: expected `udp`, `tcp`, `tls`, `ws` or `wss` (did you mean `udp`?)",
        "3:28: `port`: must be at most 65535",
        "5:16: `sip`: expected a SIP address such as sip:alice@example.org",
        "5:23: unknown key `timzone` (did you mean `timezone`?)",
        "6:47: `timezone`: expected an IANA time zone such as Europe/Berlin",
        "6:64: `privacy`: expected `busy`, `category` or `details` (did you mean `details`?)",
        "7:29: `default`: expected a duration such as 90s, 5m, 4h or 1h30m",
        "7:50: `message_size`: expected a size such as 65536, 64 KiB or 1 MiB",
        "8:14: `level`: expected `debug`, `info`, `warning` or `error`",
        f"9:8: there is no file {path.parent / 'absent.yaml'}",
        "10:1: 'people' is here twice (first in line 4)",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("connector: office\n", "connector: offce\n"), "9:20: there is no connector `offce` (did you mean `office`?)"),
        (("connector: example", "connector: exmple"), "13:23: there is no connector “exmple” (did you mean"),
        (("settings: {url:", "settings: {ulr:"), "10:20: unknown key `ulr` (did you mean `url`?)"),
        (("interval: 2m", "interval: 1ms"), "13:42: `interval`: must be at least"),
        (("settings: {stale_after: 1h30m}", "settings: {stale: 1h}"), "13:57: unknown key `stale`"),
        (("sip:alice@example.org", "sip:alice@example.com"), "6:10: the domain `example.com` is not served here"),
        (("rules: rules.yaml", "rules: rule.yaml"), "3:8: there is no file "),
        (("minimum: 30s", "minimum: 30m"), "18:36: must not be shorter than minimum"),
        (("authentication: off", "authentication: no"), "16:17: `authentication`: expected `off` or a section"),
        (("authentication: off", "outbound: {allow_private: [10.0.0.0/8, 10.1/x]}"), "16:40: neither a network nor"),
        (("port: 0", "port: five"), "15:45: `port`: expected a whole number"),
        (("host: 127.0.0.1", "host: 127"), "15:28: `host`: expected text (put it in quotes)"),
        (("privacy: details", "name: [x"), "8:10: expected ',' or ']'"),
        (("password: ${ALICE_PASSWORD}", "password: ${ALICE}"), "11:19: the environment variable ALICE is not set"),
        (("password: ${ALICE_PASSWORD}", "password: geheim"), "11:19: a password in plain sight"),
        (("password: ${ALICE_PASSWORD}", "password_file: pw"), "11:24: cannot read "),
        (("password: ${ALICE_PASSWORD}", "secret: pw"), "11:17: neither secrets_directory nor"),
        (("password: ${ALICE_PASSWORD}", "secret: ../../etc/x"), "11:17: `secret`: has characters that are not"),
    ],
)  # fmt: skip
def test_mistakes(write, change, expected):
    assert change[0] in GOOD
    found = problems(write(GOOD.replace(*change)), {"ALICE_PASSWORD": "x"})
    assert any(problem.startswith(expected) for problem in found), found
    assert not any("geheim" in problem for problem in found)


def test_missing_settings_of_a_connector(write):
    found = problems(write(GOOD.replace("url:", "tags:")), {"ALICE_PASSWORD": "x"})
    assert "10:9: `url` is missing" in found


def test_doubles(write):
    text = GOOD.replace("connectors:\n", "  bob: {sip: 'sip:alice@EXAMPLE.org'}\nconnectors:\n").replace(
        "        password: ${ALICE_PASSWORD}\n",
        "      - connector: office\n        settings: {url: 'https://x.example/'}\n",
    )
    assert problems(write(text)) == [
        "11:9: a second link to the same connector (give it a `name`)",
        "13:14: sip:alice@EXAMPLE.org belongs to `alice` already",
    ]


def test_the_error_for_people_lists_all(write):
    with pytest.raises(UserError) as caught:
        load_settings(write("domains: []\nlgo: {}\n"), {})
    assert caught.value.exit_code == 1
    assert len(caught.value.problems) == 2
    assert "2 problems in the settings" in caught.value.message


def test_no_file(tmp_path):
    with pytest.raises(UserError, match=r"cannot read the settings file .* no such file"):
        load_settings(tmp_path / "absent.yaml", {})


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n", "\xff"])
def test_no_settings_at_all(write, text, tmp_path):
    path = write("")
    path.write_bytes(text.encode("latin-1"))
    assert len(problems(path)) == 1
