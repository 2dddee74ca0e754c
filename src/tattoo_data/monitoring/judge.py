"""Judging: what a check makes of the alerts. Pure; the ledger keeps what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.causes import Seen, show_value
from tattoo_data.monitoring.sample import Sample
from tattoo_data.monitoring.thresholds import Threshold, Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Checks in a row that were as bad: how many, and since when."""

    count: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a cause stands. `bad` has for each severity the checks in a row that were at least as bad, `good` counts
    those that were good while an alert is open."""

    bad: Mapping[Severity, Run] = field(default_factory=dict)
    good: int = 0
    alert: Alert | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of a check: where each cause stands now, and what happened."""

    states: Mapping[str, State]
    events: tuple[Event, ...] = ()


def judge(
    thresholds: Thresholds, states: Mapping[str, State], sample: Sample, now: datetime, new_id: Callable[[], int]
) -> Judged:
    """Hold a sample against every threshold. What was not measured leaves its cause as it stands; an alert of a cause
    that is not judged any more is closed. `new_id` is asked once for each alert that opens."""
    after: dict[str, State] = {}
    events: list[Event] = []
    for name, threshold in thresholds.items():
        before = states.get(name, State())
        if threshold.is_judged:
            seen = threshold.cause.measure(sample)
            after[name] = before if seen is None else step(threshold, before, seen, now, new_id)
        else:
            after[name] = State(alert=_closed(before.alert, now)) if before.alert else State()
        events += _events(before.alert, after[name].alert, now)
        if after[name].alert and not _is_open(after[name].alert):
            after[name] = replace(after[name], alert=None)
    return Judged(states=after, events=tuple(events))


def step(threshold: Threshold, state: State, seen: Seen, now: datetime, new_id: Callable[[], int]) -> State:
    """Where a cause stands after one more value. An alert that closed by it is still in the state, closed."""
    level = threshold.level(seen.value)
    if level is None:
        return _after_good(threshold, state, now)
    bad = {
        severity: _longer(state.bad.get(severity), now)
        for severity in Severity
        if severity in threshold.levels and not _is_worse(severity, level)
    }
    held = next((severity for severity in Severity if severity in bad and _holds(threshold, bad[severity], now)), None)
    return State(bad=bad, alert=_after_bad(threshold, state.alert, held, seen, now, new_id))


def _after_good(threshold: Threshold, state: State, now: datetime) -> State:
    if state.alert is None:
        return State()
    good = state.good + 1
    if good < threshold.closes_after:
        return State(good=good, alert=state.alert)
    return State(alert=_closed(state.alert, now))


def _after_bad(
    threshold: Threshold,
    alert: Alert | None,
    held: Severity | None,
    seen: Seen,
    now: datetime,
    new_id: Callable[[], int],
) -> Alert | None:
    if alert is None and held is None:
        return None
    value = show_value(seen.value, threshold.cause.unit)
    if alert is None:
        assert held is not None
        return Alert(
            id=new_id(),
            cause=threshold.cause.name,
            severity=held,
            message=seen.message,
            value=value,
            threshold=threshold.words(held),
            opened_at=now,
            seen_at=now,
        )
    severity = held if held and _is_worse(held, alert.severity) else alert.severity
    return replace(
        alert,
        severity=severity,
        message=seen.message,
        value=value,
        threshold=threshold.words(severity),
        seen_at=max(now, alert.seen_at),
    )


def _closed(alert: Alert, now: datetime) -> Alert:
    """An alert that is over. A clock that was set back never makes it end before it was last seen."""
    return replace(alert, closed_at=max(now, alert.seen_at))


def _longer(run: Run | None, now: datetime) -> Run:
    return Run(count=run.count + 1, since=run.since) if run else Run(count=1, since=now)


def _holds(threshold: Threshold, run: Run, now: datetime) -> bool:
    return run.count >= threshold.opens_after and (now - run.since).total_seconds() >= threshold.lasts


def _is_worse(one: Severity, other: Severity) -> bool:
    order = list(Severity)
    return order.index(one) < order.index(other)


def _is_open(alert: Alert | None) -> bool:
    return alert is not None and alert.is_open


def _events(before: Alert | None, after: Alert | None, now: datetime) -> list[Event]:
    if after is None:
        return []
    if before is None:
        change = Change.OPENED
    elif not after.is_open:
        change = Change.CLOSED
    elif after.severity is not before.severity:
        change = Change.ESCALATED
    else:
        return []
    return [Event(at=after.closed_at or now, change=change, alert=after)]
