"""The RFC 6665 subscriber machine in virtual time, against a scripted notifier."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sip.headers import Headers
from agent.sip.messages import Request, Response, response_to
from agent.sip.notification import Notification
from agent.sip.patience import LONGEST_BACKOFF
from agent.sip.subscriber import TIMER_N, Ended, Phase, Subscribe, Subscriber, Wait, Wanted

NOW = 1000.0
ALICE = "sip:alice@example.org"
SERVER = "<sip:ps@192.0.2.1:5060>"


class Scene:
    """A subscriber, its clock, and what the notifier at the other end says."""

    def __init__(self, expires: int = 3600, event: str = "presence", spread: float = 0.0) -> None:
        numbers = count(1)
        wanted = Wanted(ALICE, "<sip:bob@example.org>", "<sip:bob@192.0.2.7:5070>", event, expires=expires)
        self.now = NOW
        self.event = event
        self.subscriber = Subscriber(wanted, lambda: f"token{next(numbers)}", lambda: spread, NOW)
        self.last = Request("?", "?")
        self.notifier_cseq = 0

    def sends(self) -> Subscribe:
        """The SUBSCRIBE that is due now."""
        action = self.subscriber.next_action(self.now)
        assert isinstance(action, Subscribe)
        self.last = action.request
        return action

    def waits_until(self) -> float | None:
        action = self.subscriber.next_action(self.now)
        assert isinstance(action, Wait)
        return action.until

    def ends(self) -> Ended:
        action = self.subscriber.next_action(self.now)
        assert isinstance(action, Ended)
        return action

    def gets(self, status: int, *headers: tuple[str, str]) -> None:
        answer = response_to(self.last.headers, status, to_tag="server", headers=list(headers))
        self.subscriber.response(self.last, answer, self.now)

    def accepted(self, expires: int = 3600) -> None:
        self.gets(200, ("Expires", str(expires)), ("Contact", SERVER))

    def told(
        self, state: str, body: bytes = b"", tag: str = "server", **changes: str
    ) -> tuple[int, Notification | None]:
        """A NOTIFY comes; ``changes`` replace its headers (underscores for hyphens)."""
        self.notifier_cseq += 1
        headers = Headers(
            [
                ("From", f"{self.last.headers.get('To')};tag={tag}".replace(";tag=server;", ";")),
                ("To", self.last.headers.get("From") or ""),
                ("Call-ID", self.last.call_id),
                ("CSeq", f"{self.notifier_cseq} NOTIFY"),
                ("Contact", SERVER),
                ("Event", self.event),
                ("Subscription-State", state),
            ]
        )
        if body:
            headers.add("Content-Type", "application/pidf+xml")
        for name, value in changes.items():
            headers.set(name.replace("_", "-"), value)
        return self.subscriber.notify(Request("NOTIFY", "sip:bob@192.0.2.7:5070", headers, body), self.now)


def running(expires: int = 3600, spread: float = 0.0) -> Scene:
    """A subscription that stands since NOW."""
    scene = Scene(expires, spread=spread)
    scene.sends()
    scene.accepted(expires)
    assert scene.told(f"active;expires={expires}", b"<presence/>")[0] == 200
    assert scene.subscriber.phase is Phase.RUNNING
    return scene


def test_the_first_subscribe_says_what_is_wanted() -> None:
    request = Scene().sends().request
    assert request.uri == ALICE
    assert request.headers.get("Event") == "presence"
    assert request.headers.get("Accept") == "application/pidf+xml"
    assert request.headers.get("Expires") == "3600"
    assert request.to.tag is None and request.from_.tag
    assert len(request.headers.values("Contact")) == 1


def test_a_notify_is_told_once_with_its_state_and_body() -> None:
    scene = Scene()
    scene.sends()
    scene.accepted()
    status, said = scene.told("active;expires=3599", b"<presence/>")
    assert status == 200
    assert said == Notification("active", 3599, None, None, "application/pidf+xml", b"<presence/>")


def test_a_notify_before_the_answer_makes_the_dialog() -> None:
    scene = Scene()
    scene.sends()
    assert scene.told("pending;expires=3600")[0] == 200
    scene.accepted()
    scene.now += 2880
    refresh = scene.sends()
    assert refresh.request.to.tag == "server"
    assert refresh.request.uri == "sip:ps@192.0.2.1:5060"
    assert refresh.request.cseq.number == 2


def test_the_route_set_is_that_of_the_notify() -> None:
    scene = Scene()
    scene.sends()
    scene.accepted()
    scene.told("active;expires=3600", Record_Route="<sip:p1.example.org;lr>, <sip:p2.example.org;lr>")
    scene.now += 2880
    refresh = scene.sends()
    assert refresh.request.headers.values("Route") == ["<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>"]
    assert refresh.next_hop == "sip:p1.example.org;lr"


def test_an_answered_challenge_raises_the_cseq_of_what_follows() -> None:
    scene = Scene()
    scene.sends()
    scene.told("active;expires=3600")
    scene.last.headers.set("CSeq", "3 SUBSCRIBE")
    scene.accepted()
    scene.now += 2880
    assert scene.sends().request.cseq.number == 4


def test_numbers_that_unanswered_attempts_may_have_used_are_not_used_again() -> None:
    scene = running()
    scene.now += 2880
    lost = scene.sends().request.cseq.number
    scene.subscriber.failed(scene.last, "no answer", scene.now)
    scene.now += 1
    assert scene.sends().request.cseq.number > lost + 3


@pytest.mark.parametrize(("spread", "share"), [(0.0, 0.8), (0.999, 0.8999)])
def test_a_refresh_comes_between_80_and_90_percent(spread: float, share: float) -> None:
    scene = running(spread=spread)
    assert scene.waits_until() == pytest.approx(NOW + 3600 * share)


def test_a_notify_may_shorten_the_lifetime_but_not_put_off_the_refresh() -> None:
    scene = running(3600)
    for _ in range(5):
        scene.now += 500
        scene.told(f"active;expires={int(NOW + 3600 - scene.now)}")
    assert scene.waits_until() == pytest.approx(NOW + 2880)
    scene.told("active;expires=100")
    assert scene.waits_until() == pytest.approx(scene.now + 80)


def test_a_granted_lifetime_longer_than_asked_for_is_not_believed() -> None:
    scene = Scene(600)
    scene.sends()
    scene.accepted(7200)
    scene.told("active;expires=7200")
    assert scene.waits_until() == NOW + 480


def test_without_any_notify_the_subscription_has_failed_after_timer_n() -> None:
    scene = Scene()
    scene.sends()
    scene.accepted()
    assert scene.waits_until() == NOW + TIMER_N
    scene.now += TIMER_N
    assert scene.waits_until() == scene.now + 1
    assert "NOTIFY" in scene.subscriber.trouble


def test_what_is_not_ours_gets_481() -> None:
    scene = running()
    assert scene.told("active", Call_ID="other") == (481, None)
    assert scene.told("active", To="<sip:bob@example.org>;tag=other") == (481, None)
    assert scene.told("active", tag="fork") == (481, None)


def test_what_cannot_be_used_is_refused() -> None:
    scene = running()
    assert scene.told("active", Event="dialog") == (489, None)
    assert scene.told("active", Event="presence;id=1") == (489, None)
    assert scene.told("") == (400, None)
    scene.told("active", b"<presence/>")
    scene.notifier_cseq = 0
    assert scene.told("active") == (500, None)


@pytest.mark.parametrize("reason", ["deactivated", "timeout"])
def test_some_endings_lead_to_a_new_subscription_at_once(reason: str) -> None:
    scene = running()
    before = scene.last
    assert scene.told(f"terminated;reason={reason}")[0] == 200
    after = scene.sends().request
    assert after.call_id != before.call_id and after.from_.tag != before.from_.tag
    assert after.to.tag is None


def test_a_server_that_ends_every_subscription_cannot_make_us_spin() -> None:
    scene = Scene()
    sent = 0
    while scene.now < NOW + 60:
        action = scene.subscriber.next_action(scene.now)
        if isinstance(action, Subscribe):
            sent += 1
            scene.last = action.request
            scene.accepted()
            scene.told("active;expires=3600")
            scene.told("terminated;reason=deactivated")
        else:
            assert isinstance(action, Wait) and action.until is not None and action.until > scene.now
            scene.now = action.until
    assert sent <= 60 + 60 / 5 + 1


@pytest.mark.parametrize("reason", ["probation", "giveup", "something-new"])
def test_other_endings_wait_as_long_as_they_are_told(reason: str) -> None:
    scene = running()
    scene.told(f"terminated;reason={reason};retry-after=90")
    assert scene.waits_until() == NOW + 90


@pytest.mark.parametrize("reason", ["rejected", "noresource", "invariant"])
def test_some_endings_are_for_good(reason: str) -> None:
    scene = running()
    scene.told(f"terminated;reason={reason}")
    ended = scene.ends()
    assert ended.refused and reason in ended.reason


@pytest.mark.parametrize("status", [403, 404, 406, 489, 603])
def test_a_refusal_ends_it(status: int) -> None:
    scene = Scene()
    scene.sends()
    scene.gets(status)
    assert scene.ends().status == status and scene.ends().refused


def test_423_is_met_with_a_longer_lifetime_and_a_new_call_id() -> None:
    scene = Scene(60)
    first = scene.sends().request
    scene.gets(423, ("Min-Expires", "300"))
    second = scene.sends().request
    assert second.headers.get("Expires") == "300" and second.call_id != first.call_id


def test_503_waits_as_long_as_the_server_says() -> None:
    scene = Scene()
    scene.sends()
    scene.gets(503, ("Retry-After", "120 (maintenance)"))
    assert scene.waits_until() == NOW + 120


def test_silence_backs_off_and_is_never_given_up() -> None:
    scene = Scene()
    delays = []
    for _ in range(12):
        scene.sends()
        scene.subscriber.failed(scene.last, "no answer", scene.now)
        until = scene.waits_until()
        assert until is not None
        delays.append(until - scene.now)
        scene.now = until
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (1.0, LONGEST_BACKOFF)


def test_a_refresh_that_finds_nobody_leaves_the_subscription_until_its_end() -> None:
    scene = running(100)
    scene.now += 80
    scene.sends()
    scene.gets(500)
    assert scene.told("active;expires=20", b"<presence/>")[0] == 200
    scene.now += 1
    again = scene.sends()
    assert again.request.to.tag == "server"
    scene.gets(500)
    scene.now = NOW + 101
    assert scene.told("active")[0] == 200 or scene.subscriber.phase is Phase.UNSENT
    until = scene.waits_until()
    assert until is not None and scene.subscriber.phase is Phase.UNSENT


@pytest.mark.parametrize("status", [481, 404, 489])
def test_a_refresh_that_is_answered_so_ends_the_dialog(status: int) -> None:
    scene = running(100)
    old = scene.last
    scene.now += 80
    scene.sends()
    scene.gets(status)
    action = scene.subscriber.next_action(scene.now)
    if status == 481:
        assert isinstance(action, Subscribe) and action.request.call_id != old.call_id
    else:
        assert isinstance(action, Ended) and action.status == status
    scene.last = old
    assert scene.told("active")[0] == 481


def test_unsubscribing_waits_for_the_last_notify() -> None:
    scene = running()
    scene.subscriber.stop()
    request = scene.sends().request
    assert request.headers.get("Expires") == "0" and request.to.tag == "server"
    scene.accepted(0)
    assert scene.waits_until() == NOW + TIMER_N
    assert scene.told("terminated;reason=timeout", b"<presence/>")[0] == 200
    assert scene.ends() == Ended("unsubscribed")


def test_unsubscribing_does_not_hang_on_a_silent_server() -> None:
    scene = running()
    scene.subscriber.stop()
    scene.sends()
    scene.accepted(0)
    scene.now += TIMER_N
    assert not scene.ends().refused


def test_stopping_before_the_answer_unsubscribes_all_the_same() -> None:
    scene = Scene()
    scene.sends()
    scene.subscriber.stop()
    scene.accepted()
    scene.waits_until()
    scene.told("active;expires=3600")
    assert scene.sends().request.headers.get("Expires") == "0"


def test_stopping_before_anything_was_sent_sends_nothing() -> None:
    scene = Scene()
    scene.subscriber.stop()
    assert scene.ends() == Ended("unsubscribed")


@pytest.mark.parametrize("answer_first", [True, False])
def test_a_fetch_ends_with_its_one_notify(answer_first: bool) -> None:
    scene = Scene(0)
    assert scene.sends().request.headers.get("Expires") == "0"
    if answer_first:
        scene.accepted(0)
    status, said = scene.told("terminated;reason=timeout", b"<presence/>")
    assert status == 200 and said is not None and said.body
    if not answer_first:
        scene.accepted(0)
    assert scene.ends() == Ended("fetched")


def test_the_outcome_of_a_subscription_given_up_meanwhile_is_no_longer_ours() -> None:
    scene = running(100)
    scene.now += 80
    scene.sends()
    stale = scene.last
    scene.told("terminated;reason=deactivated")
    scene.sends()
    scene.subscriber.failed(stale, "no answer", scene.now)
    scene.subscriber.response(stale, Response(403), scene.now)
    scene.accepted(100)
    assert scene.told("active;expires=100")[0] == 200


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wait", "200", "481", "500", "fail", "active", "terminated", "deactivated"]),
            st.sampled_from([0.0, 1.0, 40.0, 500.0]),
        ),
        max_size=40,
    )
)
def test_whatever_happens_there_is_always_a_next_step(script: list[tuple[str, float]]) -> None:
    scene = Scene(100, spread=0.5)
    under_way = False
    for step, seconds in script:
        scene.now += seconds
        action = scene.subscriber.next_action(scene.now)
        if isinstance(action, Subscribe):
            scene.last, under_way = action.request, True
            scene.notifier_cseq = 0 if action.request.to.tag is None else scene.notifier_cseq
        elif isinstance(action, Wait):
            assert action.until is None or action.until > scene.now - 1e-6
            assert action.until is not None or under_way
        else:
            return
        if step in ("200", "481", "500") and under_way:
            under_way = False
            scene.gets(int(step), ("Expires", "100"), ("Contact", SERVER))
        elif step == "fail" and under_way:
            under_way = False
            scene.subscriber.failed(scene.last, "no answer", scene.now)
        elif step == "active":
            scene.told("active;expires=100")
        elif step == "terminated":
            scene.told("terminated")
        elif step == "deactivated":
            scene.told("terminated;reason=deactivated")


def test_the_full_state_is_fetched_again_when_a_part_is_missing_but_not_in_a_loop() -> None:
    scene = running(expires=3600)
    scene.subscriber.refetch(scene.now)
    request = scene.sends().request
    assert request.to.tag == "server" and request.headers.get("Expires") == "3600"
    scene.accepted()
    scene.now += 1
    scene.subscriber.refetch(scene.now)
    assert scene.waits_until() == scene.now + 4
    scene.now += 4
    scene.sends()


def test_a_fetch_of_the_full_state_never_puts_the_refresh_off() -> None:
    scene = running(expires=3600)
    due = scene.waits_until()
    assert due is not None
    scene.now = due - 0.5
    scene.subscriber.refetch(scene.now)
    scene.sends()
