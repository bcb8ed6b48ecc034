"""RFC 4475 §3.1.1: messages that look broken and are not."""

from agent.sip.messages import Request
from agent.sip.values import address_of_record, parse_name_addr, parse_uri, parse_via
from tests.support.sip import answer, lines, wire
from tests.torture.case import CONTACT, NOTIFY, SDP, Case, Message, Outcome, invite, replaced

WHITE_SPACE = lines(
    "INVITE sip:carol@desk.example.net;unheardof SIP/2.0",
    "TO :",
    " sip:carol@desk.example.net ;   tag    = 77aa01z",
    'from   : "C Lamp \\\\\\""       <sip:dave@example.net>',
    "  ;",
    "  tag = 90fgh",
    "MaX-fOrWaRdS: 0042",
    "Call-ID: folded@192.0.2.33",
    f"Content-Length   : {len(SDP)}",
    "cseq: 0012",
    "  INVITE",
    "Via  : SIP  /   2.0",
    " /UDP",
    "    192.0.2.44;branch=552xyz",
    "s :",
    "BrandNewHeader:   brand new",
    " and longer",
    "HeaderThatWouldBeNoList: ;;,,;;,;",
    "Content-Type: application/sdp",
    "Route:",
    " <sip:services.example.net;lr;strange=value;bare>",
    "v:  SIP  / 2.0  / TCP     hop.example.net   ;",
    "  branch  =   z9hG4bK7  ,",
    " SIP  /    2.0   / UDP  192.0.2.77   ; branch=",
    " z9hG4bK8",
    'm:"Quoted \\"\\"" <sip:dave@example.net> ; fresh =',
    "      value ;",
    "  second ; q = 0.33",
    body=SDP,
)


def check_white_space(message: Message) -> None:
    assert (message.to.uri, message.to.tag) == ("sip:carol@desk.example.net", "77aa01z")
    assert (message.from_.display, message.from_.tag) == ('C Lamp \\"', "90fgh")
    assert (message.cseq.number, message.cseq.method) == (12, "INVITE")
    vias = [parse_via(value) for value in message.headers.values("Via")]
    assert [(via.transport, via.host, via.branch) for via in vias] == [
        ("UDP", "192.0.2.44", "552xyz"),
        ("TCP", "hop.example.net", "z9hG4bK7"),
        ("UDP", "192.0.2.77", "z9hG4bK8"),
    ]
    assert message.headers.get("Subject") == ""
    assert message.headers.get("Brandnewheader") == "brand new and longer"
    contact = parse_name_addr(message.headers.values("Contact")[0])
    assert (contact.display, contact.params) == ('Quoted ""', {"fresh": "value", "second": None, "q": "0.33"})


ODD_USER = "9_odd.Name~(to-be!sure)&so+on$/mad?,/;;*:&pass=1,word!*~d_(quite)"
ODD_METHOD = "!strange-Method42_*+`.%indeed'~"
WIDE_RANGE = lines(
    f"{ODD_METHOD} sip:{ODD_USER}@example.net SIP/2.0",
    "Via: SIP/2.0/TCP host7.example.net;branch=z9hG4bK-.!%66*_+`'~",
    f'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:{ODD_USER}@example.net>',
    "From: word1~` word2'+_ word3*%!.- <sip:plain@example.net>;param''~+*_!.-%=\"работает\";tag=_t~1'+`*%!-.",
    "Call-ID: odd.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
    f"CSeq: 139122385 {ODD_METHOD}",
    "Max-Forwards: 255",
    "strangeHeader-!.%*+_`'~: \ufeff大停電",
    "Content-Length: 0",
)


def check_wide_range(message: Message) -> None:
    assert isinstance(message, Request)
    assert message.method == ODD_METHOD != "INVITE"
    assert message.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_.tag == "_t~1'+`*%!-."
    assert message.from_.params["param''~+*_!.-%"] == "работает"
    assert address_of_record(message.uri).endswith("@example.net")
    assert message.encode() == WIDE_RANGE.replace(b"strangeHeader", b"Strangeheader")


ESCAPES = invite(
    uri="sip:sips%3Abob%40example.org@example.net",
    to="sip:%62o%62@example.org",
    from_="<sip:I%20have%20blanks@example.net>;tag=9",
).replace(CONTACT.encode(), b"Contact:\r\n  <sip:cal%6Cer@192.0.2.50;%6C%72;n%61me=v%61lue%25%34%31>")


def check_escapes(message: Message) -> None:
    assert isinstance(message, Request)
    assert parse_uri(message.uri).user == "sips:bob@example.org"
    assert address_of_record(message.to.uri) == "sip:bob@example.org"
    contact = parse_name_addr(message.headers.values("Contact")[0])
    assert contact.uri.endswith(
        ";n%61me=v%61lue%25%34%31"
    )  # untouched: unescaping is done once, by who needs it


ESCAPED_NULLS = wire(
    "REGISTER",
    "Contact: <sip:%00@192.0.2.50>",
    "Contact: <sip:%00%00@192.0.2.50>",
    to="sip:nul-%00-nul@example.org",
    from_="sip:nul-%00-nul@example.org;tag=8",
    uri="sip:example.org",
).replace(b"Content-Length: 0", b"L:0")


def check_escaped_nulls(message: Message) -> None:
    assert address_of_record(message.to.uri) != address_of_record("sip:nul-@example.org")
    first, second = (parse_name_addr(value).uri for value in message.headers.values("Contact"))
    assert address_of_record(first) != address_of_record(second)


