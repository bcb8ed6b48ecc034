"""The hardened parser, and escaping."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.documents.errors import DocumentError
from agent.documents.xml import MAX_BYTES, MAX_DEPTH, attributes_xml, ncname, parse_xml, text_xml

BOMB = b"""<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><b>&c;</b>"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not well-formed"),
        (b"   ", "not well-formed"),
        (b"hello", "not well-formed"),
        (b"<a>", "not well-formed"),
        (b"<a/><b/>", "not well-formed"),
        (b"<a b=1/>", "not well-formed"),
        (b"<a>&nbsp;</a>", "not well-formed"),
        (b"<x:a/>", "not well-formed"),
        # libxml2 warns of the namespace that is no absolute URI, after the error.
        (b'<a><x:b/><c xmlns="relative"/></a>', "prefix x on b is not defined"),
        (b'<a><b x:c="1"/><c xmlns="relative"/></a>', "prefix x for c on b is not defined"),
        (b'<a xmlns:x="u:a" xmlns:y="u:a"><b x:c="" y:c=""/><c xmlns="relative"/></a>', "redefined"),
        (b"\x00\x01\x02", "not well-formed"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "type declaration"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode("utf-16"), "type declaration"),
        (BOMB, "type declaration"),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), "deeper than 50"),
        (b"<a>" + b" " * MAX_BYTES + b"</a>", "larger than"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_refused(body, said):
    with pytest.raises(DocumentError, match=said):
        parse_xml(body)


def test_a_namespace_that_is_no_absolute_uri_is_taken():
    assert parse_xml(b'<a xmlns="relative"/>').tag == "{relative}a"


def test_the_deepest_that_is_taken():
    assert parse_xml(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).tag == "a"


NESTED = b"<a>" * (MAX_DEPTH - 1), b"</a>" * (MAX_DEPTH - 1)


@pytest.mark.parametrize("start", [b'<?xml version="1.0" encoding="UTF-8"?>', b""])
def test_a_document_that_begins_as_usual_is_read_with_the_same_care(start):
    """Such ones are read with blanks after them, and their tags counted."""
    opening, closing = NESTED
    assert parse_xml(start + b"<presence>" + opening + closing + b"</presence>").tag == "presence"
    for inside, said in (
        (b"<b/>", "deeper than 50"),
        (b"<b></b>", "deeper than 50"),
        (b"<b>", "not well-formed"),
    ):
        with pytest.raises(DocumentError, match=said):
            parse_xml(start + b"<presence>" + opening + inside + closing + b"</presence>")
    for after in (b"x", b"<b/>", b"\0"):
        with pytest.raises(DocumentError, match="not well-formed"):
            parse_xml(start + b"<presence/>" + after)


def test_comments_and_instructions_do_not_hide_text():
    assert parse_xml(b"<a>o<!-- no -->pe<?x y?>n</a>").text == "open"


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", "iso-8859-1", "UTF-8", "utf8"])
def test_the_mime_charset_beats_the_declaration(charset):
    body = '<?xml version="1.0" encoding="windows-1252"?><a>grün</a>'.encode(charset)
    assert parse_xml(body, charset).text == "grün"


def test_utf16_declares_itself():
    assert parse_xml('<?xml version="1.0" encoding="UTF-16"?><a>grün</a>'.encode("utf-16")).text == "grün"


@pytest.mark.parametrize("charset", ["idna", "unicode_escape", "base64", "no-such", ""])
def test_charsets_that_are_none(charset):
    with pytest.raises(DocumentError, match="not supported"):
        parse_xml(b"<a/>", charset)


def test_a_charset_that_does_not_fit_the_bytes():
    with pytest.raises(DocumentError, match="is not us-ascii"):
        parse_xml("<a>ü</a>".encode(), "us-ascii")
    with pytest.raises(DocumentError):
        parse_xml("<a>ü</a>".encode("latin-1"), "utf-8")


@given(st.text())
def test_any_text_can_be_written_and_what_xml_can_carry_comes_back(text):
    back = parse_xml(f"<a>{text_xml(text)}</a>".encode()).text or ""
    assert len(back) == len(text)
    assert all(one == two or two == "\ufffd" for one, two in zip(text, back, strict=True))


@given(st.text())
def test_any_value_can_be_written(value):
    element = parse_xml(f"<a{attributes_xml((('b', value), ('{urn:c}d', value)))}/>".encode())
    assert len(element.get("b", "")) == len(value)
    assert element.get("{urn:c}d") == element.get("b")


@given(st.binary() | st.text().map(str.encode))
def test_nothing_but_document_error_escapes(body):
    for charset in (None, "utf-16", "latin1"):
        try:
            parse_xml(body, charset)
        except DocumentError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("text", "name"), [("a1", "a1"), ("432sd", "_432sd"), ("a b", "a_b"), ("ü", "_"), ("", ""), ("-", "_-")]
)
def test_ncname(text, name):
    assert ncname(text) == name
