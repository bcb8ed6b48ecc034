"""STUN binding requests on the SIP port (RFC 5626 §4.4.2, §8): a user agent behind a NAT keeps its UDP flow open with
them and learns whether its address there has changed. Pure; of RFC 5389 only what that takes."""

import struct
from ipaddress import ip_address

_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_REQUEST, _SUCCESS, _ERROR = 0x0001, 0x0101, 0x0111
_ERROR_CODE, _UNKNOWN_ATTRIBUTES, _XOR_MAPPED_ADDRESS = 0x0009, 0x000A, 0x0020
_OPTIONAL = 0x8000
"Attributes from here on may be ignored."


def answer(data: bytes, source: tuple[str, int]) -> bytes | None:
    """The answer to a binding request that came from ``source`` (numeric); None: it is none."""
    if len(data) < _HEADER.size:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind != _REQUEST or cookie != _COOKIE or length != len(data) - _HEADER.size or length % 4:
        return None
    unknown: list[int] = []
    at = _HEADER.size
    while at < len(data):
        attribute, size = _ATTRIBUTE.unpack_from(data, at)
        at += _ATTRIBUTE.size + size + -size % 4
        if at > len(data):
            return None
        if attribute < _OPTIONAL:
            unknown.append(attribute)
    if unknown:
        # §15.6, §15.9: 420, and which they are.
        reason = b"Unknown Attribute"
        attributes = _attribute(_ERROR_CODE, struct.pack("!HBB", 0, 4, 20) + reason)
        attributes += _attribute(_UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(unknown)}H", *unknown))
        return _HEADER.pack(_ERROR, len(attributes), _COOKIE, transaction) + attributes
    address = ip_address(source[0].partition("%")[0])
    mask = struct.pack("!I", _COOKIE) + transaction
    hidden = bytes(one ^ other for one, other in zip(address.packed, mask, strict=False))
    family = 1 if address.version == 4 else 2
    value = struct.pack("!BBH", 0, family, source[1] ^ (_COOKIE >> 16)) + hidden
    mapped = _attribute(_XOR_MAPPED_ADDRESS, value)
    return _HEADER.pack(_SUCCESS, len(mapped), _COOKIE, transaction) + mapped


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)
