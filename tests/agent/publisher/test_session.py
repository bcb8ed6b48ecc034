"""The RFC 3903 client machine, in virtual time, against itself and against a model of a server."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.publisher.session import (
    STOPPED_RETRY,
    Kind,
    Publish,
    Session,
    State,
    Stopped,
    Wait,
)
from agent.sip.headers import Headers
from agent.sip.patience import LONGEST_BACKOFF

NOW = 1000.0


def session(expires: int = 3600, spread: float = 0.0) -> Session:
    return Session(expires, lambda: spread, NOW)


def granted(tag: str, expires: int = 3600) -> Headers:
    return Headers([("SIP-ETag", tag), ("Expires", str(expires))])


def published(body: bytes = b"one", expires: int = 3600, spread: float = 0.0) -> Session:
    """A session whose first publication has been granted the tag `t1` at NOW."""
    it = session(expires, spread)
    it.desire(body, NOW)
    assert it.next_action(NOW) == Publish(Kind.INITIAL, None, expires, body)
    it.response(200, granted("t1", expires), NOW)
    return it


def test_nothing_desired_means_nothing_sent() -> None:
    assert session().next_action(NOW) == Wait(None)


def test_the_first_publication_has_no_tag_and_then_all_is_well() -> None:
    it = published()
    assert it.health.state is State.PUBLISHED
    assert (it.entity_tag, it.expires_at) == ("t1", NOW + 3600)


@pytest.mark.parametrize(("spread", "share"), [(0.0, 0.8), (0.999, 0.8999)])
def test_a_refresh_comes_without_body_before_the_granted_end(spread: float, share: float) -> None:
    it = published(spread=spread)
    waiting = it.next_action(NOW)
    assert isinstance(waiting, Wait) and waiting.until is not None
    assert waiting.until == pytest.approx(NOW + 3600 * share)
    assert it.next_action(waiting.until) == Publish(Kind.REFRESH, "t1", 3600, None)


def test_the_granted_lifetime_counts_and_never_more_than_was_asked_for() -> None:
    for answer, lifetime in ((60, 60), (7200, 3600), (None, 3600)):
        it = session()
        it.desire(b"one", NOW)
        it.next_action(NOW)
        it.response(200, granted("t", answer) if answer else Headers([("SIP-ETag", "t")]), NOW)
        assert it.expires_at == NOW + lifetime


def test_every_answer_brings_the_next_tag() -> None:
    it = published()
    refresh_at = NOW + 2880
    it.next_action(refresh_at)
    it.response(200, granted("t2"), refresh_at)
    it.desire(b"two", refresh_at + 1)
    assert it.next_action(refresh_at + 1) == Publish(Kind.MODIFY, "t2", 3600, b"two")


def test_changes_while_a_request_is_under_way_coalesce() -> None:
    it = session()
    it.desire(b"one", NOW)
    it.next_action(NOW)
    for body in (b"two", b"three", b"four"):
        it.desire(body, NOW)
        assert it.next_action(NOW) == Wait(None)
    it.response(200, granted("t1"), NOW)
    assert it.next_action(NOW) == Publish(Kind.MODIFY, "t1", 3600, b"four")


def test_a_change_taken_back_meanwhile_sends_nothing() -> None:
    it = published()
    it.desire(b"two", NOW)
    it.desire(b"one", NOW)
    assert isinstance(it.next_action(NOW), Wait)


def test_removal_carries_the_tag_and_no_body() -> None:
    it = published()
    it.desire(None, NOW)
    assert it.next_action(NOW) == Publish(Kind.REMOVE, "t1", 0, None)
    it.response(200, Headers([("Expires", "0")]), NOW)
    assert it.next_action(NOW) == Wait(None)
    assert it.health.state is State.IDLE
    assert it.entity_tag is None


def test_state_desired_during_the_removal_is_published_anew() -> None:
    it = published()
    it.desire(None, NOW)
    it.next_action(NOW)
    it.desire(b"one", NOW)
    it.response(200, Headers(), NOW)
    assert it.next_action(NOW) == Publish(Kind.INITIAL, None, 3600, b"one")


def test_412_leads_to_the_full_state_without_tag_at_once() -> None:
    it = published()
    refresh_at = NOW + 2880
    it.next_action(refresh_at)
    it.response(412, Headers(), refresh_at)
    assert it.next_action(refresh_at) == Publish(Kind.INITIAL, None, 3600, b"one")


def test_412_to_a_removal_means_that_it_is_done() -> None:
    it = published()
    it.desire(None, NOW)
    it.next_action(NOW)
    it.response(412, Headers(), NOW)
    assert it.next_action(NOW) == Wait(None)


def test_423_asks_for_what_the_server_wants() -> None:
    it = session(expires=60)
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(423, Headers([("Min-Expires", "300")]), NOW)
    assert it.next_action(NOW) == Publish(Kind.INITIAL, None, 300, b"one")


@pytest.mark.parametrize(
    "headers", [Headers(), Headers([("Min-Expires", "60")]), Headers([("Min-Expires", "x")])]
)
def test_423_that_names_nothing_longer_does_not_loop(headers: Headers) -> None:
    it = session(expires=60)
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(423, headers, NOW)
    assert isinstance(it.next_action(NOW), Stopped)


def test_503_waits_as_long_as_the_server_says() -> None:
    it = published()
    it.desire(b"two", NOW)
    it.next_action(NOW)
    it.response(503, Headers([("Retry-After", "120;duration=60 (maintenance)")]), NOW)
    it.desire(b"three", NOW + 1)
    assert it.next_action(NOW + 1) == Wait(NOW + 120)
    assert it.health.state is State.RETRYING
    assert it.next_action(NOW + 120) == Publish(Kind.MODIFY, "t1", 3600, b"three")


def test_silence_backs_off_longer_each_time_and_is_never_given_up() -> None:
    it = session()
    it.desire(b"one", NOW)
    now, delays = NOW, []
    for _ in range(14):
        assert isinstance(it.next_action(now), Publish)
        it.failed("no answer", now)
        waiting = it.next_action(now)
        assert isinstance(waiting, Wait) and waiting.until is not None
        delays.append(waiting.until - now)
        now = waiting.until
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (1.0, LONGEST_BACKOFF)
    assert (it.health.state, it.health.reason, it.health.failures) == (State.RETRYING, "no answer", 14)
    it.next_action(now)
    it.response(200, granted("t"), now)
    assert (it.health.state, it.health.failures) == (State.PUBLISHED, 0)


def test_a_publication_that_expired_meanwhile_starts_afresh() -> None:
    it = published(expires=60)
    it.next_action(NOW + 48)
    it.failed("no answer", NOW + 59.5)
    assert it.next_action(NOW + 61) == Publish(Kind.INITIAL, None, 60, b"one")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 415, 489, 501, 603])
def test_a_refusal_is_reported_with_a_reason_and_tried_again_slowly(status: int) -> None:
    it = session()
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(status, Headers(), NOW)
    stopped = it.next_action(NOW)
    assert isinstance(stopped, Stopped)
    assert stopped.reason.startswith(f"{status}: ") and len(stopped.reason) > 15
    assert stopped.until == NOW + STOPPED_RETRY
    assert it.health.state is State.STOPPED
    assert isinstance(it.next_action(stopped.until), Publish)


@pytest.mark.parametrize(
    ("status", "at_once"), [(415, True), (413, True), (400, True), (403, False), (404, False)]
)
def test_another_document_is_tried_at_once_where_the_last_one_was_at_fault(
    status: int, at_once: bool
) -> None:
    it = session()
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(status, Headers(), NOW)
    it.desire(b"one", NOW + 1)
    assert isinstance(it.next_action(NOW + 1), Stopped)
    it.desire(b"two", NOW + 2)
    assert isinstance(it.next_action(NOW + 2), Publish) == at_once


@pytest.mark.parametrize("status", [408, 480, 500, 502, 504, 599])
def test_passing_trouble_is_tried_again_soon(status: int) -> None:
    it = session()
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(status, Headers(), NOW)
    assert it.next_action(NOW) == Wait(NOW + 1)


def test_a_redirection_names_where_to() -> None:
    it = session()
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(302, Headers([("Contact", "<sip:ps.example.org>")]), NOW)
    assert "sip:ps.example.org" in it.health.reason


def test_after_a_restart_the_stored_tag_is_tried_first() -> None:
    it = session()
    it.restore("old", NOW + 500)
    assert it.next_action(NOW) == Wait(NOW + 500)
    it.desire(b"one", NOW)
    assert it.next_action(NOW) == Publish(Kind.MODIFY, "old", 3600, b"one")


@pytest.mark.parametrize("status", [412, 500, 400])
def test_a_stored_tag_that_the_server_dislikes_is_dropped(status: int) -> None:
    it = session()
    it.restore("old", NOW + 500)
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(status, Headers(), NOW)
    assert it.next_action(NOW) == Publish(Kind.INITIAL, None, 3600, b"one")


def test_a_stored_tag_past_its_end_is_not_tried() -> None:
    it = session()
    it.restore("old", NOW + 5)
    it.desire(b"one", NOW)
    assert it.next_action(NOW + 5) == Publish(Kind.INITIAL, None, 3600, b"one")


def test_a_server_without_tags_gets_the_state_again_in_time() -> None:
    it = session()
    it.desire(b"one", NOW)
    it.next_action(NOW)
    it.response(200, Headers([("Expires", "100")]), NOW)
    assert it.next_action(NOW) == Wait(NOW + 80)
    assert it.next_action(NOW + 80) == Publish(Kind.INITIAL, None, 3600, b"one")


class AgainstAServer(RuleBasedStateMachine):
    """Whatever happens, the session ends with the server holding what is desired, never two requests at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.session = Session(60, lambda: 0.5, NOW)
        self.desired: bytes | None = None
        self.under_way: Publish | None = None
        self.tags = 0
        self.held: dict[str, tuple[bytes, float]] = {}

    def ask(self) -> None:
        action = self.session.next_action(self.now)
        if isinstance(action, Publish):
            assert self.under_way is None
            assert (action.body is None) == (action.kind in (Kind.REFRESH, Kind.REMOVE))
            assert (action.if_match is None) == (action.kind is Kind.INITIAL)
            self.under_way = action

    def serve(self) -> None:
        """What an RFC 3903 server does with the request."""
        sent, self.under_way = self.under_way, None
        assert sent is not None
        self.held = {tag: held for tag, held in self.held.items() if held[1] > self.now}
        body = sent.body
        if sent.if_match is not None:
            if sent.if_match not in self.held:
                self.session.response(412, Headers(), self.now)
                return
            body = body if body is not None else self.held[sent.if_match][0]
            del self.held[sent.if_match]
        if sent.expires == 0:
            self.session.response(200, Headers([("Expires", "0")]), self.now)
            return
        assert body is not None
        self.tags += 1
        tag = f"t{self.tags}"
        self.held[tag] = (body, self.now + sent.expires)
        self.session.response(200, granted(tag, sent.expires), self.now)

    @rule(body=st.sampled_from([b"one", b"two", None]))
    def desire(self, body: bytes | None) -> None:
        self.desired = body
        self.session.desire(body, self.now)
        self.ask()

    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0, 70.0, 700.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.ask()

    @precondition(lambda self: self.under_way is not None)
    @rule(outcome=st.sampled_from(["ok", "ok", "lost", "answer lost", "503", "403", "412"]))
    def outcome(self, outcome: str) -> None:
        if outcome == "ok":
            self.serve()
        elif outcome == "lost":
            self.under_way = None
            self.session.failed("no answer", self.now)
        elif outcome == "answer lost":
            keep = self.session
            self.session = Session(60, lambda: 0.5, NOW)
            self.serve()
            self.session = keep
            self.session.failed("no answer", self.now)
        else:
            self.under_way = None
            self.session.response(int(outcome), Headers(), self.now)
        self.ask()

    @invariant()
    def nothing_is_given_up(self) -> None:
        if self.under_way is None and self.desired is not None:
            action = self.session.next_action(self.now)
            assert isinstance(action, Wait | Stopped) and action.until is not None

    def teardown(self) -> None:
        for _ in range(40):
            self.ask()
            if self.under_way is not None:
                self.serve()
            action = self.session.next_action(self.now)
            if isinstance(action, Publish):
                self.under_way = action
                self.serve()
            elif self.session.health.state in (State.PUBLISHED, State.IDLE):
                break
            else:
                assert action.until is not None
                self.now = action.until
        if self.desired is None:
            assert self.session.entity_tag is None
        else:
            assert self.session.entity_tag is not None
            assert self.held[self.session.entity_tag][0] == self.desired


AgainstAServer.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestAgainstAServer = AgainstAServer.TestCase
