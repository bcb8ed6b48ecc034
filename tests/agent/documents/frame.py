"""The frame of a valid presence document (RFC 3863 §4.4, RFC 4479 §5) as RELAX NG: order, names, types."""

from lxml import etree

PIDF = "urn:ietf:params:xml:ns:pidf"
DM = "urn:ietf:params:xml:ns:pidf:data-model"

_GRAMMAR = f"""
<grammar xmlns="http://relaxng.org/ns/structure/1.0"
         datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <start><element name="presence" ns="{PIDF}">
    <attribute name="entity"><data type="anyURI"/></attribute>
    <ref name="foreign-attributes"/>
    <zeroOrMore><element name="tuple" ns="{PIDF}">
      <attribute name="id"><data type="NCName"/></attribute>
      <ref name="foreign-attributes"/>
      <element name="status" ns="{PIDF}">
        <optional><element name="basic" ns="{PIDF}"><choice>
          <value>open</value><value>closed</value>
        </choice></element></optional>
        <ref name="others-than-pidf"/>
      </element>
      <ref name="others-than-pidf"/>
      <optional><element name="contact" ns="{PIDF}">
        <optional><attribute name="priority">
          <data type="decimal"><param name="pattern">0(\\.[0-9]{{0,3}})?|1(\\.0{{0,3}})?</param></data>
        </attribute></optional>
        <data type="anyURI"/>
      </element></optional>
      <ref name="pidf-notes"/>
      <optional><element name="timestamp" ns="{PIDF}"><data type="dateTime"/></element></optional>
    </element></zeroOrMore>
    <ref name="pidf-notes"/>
    <zeroOrMore><choice>
      <element name="person" ns="{DM}"><ref name="component"/><ref name="dm-end"/></element>
      <element name="device" ns="{DM}">
        <ref name="component"/>
        <element name="deviceID" ns="{DM}"><data type="anyURI"/></element>
        <ref name="dm-end"/>
      </element>
      <element><anyName><except><nsName ns="{PIDF}"/><nsName ns="{DM}"/></except></anyName>
        <ref name="anything"/></element>
    </choice></zeroOrMore>
  </element></start>
  <define name="component">
    <attribute name="id"><data type="NCName"/></attribute>
    <ref name="foreign-attributes"/>
    <zeroOrMore><element><anyName><except><nsName ns="{DM}"/></except></anyName>
      <ref name="anything"/></element></zeroOrMore>
  </define>
  <define name="dm-end">
    <zeroOrMore><element name="note" ns="{DM}"><ref name="note"/></element></zeroOrMore>
    <optional><element name="timestamp" ns="{DM}"><data type="dateTime"/></element></optional>
  </define>
  <define name="pidf-notes">
    <zeroOrMore><element name="note" ns="{PIDF}"><ref name="note"/></element></zeroOrMore>
  </define>
  <define name="note">
    <optional><attribute name="xml:lang"><data type="language"/></attribute></optional><text/>
  </define>
  <define name="others-than-pidf">
    <zeroOrMore><element><anyName><except><nsName ns="{PIDF}"/></except></anyName>
      <ref name="anything"/></element></zeroOrMore>
  </define>
  <define name="foreign-attributes">
    <zeroOrMore><attribute><anyName><except><name>id</name><name>entity</name></except></anyName>
      </attribute></zeroOrMore>
  </define>
  <define name="anything"><mixed><zeroOrMore><choice>
    <attribute><anyName/></attribute><element><anyName/><ref name="anything"/></element>
  </choice></zeroOrMore></mixed></define>
</grammar>"""

_VALIDATOR = etree.RelaxNG(etree.fromstring(_GRAMMAR))


def assert_valid(body: bytes) -> None:
    """Fails with the validator's words when `body` is not a valid presence document."""
    _VALIDATOR.assertValid(etree.fromstring(body))
