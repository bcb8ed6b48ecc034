"""XML of the organisation's own: taken as it is written, or refused at its place."""

import pytest

import rules
from agent.documents.pidf import build, parse
from agent.publisher.compose import presence_document
from rules import Person, RulesError
from rules.decision import Extension
from tests.support.clock import MONDAY_NINE

ACME = "https://acme.example/p"
FRAME = """
version: 1
namespaces: {acme: "https://acme.example/p"}
states:
  here:
    xml: %s
rules:
  - {name: always, then: {state: here}}
"""


def decided(xml: str):
    return rules.evaluate(rules.load(FRAME % xml), Person("alice"), (), MONDAY_NINE).decision


def problems(xml: str):
    with pytest.raises(RulesError) as caught:
        rules.load(FRAME % xml, "rules.yaml")
    return caught.value.problems


def carried(xml: str) -> str:
    """The elements as a watcher's parser finds them."""
    body = build(presence_document(decided(xml), "sip:alice@example.org", None, MONDAY_NINE))
    again = parse(body)
    assert build(again) == body
    return "".join(each.xml() for each in again.persons[0].elements if each.kind.startswith("{https://acme"))


def test_plain_elements_are_text_and_attributes():
    assert decided("""'<acme:room n="1">a &amp; b</acme:room>'""").extensions == (
        Extension(ACME, "room", "a & b", (("n", "1"),)),
    )


@pytest.mark.parametrize(
    ("written", "arrives"),
    [
        (
            "<acme:desk><acme:floor>4</acme:floor> and <acme:seat/></acme:desk>",
            '<acme:desk xmlns:acme="https://acme.example/p">'
            "<acme:floor>4</acme:floor> and <acme:seat/></acme:desk>",
        ),
        (
            "<acme:desk acme:seat='>12'/>",
            '<acme:desk xmlns:acme="https://acme.example/p" acme:seat="&gt;12"/>',
        ),
        (
            "<acme:desk xml:lang='de'>Größe</acme:desk>",
            '<acme:desk xmlns:acme="https://acme.example/p" xml:lang="de">Größe</acme:desk>',
        ),
        (
            "<acme:größe>4</acme:größe>",
            '<acme:größe xmlns:acme="https://acme.example/p">4</acme:größe>',
        ),
        (
            "<d xmlns='https://acme.example/q'><e/></d>",
            '<d xmlns="https://acme.example/q"><e/></d>',
        ),
    ],
)
def test_what_is_more_than_that_arrives_as_it_was_written(written, arrives):
    assert carried('"' + written + '"') == arrives


@pytest.mark.parametrize(
    ("xml", "column", "words", "remedy"),
    [
        (
            '{"acme:desk": {xmlns: "urn:x"}}',
            25,
            "`xmlns` declares a namespace",
            "declare it under `namespaces`",
        ),
        ('{"acme:desk": {"xmlns:x": "urn:x"}}', 25, "`xmlns:x` declares a namespace", "declare it"),
        ("'<desk/>'", 10, "`desk` has no namespace prefix", None),
        ("'<acme:desk><acme:a></acme:desk>'", 10, "not well formed: mismatched tag", None),
        ("""'<r:busy xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"/>'""", 10, "not yours to fill", None),
        ("'" + "<acme:a>" * 25 + "</acme:a>" * 25 + "'", 10, "more than 20 deep", None),
        ("'<acme:a>" + "x" * 9000 + "</acme:a>'", 10, "longer than 8192", None),
        ("'lost words <acme:a/>'", 10, "text outside of any element", None),
    ],
)
def test_what_is_refused_has_a_place_and_a_remedy(xml, column, words, remedy):
    found = problems(xml)
    assert [(one.line, words in one.message) for one in found] == [(6, True)], found
    assert found[0].column == column
    assert remedy is None or remedy in (found[0].hint or "")
