"""How addresses, servers and passwords may be given."""

from pathlib import Path

import pytest

from agent.cli.sip_client import (
    PASSWORD_VARIABLE,
    TransportChoice,
    read_address,
    read_credentials,
    server_uri,
)
from agent.errors import EXIT_USAGE, UserError

ALICE = "sip:alice@example.org"


def test_the_scheme_of_an_address_may_be_left_out() -> None:
    assert read_address("alice@example.org") == read_address(ALICE) == ALICE
    assert read_address("sips:alice@example.org") == "sips:alice@example.org"


@pytest.mark.parametrize(
    "text", ["", "alice", "example.org", "mailto:alice@example.org", "sip:", "alice@", "a b@c"]
)
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(UserError, match="is no SIP address") as told:
        read_address(text)
    assert told.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("server", "transport", "expected"),
    [
        (None, None, "sip:example.org"),
        (None, TransportChoice.TCP, "sip:example.org;transport=tcp"),
        ("ps.example.org", None, "sip:ps.example.org"),
        ("127.0.0.1:5080", TransportChoice.TCP, "sip:127.0.0.1:5080;transport=tcp"),
        ("[::1]:5080", TransportChoice.UDP, "sip:[::1]:5080;transport=udp"),
        ("sip:ps.example.org;transport=tcp", None, "sip:ps.example.org;transport=tcp"),
    ],
)
def test_where_requests_go(server: str | None, transport: TransportChoice | None, expected: str) -> None:
    assert server_uri(server, transport, ALICE) == expected


def test_an_address_with_port_or_transport_says_where_by_itself() -> None:
    assert (
        server_uri(None, None, "sip:alice@192.0.2.1:5070;transport=tcp") == "sip:192.0.2.1:5070;transport=tcp"
    )
    assert server_uri(None, None, "sips:alice@example.org") == "sips:example.org"


@pytest.mark.parametrize("server", ["host:0", "host:99999", "host:port", ""])
def test_a_bad_server_is_a_usage_error(server: str) -> None:
    with pytest.raises(UserError, match="--server"):
        server_uri(server, None, ALICE)


def test_the_password_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\nsecond line\n")
    monkeypatch.setenv(PASSWORD_VARIABLE, "from the environment")
    by_environment, by_file = read_credentials("alice", None), read_credentials("alice", file)
    assert by_environment is not None and by_environment.password == "from the environment"
    assert by_file is not None and by_file.password == "from the file"
    assert read_credentials(None, None) is None


def test_a_password_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be read"):
        read_credentials("alice", tmp_path / "none")
