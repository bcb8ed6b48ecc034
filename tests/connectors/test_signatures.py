"""Signatures as sources really make them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.signatures import BadSignature, Signature

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GITHUB = Signature(header="X-Hub-Signature-256", value="sha256={signature}")


def test_the_example_of_githubs_documentation():
    # docs.github.com, "Validating webhook deliveries": testing the webhook payload validation.
    shown = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": shown}
    GITHUB.check("It's a Secret to Everybody", headers, b"Hello, World!", NOW)
    with pytest.raises(BadSignature):
        GITHUB.check("It's a Secret to Everybody", headers, b"Hello, World?", NOW)
    for wrong in (
        {},
        {"x-hub-signature-256": shown.removeprefix("sha256=")},
        {"x-hub-signature-256": "sha256=zz"},
    ):
        with pytest.raises(BadSignature):
            GITHUB.check("It's a Secret to Everybody", wrong, b"Hello, World!", NOW)


@pytest.mark.parametrize(
    ("scheme", "stamp"),
    [
        (
            Signature(header="Signature", value="t={timestamp},v1={signature}", signed="{timestamp}.{body}"),
            NOW.timestamp(),
        ),
        (
            Signature(
                header="X-Slack-Signature",
                value="v0={signature}",
                signed="v0:{timestamp}:{body}",
                timestamp_header="X-Slack-Request-Timestamp",
            ),
            NOW.timestamp(),
        ),
        (
            Signature(
                header="X-S",
                signed="{timestamp}{body}",
                timestamp_header="X-T",
                algorithm="sha512",
                encoding="base64",
            ),
            NOW.timestamp() * 1000,
        ),
    ],
)
def test_schemes_with_a_time_stamp(scheme, stamp):
    text = f"{stamp:.0f}"
    signed = scheme.signed.replace("{timestamp}", text).encode().replace(b"{body}", b"{}")
    digest = hmac.new(b"k", signed, scheme.algorithm).digest()
    shown = digest.hex() if scheme.encoding == "hex" else base64.b64encode(digest).decode()
    headers = {scheme.header.lower(): scheme.value.replace("{timestamp}", text).replace("{signature}", shown)}
    if scheme.timestamp_header is not None:
        headers[scheme.timestamp_header.lower()] = text
    scheme.check("k", headers, b"{}", NOW)
    scheme.check("k", headers, b"{}", NOW + timedelta(minutes=5))
    for late in (timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)):
        with pytest.raises(BadSignature, match="time stamp"):
            scheme.check("k", headers, b"{}", NOW + late)


def test_one_of_several_signatures_is_enough_while_a_secret_is_changed():
    scheme = Signature(header="S", value="v1,{signature}", encoding="base64")
    right = base64.b64encode(hmac.new(b"new", b"x", hashlib.sha256).digest()).decode()
    wrong = base64.b64encode(hmac.new(b"old", b"x", hashlib.sha256).digest()).decode()
    scheme.check("new", {"s": f"v1,{wrong} v1,{right}"}, b"x", NOW)


@given(st.binary(max_size=40), st.text(max_size=60))
def test_nothing_that_is_shown_makes_it_stumble(body, shown):
    with pytest.raises(BadSignature):
        GITHUB.check("secret", {"x-hub-signature-256": shown}, body, NOW)


@pytest.mark.parametrize(
    "given",
    [
        {"header": "S", "value": "nothing"},
        {"header": "S", "signed": "{timestamp}"},
        {"header": "S", "signed": "{timestamp}.{body}"},
        {"header": "S", "timestamp_header": "T"},
        {"header": "S", "value": "{signature}{nonce}"},
        {"header": "S:"},
    ],
)
def test_schemes_that_make_no_sense(given):
    with pytest.raises(ValidationError):
        Signature.model_validate(given)
