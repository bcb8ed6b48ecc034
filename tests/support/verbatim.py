"""Requests word for word as some program writes them."""

from textwrap import dedent

from tests.support.phone import Phone


def verbatim(phone: Phone, text: str, *lines: str, body: bytes = b"", **values: str) -> bytes:
    """The bytes of ``text``, with further header ``lines`` before its end.

    ``{ip}`` is the phone's address, ``{branch}`` a new one, and whatever ``values`` names.
    """
    values = {"ip": phone.address[0], "branch": phone.unique("z9hG4bK.v")} | values
    head = dedent(text).strip().splitlines()
    for name, value in values.items():
        head = [line.replace("{" + name + "}", value) for line in head]
    return "\r\n".join((*head, *lines, "", "")).encode() + body
