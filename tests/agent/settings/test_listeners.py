"""Listeners and TLS in the settings: usual ports, what fits together, and what the parts are given."""

from pathlib import Path

import pytest

from agent import assembly
from agent.errors import UserError
from agent.settings import Settings, read_settings
from agent.sip.flows import Transport
from tests.support.certificates import Authority


def read(folder: Path, text: str) -> tuple[Settings | None, list[str]]:
    path = folder / "lamplighter.yaml"
    path.write_text("domains: [example.org]\nauthentication: off\n" + text)
    loaded = read_settings(path, {})
    return loaded.settings, [str(problem) for problem in loaded.problems]


def test_every_transport_has_its_usual_port(tmp_path: Path) -> None:
    Authority(tmp_path).issue("ps.example.org")
    settings, problems = read(
        tmp_path,
        "listeners:\n"
        "  - {transport: udp}\n"
        "  - {transport: tls, certificate: server.pem, key: server.key, client_ca: ca.pem}\n"
        "  - {transport: ws, origins: ['https://phone.example.org']}\n"
        "  - {transport: wss, certificate: server.pem, key: server.key, advertise: ps.example.org}\n"
        "  - {transport: tls, certificate: server.pem, key: server.key, port: 5071}\n",
    )
    assert not problems and settings is not None
    udp, tls, ws, wss, other = assembly.listeners(settings)
    assert [listen.port for listen in (udp, tls, ws, wss, other)] == [5060, 5061, 80, 443, 5071]
    assert tls.transport is Transport.TLS and tls.client_ca == tmp_path / "ca.pem"
    assert tls.credentials is not None and tls.credentials.certificate == tmp_path / "server.pem"
    assert ws.origins == ("https://phone.example.org",) and ws.credentials is None
    assert wss.advertised == ("ps.example.org", 443)


@pytest.mark.parametrize(
    ("listener", "said"),
    [
        ("{transport: tls}", "needs a `certificate`"),
        ("{transport: tcp, certificate: ca.pem}", "is for `tls` and `wss`, and this is `tcp`"),
        ("{transport: tls, certificate: ca.pem, origins: ['https://a.org']}", "is for `ws` and `wss`"),
        ("{transport: ws, origins: [phone.example.org]}", "expected a web origin"),
        ("{transport: tls, certificate: missing.pem}", "there is no file"),
        ("{transport: sctp}", "`udp`"),
    ],
)
def test_what_does_not_fit_is_said_where_it_stands(tmp_path: Path, listener: str, said: str) -> None:
    Authority(tmp_path)
    _, problems = read(tmp_path, f"listeners:\n  - {listener}\n")
    assert any(said in problem and ":4:" in problem for problem in problems), problems


def test_certificates_of_no_use_are_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    settings, problems = read(tmp_path, "tls: {ca_file: ca.pem}\n")
    assert not problems and settings is not None
    with pytest.raises(UserError, match=r"no certificate in PEM in .*ca\.pem"):
        assembly.tls_client(settings)
    _, problems = read(tmp_path, "tls: {key: ca.pem}\n")
    assert "a key without a `certificate`" in problems[0]


def test_limits_and_large_notifications_reach_the_server(tmp_path: Path) -> None:
    settings, problems = read(tmp_path, "limits: {connections: 7}\nnotify: {large: tcp}\n")
    assert not problems and settings is not None
    config = assembly.server_config(settings)
    assert config.max_connections == 7 and config.large_notify_over_tcp


def test_by_default_tcp_is_listened_on_wherever_udp_is(tmp_path: Path) -> None:
    settings, _ = read(tmp_path, "")
    assert settings is not None
    udp, tcp = assembly.listeners(settings)
    assert (udp.transport, tcp.transport) == (Transport.UDP, Transport.TCP)
    assert (udp.host, udp.port) == (tcp.host, tcp.port) == ("0.0.0.0", 5060)
