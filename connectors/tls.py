"""TLS for connectors that open connections of their own."""

import ssl
from pathlib import Path

from connectors.errors import Misconfigured


def client_tls(ca_file: Path | None = None) -> ssl.SSLContext:
    """Verifies the server's name and certificate. ``ca_file``: trust these instead of the system's."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"{ca_file} holds no certificates ({error.strerror or error})") from None
