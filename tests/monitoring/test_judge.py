"""Judging: tables of values in a row, and the laws that hold of any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.causes import CAUSES
from tattoo_data.monitoring.judge import State, judge
from tattoo_data.monitoring.thresholds import Threshold
from tests.monitoring.samples import BEGUN, a_store, requests, sample

CAUSE = "table.response"
LEVELS = {Severity.INFO: 0.1, Severity.WARNING: 1.0, Severity.CRITICAL: 10.0}
#: A response time of each kind, by the letter that stands for it; `-` was not measured.
TIMES = {".": 0.01, "i": 0.1, "w": 1.0, "c": 10.0, "-": None}
SECONDS = 10


def threshold(**fields: Any) -> Threshold:
    return Threshold(**{"cause": CAUSES[CAUSE], "levels": LEVELS, "opens_after": 2, "closes_after": 2, **fields})


def judged(
    letters: str, limits: Mapping[str, Threshold], steps: Iterable[float] = ()
) -> tuple[dict[str, State], list[list[Event]]]:
    """What comes of checks that measured this, `steps` seconds apart."""
    states: dict[str, State] = {}
    happened, now, ids = [], BEGUN, count(1)
    apart = iter(steps)
    for letter in letters:
        now += timedelta(seconds=next(apart, SECONDS))
        seen = sample(now, table=a_store(requests=requests(TIMES[letter])))
        done = judge(limits, states, seen, now, lambda: next(ids))
        states = dict(done.states)
        happened.append(list(done.events))
    return states, happened


def told(happened: list[list[Event]]) -> str:
    """What happened at each check, by its first letter."""
    return "".join(events[0].change.value[0] if events else "." for events in happened)


@pytest.mark.parametrize(
    ("letters", "events", "fields"),
    [
        ("....", "....", {}),
        ("w", ".", {}),
        ("ww", ".o", {}),
        ("w.w.w.", "......", {}),
        ("ww.w.w", ".o....", {}),
        ("ww..", ".o.c", {}),
        ("ww..ww..", ".o.c.o.c", {}),
        ("w-w", "..o", {}),
        ("ww.-.", ".o..c", {}),
        ("w", "o", {"opens_after": 1}),
        ("w.", "oc", {"opens_after": 1, "closes_after": 1}),
        ("wwcc", ".o.e", {}),
        ("wwc.cc", ".o...e", {}),
        ("ccww", ".o..", {}),
        ("cccc", ".o..", {}),
        ("iiwwcc", ".o.e.e", {}),
        ("wc", ".o", {}),
        ("wwwwwww", "......o", {"lasts": 60}),
        ("www.www", ".......", {"lasts": 60}),
        ("www", "...", {"enabled": False}),
        ("www", "...", {"levels": {}}),
        ("iii", "...", {"levels": {Severity.WARNING: 1.0}}),
    ],
)
def test_what_happens_at_which_check(letters: str, events: str, fields: dict[str, Any]) -> None:
    assert told(judged(letters, {CAUSE: threshold(**fields)})[1]) == events


def test_an_alert_is_as_bad_as_what_held_all_the_time() -> None:
    _, happened = judged("wc", {CAUSE: threshold()})
    assert happened[1][0].alert.severity is Severity.WARNING
    assert happened[1][0].alert.threshold == ">= 1.00 s"


def test_an_alert_says_what_was_seen_and_since_when() -> None:
    states, happened = judged("wwc", {CAUSE: threshold()})
    alert = states[CAUSE].alert
    assert alert is not None
    assert (alert.id, alert.cause, alert.value) == (1, CAUSE, "10.00 s")
    assert alert.message == "1 request in 20 to the table takes 10.00 s or more"
    assert alert.opened_at == BEGUN + timedelta(seconds=20)
    assert alert.seen_at == BEGUN + timedelta(seconds=30)
    closed = judged("ww..", {CAUSE: threshold()})[1][3][0]
    assert (closed.alert.closed_at, closed.at) == (BEGUN + timedelta(seconds=40),) * 2
    assert happened[1][0].alert.closed_at is None


def test_the_alert_of_a_cause_that_is_judged_no_more_closes() -> None:
    states, _ = judged("ww", {CAUSE: threshold()})
    now = BEGUN + timedelta(minutes=5)
    done = judge({CAUSE: threshold(enabled=False)}, states, sample(now), now, lambda: 9)
    assert [event.change for event in done.events] == [Change.CLOSED]
    assert done.states[CAUSE] == State()


def test_an_acknowledged_alert_stays_so_when_it_gets_worse() -> None:
    from dataclasses import replace

    states, _ = judged("ww", {CAUSE: threshold()})
    alert = states[CAUSE].alert
    assert alert is not None
    known = replace(states[CAUSE], alert=replace(alert, acknowledged_at=BEGUN, acknowledged_by="ada"))
    now = BEGUN + timedelta(minutes=5)
    seen = sample(now, table=a_store(requests=requests(10.0)))
    once = judge({CAUSE: threshold()}, {CAUSE: known}, seen, now, lambda: 9)
    done = judge({CAUSE: threshold()}, once.states, seen, now, lambda: 9)
    assert done.events[0].change is Change.ESCALATED
    assert (done.events[0].alert.acknowledged_by, done.events[0].alert.id) == ("ada", 1)


LETTERS = st.text("".join(TIMES), max_size=60)
LIMITS = st.builds(
    threshold,
    opens_after=st.integers(1, 4),
    closes_after=st.integers(1, 4),
    lasts=st.sampled_from([0.0, 25.0, 60.0]),
)
STEPS = st.lists(st.floats(-30, 60), max_size=60)


@given(LETTERS, LIMITS, STEPS)
def test_one_alert_at_a_time_that_ends_after_it_began(letters: str, limit: Threshold, steps: list[float]) -> None:
    _, happened = judged(letters, {CAUSE: limit}, steps)
    there: Alert | None = None
    for event in (each for events in happened for each in events):
        match event.change:
            case Change.OPENED:
                assert there is None
                there = event.alert
            case Change.ESCALATED:
                assert there is not None
                assert event.alert.id == there.id
                assert list(Severity).index(event.alert.severity) < list(Severity).index(there.severity)
                there = event.alert
            case Change.CLOSED:
                assert there is not None
                assert event.alert.id == there.id
                assert event.alert.closed_at is not None
                assert event.alert.closed_at >= event.alert.seen_at >= event.alert.opened_at
                there = None


@given(LETTERS, LIMITS)
def test_nothing_opens_or_closes_sooner_than_it_may(letters: str, limit: Threshold) -> None:
    _, happened = judged(letters, {CAUSE: limit})
    for number, events in enumerate(happened):
        measured = letters[: number + 1].replace("-", "")
        for event in events:
            if event.change is Change.CLOSED:
                assert set(measured[-limit.closes_after :]) == {"."}
            else:
                assert "." not in measured[-limit.opens_after :]
                assert len(measured) >= limit.opens_after


@given(LIMITS.filter(lambda limit: limit.opens_after > 1 or limit.closes_after > 1), st.integers(1, 40))
def test_values_in_turn_never_flap(limit: Threshold, turns: int) -> None:
    _, happened = judged("w." * turns, {CAUSE: limit})
    assert sum(map(len, happened)) <= 1


@given(LETTERS, LIMITS)
def test_what_was_not_measured_changes_nothing(letters: str, limit: Threshold) -> None:
    steady = threshold(opens_after=limit.opens_after, closes_after=limit.closes_after)
    _, with_gaps = judged(letters, {CAUSE: steady})
    _, without = judged(letters.replace("-", ""), {CAUSE: steady})
    changes = [[event.change for events in happened for event in events] for happened in (with_gaps, without)]
    assert changes[0] == changes[1]
