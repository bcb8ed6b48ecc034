"""Takes secrets out of text that a person or a log will see. Works on SIP transcripts, URLs, JSON and reprs."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"

_SECRET_WORDS = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|private[_-]?key|credentials?"
    r"|nonce|cnonce|nextnonce|rspauth"
)
SECRET_NAME = re.compile(rf"(?:^|.*[_\-.])(?:{_SECRET_WORDS}|authorization|cookie)$", re.IGNORECASE)
"Names of settings and log fields whose values are secrets."

# Lengths are bounded wherever a match can begin at many places, so that hostile text cannot make this slow.
_FOLDED_LINE = r"[^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*"
_AUTH_HEADER = re.compile(
    r"((?:proxy-)?authorization|(?:www|proxy)-authenticate|(?:proxy-)?authentication-info|set-cookie2?|cookie)"
    rf"(\\?[\"']?[ \t]*[:=][ \t]*\\?[\"']?)(\w+(?=\s))?{_FOLDED_LINE}",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic|digest)[ \t]+(?=[\w+/~.=-]*[\d=._-])[\w+/~.=-]{8,}", re.IGNORECASE)
_URL_USER = re.compile(r"\b([a-z][a-z0-9+.-]{0,15}://)[^/\s\"'<>]{0,500}@", re.IGNORECASE)
_SIP_PASSWORD = re.compile(r"\b(sips?:[^\s:@;<>\"]{1,200}):[^\s@;<>\"]{1,200}@", re.IGNORECASE)
_PAIR = re.compile(
    rf"(?P<name>\b(?:[a-z0-9]{{1,40}}[_-]){{0,4}}(?:{_SECRET_WORDS}))(?P<is>\\?[\"']?\s?=\s?|\\?[\"']\s?:\s?)"
    r"(?P<quote>\\?[\"'])?(?(quote)[^\"'\\\r\n]*|(?!\[redacted\])[^\s,;&\"'<>)}\]]+)",
    re.IGNORECASE,
)
_DIGEST_ANSWER = re.compile(r"\b(response|opaque)=\\?\"[^\"\\]*", re.IGNORECASE)
_QUERY_SECRET = re.compile(r"([?&](?:key|code|auth|sig|signature|sign|t)=)[^&\s\"'<>#]+", re.IGNORECASE)
_YAML_PAIR = re.compile(
    r"\b((?:[a-z0-9]+_){0,4}(?:password|passwd|passphrase|secret|token|api_key))"
    r"(:[ \t]+)(?!null\b|\[redacted\])\S[^\r\n,}]*",
    re.IGNORECASE,
)
_URL_PATH = re.compile(r"\b((?:https?|webcals?)://[^/\s\"'<>]+)(/[^\s\"'<>?#]*)", re.IGNORECASE)
_INGRESS_TOKEN = re.compile(r"\blamp_[\w-]{16,64}")
"""See `agent.web.ingress.tokens`."""
_TOKEN_SEGMENT = re.compile(r"(?<=/)(private-)?(?=[^/]*\d)(?=[^/]*[A-Za-z])[A-Za-z0-9_~-]{16,}(?=/|$|\.)")


def redact(text: str) -> str:
    """The text without passwords, tokens, digest answers, user parts of URLs and secret links.

    A long mixed path segment of a web address counts as secret too, because that is how calendars are shared
    by link. Errs on the side of hiding. Applying it twice changes nothing.
    """
    text = _INGRESS_TOKEN.sub(HIDDEN, text)
    text = _AUTH_HEADER.sub(_hide_header, text)
    text = _URL_USER.sub(rf"\1{HIDDEN}@", text)
    text = _SIP_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    text = _URL_PATH.sub(_hide_path, text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _QUERY_SECRET.sub(rf"\1{HIDDEN}", text)
    text = _DIGEST_ANSWER.sub(rf'\1="{HIDDEN}', text)
    text = _PAIR.sub(rf"\g<name>\g<is>\g<quote>{HIDDEN}", text)
    return _YAML_PAIR.sub(rf"\1\2{HIDDEN}", text)


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which values under secret names are hidden and every text went through `redact`."""
    return {name: _redact_value(name, value) for name, value in fields.items()}


def _redact_value(name: str, value: Any) -> Any:
    if SECRET_NAME.match(name) and value is not None and not isinstance(value, bool | int | float):
        return HIDDEN
    if isinstance(value, Mapping):
        return redact_fields({str(key): inner for key, inner in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(name, inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def _hide_header(found: re.Match[str]) -> str:
    scheme = f"{found[3]} " if found[3] else ""
    return f"{found[1]}{found[2]}{scheme}{HIDDEN}"


def _hide_path(found: re.Match[str]) -> str:
    return found[1] + _TOKEN_SEGMENT.sub(HIDDEN, found[2])
