"""TLS contexts for SIP: 1.2 and later only (RFC 8996), certificates from files that may be renewed while we run."""

import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HANDSHAKE_WITHIN = 10.0
"Seconds that a peer has for the TLS handshake."

Stamp = tuple[tuple[int, int, int] | None, ...]


class UnusableCertificate(OSError):
    """The files do not make a certificate that can be shown. ``reason`` names them and never says what is in them."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EINVAL, reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files. ``key`` None: it is in the certificate's file."""

    certificate: Path
    key: Path | None = None

    def load_into(self, context: ssl.SSLContext) -> None:
        """Raises UnusableCertificate."""
        names = f"{self.certificate}" + (f" with the key {self.key}" if self.key is not None else "")
        try:
            # A pass phrase would be asked for at the terminal of a service that has none.
            context.load_cert_chain(self.certificate, self.key, password=_no_pass_phrase)
        except ssl.SSLError as error:
            reason = (error.reason or "not a certificate and its key in PEM").replace("_", " ").lower()
            raise UnusableCertificate(f"the certificate {names} is of no use: {reason}") from None
        except _Encrypted:
            raise UnusableCertificate(f"the key of {names} is locked with a pass phrase") from None
        except OSError as error:
            reason = (error.strerror or "it failed").lower()
            raise UnusableCertificate(f"cannot read the certificate {names}: {reason}") from None


class ServerContext(ssl.SSLContext):
    """What a listener shows. `reload` puts renewed files in force for new connections; the open ones stay.

    Event loops call `wrap_bio` for every connection; it is handed on to the context that was last read without fault.
    A context can't be changed safely itself: a certificate whose key does not fit would leave it without any.
    """

    credentials: Credentials
    client_ca: Path | None

    def __new__(cls, credentials: Credentials, client_ca: Path | None = None) -> "ServerContext":
        """``client_ca``: PEM file of authorities, one of which must have signed the certificate that every client then
        has to show (mutual authentication). Raises UnusableCertificate."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        self.credentials = credentials
        self.client_ca = client_ca
        return self

    def __init__(self, credentials: Credentials, client_ca: Path | None = None) -> None:
        self._stamp = self._look()
        self._current = self._read()

    def reload(self) -> bool:
        """Whether the files had changed. Raises UnusableCertificate once for each change that can't be used."""
        seen = self._look()
        if seen == self._stamp:
            return False
        self._stamp = seen
        self._current = self._read()
        return True

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        return self._current.wrap_bio(*arguments, **options)

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.credentials.load_into(context)
        if self.client_ca is not None:
            _trust(context, self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _look(self) -> Stamp:
        files = (self.credentials.certificate, self.credentials.key, self.client_ca)
        return tuple(_stamp(path) for path in files if path is not None)


def client_context(
    authorities: Sequence[Path] = (), credentials: Credentials | None = None
) -> ssl.SSLContext:
    """For connections that we open: the system's authorities and ``authorities`` (PEM files) are believed.

    Which domain a certificate must be for is not checked here but by `agent.sip.identity`, since the rules of SIP
    differ from those of the web. Raises UnusableCertificate.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in authorities:
        _trust(context, path)
    if credentials is not None:
        credentials.load_into(context)
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise UnusableCertificate(f"there is no certificate in PEM in {path}") from None
    except OSError as error:
        raise UnusableCertificate(f"cannot read {path}: {(error.strerror or 'it failed').lower()}") from None


class _Encrypted(Exception):
    """OpenSSL has asked for a pass phrase."""


def _no_pass_phrase() -> str:
    raise _Encrypted


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
