"""XML from strangers. Pure."""

from lxml import etree

from connectors.errors import BadData


def parse(body: bytes) -> etree._Element:
    """XML from a server: no DTD, no entities, no network, no huge trees. Raises `BadData`."""
    if b"<!DOCTYPE" in body[:4096] or b"<!ENTITY" in body[:4096]:
        raise BadData("the answer holds a document type, which is not accepted")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise BadData(f"the answer is not XML (line {error.lineno})") from None
    except ValueError:
        raise BadData("the answer is not XML") from None
