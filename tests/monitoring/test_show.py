"""The view: what is shown of a target, from its newest check and its ledger."""

from __future__ import annotations

import pytest

from tattoo_data.monitoring.alert import Change, Severity
from tattoo_data.monitoring.sample import Health
from tattoo_data.monitoring.show import EVENTS, POINTS, view_of
from tattoo_data.monitoring.view import Kept
from tests.monitoring.samples import BEGUN, Hands, a_ledger, gone, sample

TARGET = {"table": "t", "index": "i"}


def test_a_view_before_the_first_check() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        view = view_of(TARGET, ledger, hands.clock, sample=None, full=None, kept=())
    assert (view.at, view.target, view.health, view.checks) == (BEGUN, TARGET, None, 0)
    assert (list(view.alerts), list(view.events)) == ([], [])
    assert [line.points for line in view.series] == [[]] * 7


def test_a_view_has_the_open_alerts_and_the_last_events() -> None:
    hands = Hands()
    kept = (Kept(reference="nightly@1", kind="backup", created_at=BEGUN),)
    with a_ledger(hands) as ledger:
        for _ in range(EVENTS):
            ledger.raise_test(Severity.INFO)
        ledger.clear()
        last = sample(hands.later(seconds=30), table=gone())
        ledger.record(last)
        view = view_of(TARGET, ledger, hands.clock, sample=last, full=None, kept=kept, checks=1, notes=("a note",))
    assert [alert.cause for alert in view.alerts] == ["table.reachable"]
    assert len(view.events) == EVENTS
    assert (view.events[0].change, view.events[1].change) == (Change.OPENED, Change.CLOSED)
    assert (view.health, view.kept, view.checks, view.notes) == (Health.UNHEALTHY, kept, 1, ("a note",))


@pytest.mark.parametrize("every", [0.5, 30, 400])
def test_a_view_stays_small_however_long_it_goes_on(every: float) -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        for _ in range(1_500):
            ledger.record(sample(hands.later(seconds=every)))
        view = view_of(TARGET, ledger, hands.clock, sample=None, full=None, kept=())
    assert all(2 <= len(line.points) <= POINTS + 2 for line in view.series)
    assert all(line.points[-1].at == hands.now for line in view.series)
