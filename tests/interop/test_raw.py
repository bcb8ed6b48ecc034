"""netcat and sipsak: what a shell script or an administrator would send."""

from itertools import count
from pathlib import Path

import pytest

from tests.interop.programs import run
from tests.support.certificates import Authority
from tests.support.ports import free_port

pytestmark = pytest.mark.interop

SERIALS = count()
BODY = (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.org">'
    '<tuple id="t"><status><basic>open</basic></status></tuple></presence>'
)


def message(method: str, transport: str, *lines: str, body: str = "", port: int = 9) -> bytes:
    serial = next(SERIALS)
    head = (
        f"{method} sip:alice@example.org SIP/2.0",
        f"Via: SIP/2.0/{transport.upper()} 127.0.0.1:{port};branch=z9hG4bK{serial};rport",
        "From: <sip:alice@example.org>;tag=nc",
        "To: <sip:alice@example.org>",
        f"Call-ID: {serial}-nc",
        f"CSeq: 1 {method}",
        *lines,
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*head, "", body)).encode()


def netcat(transport: str, port: int, data: bytes) -> str:
    options = ("-u", "-w1") if transport == "udp" else ("-N", "-w2")
    return run("nc", *options, "127.0.0.1", str(port), given=data)[1]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_publication_by_netcat(ports: dict[str, int], transport: str) -> None:
    lines = ("Event: presence", "Expires: 60", "Content-Type: application/pidf+xml")
    said = netcat(transport, ports[transport], message("PUBLISH", transport, *lines, body=BODY))
    assert said.startswith("SIP/2.0 200 OK\r\n")
    assert "\r\nSIP-ETag: " in said and "\r\nExpires: 60\r\n" in said


def test_two_messages_in_one_write_over_tcp(ports: dict[str, int]) -> None:
    lines = ("Event: presence", "Content-Type: application/pidf+xml")
    data = message("OPTIONS", "tcp") + message("PUBLISH", "tcp", *lines, body=BODY)
    said = netcat("tcp", ports["tcp"], data)
    assert said.count("SIP/2.0 200 OK") == 2 and "1 OPTIONS" in said and "1 PUBLISH" in said


def test_a_fetch_by_netcat_gets_its_notify(ports: dict[str, int]) -> None:
    lines = ("Event: presence", "Expires: 0", "Contact: <sip:alice@127.0.0.1:9;transport=tcp>")
    said = netcat("tcp", ports["tcp"], message("SUBSCRIBE", "tcp", *lines))
    assert said.index("SIP/2.0 200 OK") < said.index("NOTIFY sip:alice@127.0.0.1:9;transport=tcp SIP/2.0")
    assert "Subscription-State: terminated;reason=timeout" in said


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_garbage_by_netcat_does_no_harm(ports: dict[str, int], transport: str) -> None:
    netcat(transport, ports[transport], b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    netcat(transport, ports[transport], bytes(range(256)) * 20)
    assert "200 OK" in netcat(transport, ports[transport], message("OPTIONS", transport))


def sipsak(port: int, *options: str, cwd: Path | None = None) -> tuple[int, str]:
    return run(
        "sipsak", "-vvv", "-l", str(free_port()), "-s", f"sip:alice@127.0.0.1:{port}", *options, cwd=cwd
    )


def test_sipsak_probes_with_options(ports: dict[str, int]) -> None:
    code, said = sipsak(ports["udp"])
    assert code == 0, said
    assert "SIP/2.0 200 OK" in said and "Allow-Events: presence" in said


def test_sipsak_probes_over_tcp(ports: dict[str, int]) -> None:
    code, said = sipsak(ports["tcp"], "-E", "tcp")
    assert code == 0, said


def test_sipsak_probes_over_tls(
    ports: dict[str, int], authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # sipsak 0.9.8 takes a TLS 1.3 session ticket for the answer, and cuts the last digit from the host that it compares
    # with the certificate.
    (tmp_path / "gnutls").write_text("[overrides]\ndisabled-version = tls1.3\n")
    monkeypatch.setenv("GNUTLS_SYSTEM_PRIORITY_FILE", str(tmp_path / "gnutls"))
    trust = ("--tls-ca-cert", str(authority.path), "--tls-ignore-cert-failure")
    code, said = sipsak(ports["tls"], "-E", "tls", *trust)
    assert code == 0, said
    assert "Protocol: TLS1.2" in said and "SIP/2.0 200 OK" in said


def test_sipsak_publishes_a_file(ports: dict[str, int], tmp_path: Path) -> None:
    lines = ("Event: presence", "Expires: 60", "Content-Type: application/pidf+xml")
    (tmp_path / "publish.sip").write_bytes(message("PUBLISH", "udp", *lines, body=BODY))
    code, said = sipsak(ports["udp"], "-f", "publish.sip", cwd=tmp_path)
    assert code == 0, said
    assert "SIP-ETag: " in said
