"""The event state compositor's decisions against a model of RFC 3903 §6: any sequence of requests, any timing."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from agent.presence.packages import PRESENCE
from agent.presence.publication import PublishRequest, Refused, Removed, Stored, decide
from agent.presence.records import Publication

PIDF = "application/pidf+xml"
LIMITS = PRESENCE.publish_limits

steps = st.lists(
    st.tuples(
        st.sampled_from(["none", "current", "old", "invented", "malformed"]),
        st.sampled_from([None, 0, 5, 60, 600, 10**9]),
        st.sampled_from([b"", b"<a/>", b"<b/>", b"bad"]),
        st.sampled_from([PIDF, "text/plain", None]),
        st.sampled_from([0.0, 30.0, 700.0]),
    ),
    max_size=20,
)


@given(steps)
def test_any_sequence_keeps_to_the_rules(script) -> None:
    live: dict[str, Publication] = {}
    used: list[str] = []
    tokens = (f"t{number}" for number in count())
    now = 0.0
    for which, expires, body, content_type, pause in script:
        now += pause
        tags = [row.entity_tag for row in live.values()]
        dead = [tag for tag in used if tag not in tags]
        wanted = {
            "none": None,
            "current": tuple(tags[-1:]) or ("never",),
            "old": tuple(dead[-1:]) or ("never",),
            "invented": ("invented",),
            "malformed": ("a", "b"),
        }[which]
        request = PublishRequest("sip:a@b", "sip:a@b", 50, wanted, expires, content_type, body)
        found = {row.entity_tag: row for row in live.values()}
        before = dict(live)
        outcome = decide(
            request, PRESENCE, found.get, lambda text: "bad" if text == b"bad" else None, tokens.__next__, now
        )
        current = found.get(wanted[0]) if wanted is not None and len(wanted) == 1 else None
        if current is not None and current.expires_at <= now:
            current = None
        if isinstance(outcome, Refused):
            assert live == before
            if which == "malformed":
                assert outcome.status == 400
            elif wanted is not None and current is None:
                assert outcome.status == 412
            elif expires == 5:
                assert outcome.status == 423
            elif not body:
                assert outcome.status == 400 and current is None
            else:
                assert outcome.status == (415 if content_type != PIDF else 400)
        elif isinstance(outcome, Removed):
            assert expires == 0 and outcome.publication == current
            assert outcome.entity_tag not in used
            used.append(outcome.entity_tag)
            if current is not None:
                del live[current.id]
        else:
            assert isinstance(outcome, Stored)
            row = outcome.publication
            asked = LIMITS.default if expires is None else expires
            assert outcome.expires == min(asked, LIMITS.maximum) and row.expires_at == now + outcome.expires
            assert row.entity_tag not in used
            used.append(row.entity_tag)
            assert (row.id in live) == (current is not None)
            assert row.body == (body or before[row.id].body)
            assert outcome.changed == (current is None or row.body != current.body)
            live[row.id] = row