NO_ESCAPES = wire(
    "RE%47IST%45R",
    "Contact: <sip:one@192.0.2.50>",
    "C%6Fntact: <sip:two@192.0.2.50>",
    "Contact: <sip:three@192.0.2.50>",
    to='"%Z%45" <sip:bob@example.org>',
    from_='"%Z%45" <sip:bob@example.org>;tag=f2',
    via="SIP/2.0/TCP host.example.net;branch=z9hG4bK209%fzs",
)


def check_no_escapes(message: Message) -> None:
    assert isinstance(message, Request) and message.method == "RE%47IST%45R"
    assert message.to.display == "%Z%45"
    assert len(message.headers.values("Contact")) == 2


LONG_TAG = "12" + "982" * 50 + "424"
LONG_VALUES = invite(
    "Unknown-"
    + "Long" * 20
    + "-Name: unknown-"
    + "long" * 20
    + "-value; unknown-"
    + "long" * 20
    + "-name = x",
    *(
        f"{name}: SIP/2.0/TCP hop{index}.example.net"
        for index, name in enumerate(["v", "V", "ViA", "VIA", "via", "V ", "v  "] * 5)
    ),
    to='"I am a '
    + "very" * 10
    + ' large name"<sip:bob@example.org:6000;p1='
    + "long" * 20
    + ";"
    + "long" * 25
    + "Bare>",
    from_="sip:"
    + "amazinglylong" * 5
    + f"@example.net;tag={LONG_TAG};param"
    + "name" * 20
    + "="
    + "value" * 15,
    call_id="long." + "really" * 20,
    via="SIP/2.0/TCP last.example.net;received=192.0.2.5;branch=very" + "long" * 50 + "value",
)


def check_long_values(message: Message) -> None:
    assert message.from_.tag == LONG_TAG
    assert len(message.headers.values("Via")) == 36
    assert len(message.via.branch or "") == 209


TWO_REQUESTS = wire("REGISTER", "Contact: sip:alice@192.0.2.50", uri="sip:example.org") + invite(
    via="SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK2", call_id="call-2"
)

SEMICOLON_USER = wire(
    "OPTIONS",
    "Accept: application/sdp, text/plain,",
    "        message/sipfrag",
    uri="sip:bob;par=u%40example.net@example.org",
)


def check_semicolon_user(message: Message) -> None:
    assert isinstance(message, Request)
    uri = parse_uri(message.uri)
    assert (uri.user, uri.host) == ("bob;par=u@example.net", "example.org")
    assert message.headers.values("Accept")[-1] == "message/sipfrag"


TRANSPORTS = wire(
    "OPTIONS",
    *(
        f"Via: SIP/2.0/{name} {name.lower()}.example.net;branch=z9hG4bK{name}"
        for name in ("SCTP", "TLS", "PIGEON", "TCP")
    ),
)

MULTIPART_BODY = (
    b"--edge\r\nContent-Type: text/plain\r\n\r\nHello\r\n--edge\r\nContent-Type: application/octet-stream\r\n\r\n"
    + bytes(range(256))
    + b"\r\n\r\n\0\0\r\n--edge--\r\n"
)
MULTIPART = wire(
    "MESSAGE",
    "Content-Type: multipart/mixed;boundary=edge",
    "Content-Transfer-Encoding: binary",
    body=MULTIPART_BODY,
)


def check_multipart(message: Message) -> None:
    assert message.body == MULTIPART_BODY


ODD_REASON = replaced(answer(NOTIFY), "200 OK", "200 = 2**3 * 5**2 но сто девяносто девять - простое")
NO_REASON = replaced(answer(NOTIFY), "200 OK", "100 ")

VALID = [
    Case("wsinv", "3.1.1.1", WHITE_SPACE, Outcome.REQUEST, served=405, check=check_white_space),
    Case("intmeth", "3.1.1.2", WIDE_RANGE, Outcome.REQUEST, served=501, check=check_wide_range),
    Case("esc01", "3.1.1.3", ESCAPES, Outcome.REQUEST, served=405, check=check_escapes),
    Case("escnull", "3.1.1.4", ESCAPED_NULLS, Outcome.REQUEST, served=200, check=check_escaped_nulls),
    Case("esc02", "3.1.1.5", NO_ESCAPES, Outcome.REQUEST, served=501, check=check_no_escapes),
    Case(
        "lwsdisp", "3.1.1.6", wire(from_="caller<sip:alice@example.org>;tag=323"), Outcome.REQUEST, served=200
    ),
    Case("longreq", "3.1.1.7", LONG_VALUES, Outcome.REQUEST, served=405, check=check_long_values),
    Case("dblreq", "3.1.1.8", TWO_REQUESTS, Outcome.REQUEST, served=200),
    Case("semiuri", "3.1.1.9", SEMICOLON_USER, Outcome.REQUEST, served=200, check=check_semicolon_user),
    Case("transports", "3.1.1.10", TRANSPORTS, Outcome.REQUEST, served=200),
    Case("mpart01", "3.1.1.11", MULTIPART, Outcome.REQUEST, served=405, check=check_multipart),
    Case("unreason", "3.1.1.12", ODD_REASON, Outcome.RESPONSE),
    Case("noreason", "3.1.1.13", NO_REASON, Outcome.RESPONSE),
]
