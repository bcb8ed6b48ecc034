from agent.sip.timers import Timed, TimerQueues


def test_timers_are_due_in_their_order() -> None:
    timers: TimerQueues[Timed] = TimerQueues()
    short, long = Timed(), Timed()
    assert timers.set(4.0, long, 10.0) == 14.0
    assert timers.set(0.5, short, 11.0) == 11.5
    assert timers.next_deadline() == 11.5
    assert list(timers.expired(11.4)) == []
    assert list(timers.expired(11.5)) == [short]
    short.due = 0.0
    assert timers.next_deadline() == 14.0
    assert list(timers.expired(20.0)) == [long]
    assert timers.next_deadline() is None


def test_a_timer_that_was_set_again_is_due_once() -> None:
    timers: TimerQueues[Timed] = TimerQueues()
    item = Timed()
    timers.set(1.0, item, 0.0)
    timers.set(1.0, item, 0.5)
    assert timers.next_deadline() == 1.5
    assert list(timers.expired(1.0)) == []
    assert list(timers.expired(2.0)) == [item]


def test_dead_timers_are_thrown_away() -> None:
    timers: TimerQueues[Timed] = TimerQueues()
    for _ in range(100):
        item = Timed()
        timers.set(1.0, item, 0.0)
        item.due = 0.0
    assert len(timers) == 100
    assert timers.next_deadline() is None
    assert len(timers) == 0


def test_new_timers_while_old_ones_are_worked_on() -> None:
    timers: TimerQueues[Timed] = TimerQueues()
    item = Timed()
    timers.set(1.0, item, 0.0)
    for again in timers.expired(1.0):
        timers.set(1.0, again, 1.0)
    assert timers.next_deadline() == 2.0
