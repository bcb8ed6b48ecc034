"""SIPp's scenarios are written for the plain way; here they are made ready for passwords and for proxies."""

import re

_SEND = re.compile(
    r"  <send[^>]*>\s*<!\[CDATA\[\s*(?P<method>[A-Z]+) (?P<uri>\S+) SIP/2\.0\n.*?</send>\n", re.S
)
_RECEIVE = re.compile(r"<recv (?=response=\"200\"|request=)")
_CHALLENGE = '\n  <recv response="401" auth="true" timeout="5000"/>\n\n'
_TO_TAG = ";tag=[$totag]"


def adapted(scenario: str, *, digest: bool, proxy: bool) -> str:
    """``digest``: each request is challenged, and sent again with credentials, by the one user that it is all about.
    ``proxy``: the dialog has a route.
    """
    if proxy:
        scenario = _RECEIVE.sub('<recv rrs="true" ', scenario)
        scenario = _SEND.sub(_routed, scenario)
    if digest:
        scenario = scenario.replace("sip:bob@example.org", "sip:[user]@example.org")
        scenario = scenario.replace("[user]-[call_number]@", "[user]@")
        scenario = _SEND.sub(_challenged, scenario)
    return scenario


def _routed(found: "re.Match[str]") -> str:
    text = found[0]
    if _TO_TAG not in text or found["method"] == "PUBLISH":
        return text
    return text.replace(f" {found['uri']} SIP", " [next_url] SIP", 1).replace(
        "      Max-Forwards", "      [routes]\n      Max-Forwards", 1
    )


def _challenged(found: "re.Match[str]") -> str:
    text = found[0]
    signed = text.replace("      Max-Forwards", "      [authentication]\n      Max-Forwards", 1)
    return text + _CHALLENGE + signed
