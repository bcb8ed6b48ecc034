"""The namespaces of presence documents and the prefixes that we write them with."""

from typing import Final

PIDF: Final = "urn:ietf:params:xml:ns:pidf"
DATA_MODEL: Final = "urn:ietf:params:xml:ns:pidf:data-model"
RPID: Final = "urn:ietf:params:xml:ns:pidf:rpid"
LOCATION_TYPE: Final = "urn:ietf:params:xml:ns:location-type"
TIMED_STATUS: Final = "urn:ietf:params:xml:ns:pidf:timed-status"
CIPID: Final = "urn:ietf:params:xml:ns:pidf:cipid"
CAPS: Final = "urn:ietf:params:xml:ns:pidf:caps"
GEOPRIV: Final = "urn:ietf:params:xml:ns:pidf:geopriv10"
BASIC_POLICY: Final = "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"
DIALOG_INFO: Final = "urn:ietf:params:xml:ns:dialog-info"
LAMPLIGHTER: Final = "urn:lamplighter:presence"

# Declared on the root in this order. `rpid` is literal: COMPAT(baresip 1.0.0): finds activities by the
# regular expression `<rpid:away` and so on, whatever the prefix is bound to.
PREFIXES: Final = (
    ("dm", DATA_MODEL),
    ("rpid", RPID),
    ("lt", LOCATION_TYPE),
    ("ts", TIMED_STATUS),
    ("ci", CIPID),
    ("caps", CAPS),
    ("gp", GEOPRIV),
    ("gbp", BASIC_POLICY),
    ("ll", LAMPLIGHTER),
)


_DECLARED: Final = [(f"<{prefix}:", f' xmlns:{prefix}="{uri}"') for prefix, uri in PREFIXES]


def declarations(body: str) -> str:
    """The declarations of those of our prefixes that `body` uses, as they follow the root's name."""
    return "".join([declared for used, declared in _DECLARED if used in body])
