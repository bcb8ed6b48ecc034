"""The namespaces of presence documents and the prefixes that we write them with."""

PIDF = "urn:ietf:params:xml:ns:pidf"
DATA_MODEL = "urn:ietf:params:xml:ns:pidf:data-model"
RPID = "urn:ietf:params:xml:ns:pidf:rpid"
LOCATION_TYPE = "urn:ietf:params:xml:ns:location-type"
TIMED_STATUS = "urn:ietf:params:xml:ns:pidf:timed-status"
CIPID = "urn:ietf:params:xml:ns:pidf:cipid"
CAPS = "urn:ietf:params:xml:ns:pidf:caps"
GEOPRIV = "urn:ietf:params:xml:ns:pidf:geopriv10"
BASIC_POLICY = "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"
DIALOG_INFO = "urn:ietf:params:xml:ns:dialog-info"
LAMPLIGHTER = "urn:lamplighter:presence"

# Declared on the root in this order. `rpid` is literal: COMPAT(baresip 1.0.0): finds activities by the
# regular expression `<rpid:away` and so on, whatever the prefix is bound to.
PREFIXES = (
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


_DECLARED = [(f"<{prefix}:", f' xmlns:{prefix}="{uri}"') for prefix, uri in PREFIXES]


def declarations(body: str) -> str:
    """The declarations of those of our prefixes that `body` uses, as they follow the root's name."""
    return "".join([declared for used, declared in _DECLARED if used in body])
