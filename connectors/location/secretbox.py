"""libsodium's secretbox (XSalsa20-Poly1305), as location apps use it to hide messages from those in between. Pure."""

import base64
import binascii
import json
import re
from typing import Any

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from connectors.errors import BadData


def opened(data: object, secret: str | None) -> Any:
    """The JSON in ``data``: base64 of the nonce and what it hides. Raises BadData, which only says that it can't be
    read.

    The key is the secret, cut or filled up with zeros to 32 bytes (OwnTracks); or 64 hexadecimal digits of it (Home
    Assistant).
    """
    if secret is None:
        raise BadData("it is encrypted, and nobody's key is known for it")
    if re.fullmatch(r"[0-9a-fA-F]{64}", secret):
        key = bytes.fromhex(secret)
    else:
        key = secret.encode()[: SecretBox.KEY_SIZE].ljust(SecretBox.KEY_SIZE, b"\0")
    try:
        return json.loads(SecretBox(key).decrypt(base64.b64decode(str(data), validate=True)))
    except (CryptoError, binascii.Error, ValueError, RecursionError):
        raise BadData("it is encrypted with another key, or spoiled") from None


def closed(document: object, secret: str, nonce: bytes) -> str:
    """The way back, for tests and tools. ``nonce``: 24 bytes, never the same twice."""
    key = secret.encode()[: SecretBox.KEY_SIZE].ljust(SecretBox.KEY_SIZE, b"\0")
    return base64.b64encode(SecretBox(key).encrypt(json.dumps(document).encode(), nonce)).decode()
