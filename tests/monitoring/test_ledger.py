"""The ledger: alerts kept between commands and shared by several, history that stays small, and a folder or file that
is not as it should be."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import BadSetting, IntegrityFailed, Locked, UnknownName
from tattoo_data.monitoring import database
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.database import FILE
from tattoo_data.monitoring.ledger import Bounds, Ledger
from tattoo_data.monitoring.lines import lines_of
from tattoo_data.monitoring.slices import Slice, merged, slice_of
from tests.monitoring.samples import BEGUN, Hands, a_ledger, a_store, agreed, gone, requests, sample

HOUR = timedelta(hours=1)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def check(ledger: Ledger, hands: Hands, *, times: int = 1, every: float = 10, **found: Any) -> list[Event]:
    """So many checks one after the other; what the last of them made of the alerts."""
    happened: list[Event] = []
    for _ in range(times):
        happened = ledger.record(sample(hands.later(seconds=every), **found))
    return happened


def changes(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.change.value, event.alert.cause) for event in events]


def test_an_alert_lives_from_one_command_to_the_next(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path) as ledger:
        assert check(ledger, hands) == []
        opened = check(ledger, hands, table=gone("connection refused"))
    assert changes(opened) == [("opened", "table.reachable")]
    with a_ledger(hands, tmp_path) as ledger:
        assert ledger.alerts() == [opened[0].alert]
        assert check(ledger, hands) == []
    with a_ledger(hands, tmp_path) as ledger:
        assert changes(check(ledger, hands)) == [("closed", "table.reachable")]
        assert ledger.alerts() == []
        (alert,) = ledger.alerts(closed=True)
        assert alert.message == "the table does not answer: connection refused"
        assert alert.closed_at is not None
        assert (alert.closed_at - alert.opened_at).total_seconds() == 20
        assert changes(ledger.events(20)) == [("closed", "table.reachable"), ("opened", "table.reachable")]
        assert len(ledger.events(1)) == 1


def test_half_of_the_documents_missing_is_an_alert_and_mending_ends_it(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        (opened,) = check(ledger, hands, consistency=agreed(missing=25))
        assert opened.alert.severity is Severity.CRITICAL
        assert opened.alert.message == "table and index disagree on 25 of 50 artists (25 missing in the index)"
        assert check(ledger, hands, light=True, times=5) == []
        assert changes(check(ledger, hands, times=2)) == [("closed", "consistency.differing")]


def test_targets_do_not_know_of_each_other(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path, target="one") as one, a_ledger(hands, tmp_path, target="two") as two:
        check(one, hands, table=gone())
        assert (len(one.alerts()), two.alerts(), two.events(9)) == (1, [], [])
        assert two.clear() == []
        assert list(two.history(BEGUN)) == []
        with pytest.raises(UnknownName, match="there is none"):
            two.acknowledge([one.alerts()[0].id], "ada")


def test_alerts_come_the_worst_first_and_by_severity(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        for severity in reversed(Severity):
            ledger.raise_test(severity)
        ledger.raise_test(Severity.WARNING)
        assert [alert.id for alert in ledger.alerts()] == [3, 4, 2, 1]
        assert [alert.id for alert in ledger.alerts(Severity.WARNING)] == [4, 2]
        assert len(ledger.clear(Severity.WARNING)) == 2
        assert [alert.id for alert in ledger.alerts()] == [3, 1]
        assert [alert.id for alert in ledger.alerts(closed=True)] == [3, 1, 4, 2]
        assert [alert.id for alert in ledger.alerts(Severity.WARNING, closed=True)] == [4, 2]


def test_acknowledging(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        check(ledger, hands, table=gone(), index=gone())
        first, second = ledger.alerts()
        at = hands.later(minutes=1)
        (known,) = ledger.acknowledge([first.id, first.id], "ada@here")
        assert (known.acknowledged_by, known.acknowledged_at) == ("ada@here", at)
        hands.later(minutes=1)
        both = ledger.acknowledge([first.id, second.id], "bob@there")
        assert [each.acknowledged_by for each in both] == ["ada@here", "bob@there"]
        assert [event.change for event in ledger.events(2)] == [Change.ACKNOWLEDGED] * 2
        check(ledger, hands, table=gone(), index=gone())
        assert {each.acknowledged_by for each in ledger.alerts()} == {"ada@here", "bob@there"}


def test_none_is_acknowledged_where_one_is_not_there(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        check(ledger, hands, table=gone())
        with pytest.raises(UnknownName, match="no alert is called '7'; there is 1"):
            ledger.acknowledge([1, 7], "ada")
        assert ledger.alerts()[0].acknowledged_at is None
        assert changes(ledger.events(9)) == [("opened", "table.reachable")]


def test_what_is_cleared_and_still_bad_opens_anew_after_as_many_bad_checks(hands: Hands) -> None:
    monitoring = {"thresholds": {"table": {"reachable": {"opens_after": 3}}}}
    with a_ledger(hands, monitoring=monitoring) as ledger:
        assert len(check(ledger, hands, times=3, table=gone())) == 1
        check(ledger, hands, times=5, table=gone())
        (closing,) = ledger.clear()
        (cleared,) = ledger.alerts(closed=True)
        assert closing == Event(at=closing.at, change=Change.CLOSED, alert=cleared)
        assert cleared.cleared
        assert check(ledger, hands, times=2, table=gone()) == []
        (opened,) = check(ledger, hands, table=gone())
        assert (opened.change, opened.alert.id) == (Change.OPENED, 2)


def test_what_happens_is_delivered_once_it_is_kept(hands: Hands, tmp_path: Path) -> None:
    seen: list[tuple[list[tuple[str, str]], int]] = []

    def deliver(events: Sequence[Event]) -> None:
        with a_ledger(hands, tmp_path) as other:
            seen.append((changes(events), len(other.alerts())))

    with a_ledger(hands, tmp_path, deliver=deliver) as ledger:
        check(ledger, hands)
        check(ledger, hands, table=gone())
        ledger.clear()
    assert seen == [([("opened", "table.reachable")], 1), ([("closed", "table.reachable")], 0)]


def test_two_monitors_and_several_threads_open_one_alert(hands: Hands, tmp_path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(6) as pool:
        ledgers = [stack.enter_context(a_ledger(hands, tmp_path)) for _ in range(3)]
        at = hands.later(seconds=1)
        bad = sample(at, table=gone(), consistency=agreed(missing=3))
        happened = list(pool.map(lambda number: ledgers[number % 3].record(bad), range(60)))
        assert sorted(changes([event for events in happened for event in events])) == [
            ("opened", "consistency.differing"),
            ("opened", "table.reachable"),
        ]
        assert len(ledgers[0].alerts(closed=True)) == 2
        whole = merged(ledgers[0].history(BEGUN))
        assert whole is not None
        assert whole.checks == 60
        cleared = list(pool.map(lambda number: ledgers[number % 3].clear(), range(6)))
        assert sum(map(len, cleared)) == 2


def test_a_thousand_alerts(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        for number in range(1_000):
            ledger.raise_test(list(Severity)[number % 3])
        assert len(ledger.alerts()) == 1_000
        assert len(ledger.alerts(Severity.INFO)) == 333
        assert len(ledger.acknowledge([alert.id for alert in ledger.alerts()], "ada")) == 1_000
        assert len(ledger.clear()) == 1_000


def test_a_folder_that_cannot_be_written_keeps_nothing_and_says_so_once(hands: Hands, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    with a_ledger(hands, tmp_path / "file" / "state", said=said) as ledger:
        assert not ledger.is_kept
        check(ledger, hands, times=3, table=gone())
        assert len(ledger.alerts()) == 1
        assert len(list(ledger.history(BEGUN))) == 3
    assert len(said) == 1
    assert "cannot be written (Not a directory): alerts and history are not kept" in said[0]


def test_what_was_kept_is_read_where_it_can_be_written_no_more(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path) as ledger:
        check(ledger, hands, table=gone())
    (tmp_path / "monitoring.lock").unlink()
    (tmp_path / "monitoring.lock").mkdir()
    said: list[str] = []
    with a_ledger(hands, tmp_path, said=said) as ledger:
        assert [alert.cause for alert in ledger.alerts()] == ["table.reachable"]
        assert not ledger.is_kept
        assert len(ledger.clear()) == 1
    assert len(said) == 1
    (tmp_path / "monitoring.lock").rmdir()
    with a_ledger(hands, tmp_path) as ledger:
        assert len(ledger.alerts()) == 1


def _junk(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def _bad_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alerts SET body = x'00'")
        connection.commit()


def _no_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE alerts RENAME COLUMN body TO bdoy")
        connection.commit()


@pytest.mark.parametrize("damage", [_junk, _cut, _bad_row, _no_table])
def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(
    damage: Callable[[Path], None], hands: Hands, tmp_path: Path
) -> None:
    with a_ledger(hands, tmp_path) as ledger:
        check(ledger, hands, times=50, table=gone())
    damage(tmp_path / FILE)
    held = (tmp_path / FILE).read_bytes()
    said: list[str] = []
    with a_ledger(hands, tmp_path, said=said) as ledger:
        assert changes(check(ledger, hands, table=gone())) == [("opened", "table.reachable")]
        assert ledger.is_kept
    (aside,) = tmp_path.glob(f"{FILE}.corrupt-2026*Z")
    assert aside.read_bytes()[:16] == held[:16]
    assert len(said) == 1
    assert str(aside) in said[0]
    with a_ledger(hands, tmp_path) as ledger:
        assert len(ledger.alerts()) == 1


def test_others_go_on_with_the_new_file(hands: Hands, tmp_path: Path) -> None:
    said: list[str] = []
    with a_ledger(hands, tmp_path, said=said) as one, a_ledger(hands, tmp_path, said=said) as two:
        check(one, hands, table=gone())
        _bad_row(tmp_path / FILE)
        assert one.alerts() == []
        assert len(said) == 1
        check(two, hands, index=gone())
        assert [alert.cause for alert in one.alerts()] == ["index.reachable"]
    assert len(said) == 1


def test_a_file_that_is_gone_is_made_again(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path) as ledger:
        check(ledger, hands, table=gone())
        for each in tmp_path.glob(f"{FILE}*"):
            each.unlink()
        check(ledger, hands, table=gone())
        assert len(ledger.events(9)) == 1
    assert (tmp_path / FILE).exists()


def test_what_others_hold_for_too_long_is_told_with_what_can_be_done(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.0)
    with a_ledger(hands, tmp_path) as ledger:
        with FileLock(tmp_path / "monitoring.lock"), pytest.raises(Locked, match="opens") as opening:
            ledger_at(hands, tmp_path)
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Locked, match="writes") as writing:
                check(ledger, hands)
    for told in (opening, writing):
        assert "--wait" not in told.value.hint, "no command that watches takes it"
        assert "end that one" in told.value.hint


def ledger_at(hands: Hands, home: Path) -> None:
    with a_ledger(hands, home):
        pass


def test_a_newer_format_is_refused_and_left(hands: Hands, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("PRAGMA user_version = 2")
    held = (tmp_path / FILE).read_bytes()
    with pytest.raises(IntegrityFailed, match="is of format 2"), a_ledger(hands, tmp_path):
        pass
    assert (tmp_path / FILE).read_bytes() == held
    assert not list(tmp_path.glob("*.corrupt*"))


def test_bad_thresholds_are_refused_before_anything(hands: Hands, tmp_path: Path) -> None:
    with pytest.raises(BadSetting), a_ledger(hands, tmp_path / "new", monitoring={"thresholds": 1}):
        pass
    assert not (tmp_path / "new").exists()


def test_history_over_days_stays_small(hands: Hands, tmp_path: Path) -> None:
    """Four days of a check a minute, of which a day of checks and two days of minutes are kept."""
    bounds = Bounds(raw_hours=24, minute_days=2)
    sizes = []
    with a_ledger(hands, tmp_path, bounds=bounds) as ledger:
        for _ in range(4):
            check(ledger, hands, times=1_440, every=60)
            sizes.append((tmp_path / FILE).stat().st_size)
        rows = _rows(tmp_path)
        assert 1_440 <= rows["checks"] <= 1_440 + 100
        assert 2 * 1_440 <= rows["minutes"] <= 2 * 1_440 + 100
        history = list(ledger.history(BEGUN))
        assert (hands.now.timestamp() - history[0].first) / 86_400 == pytest.approx(2, abs=0.1)
        assert sum(part.checks for part in history) == rows["minutes"]
        assert [part.first for part in history] == sorted(part.first for part in history)
    assert sizes[3] <= sizes[2] * 1.1


def test_no_more_rows_than_are_allowed(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path, bounds=Bounds(rows=300)) as ledger:
        check(ledger, hands, times=1_000, every=61)
        rows = _rows(tmp_path)
        assert rows["checks"] <= 400
        assert rows["minutes"] <= 400
        newest = list(ledger.history(BEGUN))[-1]
        assert newest.last == hands.now.timestamp()


def test_closed_alerts_go_with_their_time_and_open_ones_stay(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path, bounds=Bounds(minute_days=1)) as ledger:
        check(ledger, hands, table=gone(), index=gone())
        check(ledger, hands, times=2, index=gone())
        assert len(ledger.alerts(closed=True)) == 2
        check(ledger, hands, times=101, every=3_600, index=gone())
        (alert,) = ledger.alerts(closed=True)
        assert alert.cause == "index.reachable"
        assert ledger.events(9) == []


def _rows(home: Path) -> dict[str, int]:
    with closing(sqlite3.connect(home / FILE)) as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("checks", "minutes")
        }


VALUES = st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 50)), min_size=1, max_size=30)


def _slices(values: Sequence[tuple[int, bool, int]]) -> list[Slice]:
    at, found = BEGUN, []
    for apart, up, missing in values:
        at += timedelta(seconds=apart + 0.5)
        # Numbers whose sums are exact, so that they are the same in any grouping.
        table = a_store(missing, requests=requests(float(2 * missing))) if up else gone()
        other = a_store(requests=requests(0.5))
        seen = sample(at, table=table, index=other, images=other, consistency=agreed(missing))
        found.append(slice_of(replace(seen, seconds=0.5)))
    return found


@given(VALUES, st.integers(0, 30))
def test_slices_are_merged_in_any_grouping(values: Any, cut: int) -> None:
    parts = _slices(values)
    whole = merged(parts)
    halves = [half for half in (merged(parts[:cut]), merged(parts[cut:])) if half]
    assert merged(halves) == merged(reversed(halves)) == whole


@given(VALUES)
def test_a_merged_slice_counts_and_bounds_what_is_in_it(values: Any) -> None:
    whole = merged(_slices(values))
    assert whole is not None
    table = whole.stores["table"]
    up = [missing for _, is_up, missing in values if is_up]
    assert (whole.checks, table.checks, table.reachable) == (len(values), len(values), len(up))
    assert whole.inconsistent == sum(missing > 0 for _, _, missing in values)
    assert whole.differing is not None
    assert whole.differing.last == values[-1][2]
    if not up:
        assert table.entries is table.p95 is None
        return
    assert table.entries is not None and table.p95 is not None
    assert (table.entries.low, table.entries.high, table.entries.last) == (min(up), max(up), up[-1])
    assert table.p95.mean == pytest.approx(2 * sum(up) / len(up))


def _values(ledger: Ledger, name: str, points: int = 200, back: timedelta = HOUR) -> list[float | None]:
    (line,) = (each for each in ledger.series(ledger._clock.now() - back, points) if each.name == name)
    return [point.value for point in line.points]


def test_lines_show_what_was_measured_and_where_nothing_was(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        check(ledger, hands, table=a_store(10, requests=requests(0.5)))
        check(ledger, hands, light=True)
        check(ledger, hands, table=gone(), times=2)
        check(ledger, hands, table=a_store(12, requests=requests(0.25)))
        hands.later(minutes=10)
        check(ledger, hands, table=a_store(13, requests=requests(0.125)))
        assert [each.name for each in ledger.series(BEGUN, 200)] == [
            *("table.p95", "index.p95", "images.p95"),
            *("table.count", "index.count", "images.count"),
            "consistency.differing",
        ]
        assert _values(ledger, "table.p95") == [0.5, 0.02, None, 0.25, None, 0.125]
        # A light check did not look, which is no gap.
        assert _values(ledger, "table.count") == [10, None, 12, None, 13]
        assert _values(ledger, "index.count") == [50, 50, 50, 50, None, 50]


@pytest.mark.parametrize("times", [0, 1, 150, 2_000])
def test_lines_have_few_points_from_the_first_check_to_the_last(hands: Hands, times: int) -> None:
    with a_ledger(hands) as ledger:
        check(ledger, hands, times=times, every=5)
        for line in ledger.series(BEGUN, 200):
            assert len(line.points) <= 202
            assert [point.at for point in line.points] == sorted(point.at for point in line.points)
            assert not times or line.points[-1].at == hands.now
        whole = merged(ledger.history(BEGUN))
        assert (whole.checks if whole else 0) == times


def test_a_worst_moment_is_not_averaged_away(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        check(ledger, hands, times=500)
        check(ledger, hands, table=a_store(requests=requests(7.0)))
        check(ledger, hands, times=500)
        assert max(value or 0 for value in _values(ledger, "table.p95", points=20, back=3 * HOUR)) == 7.0


def test_no_history_no_points() -> None:
    assert [line.points for line in lines_of([], BEGUN, BEGUN, 200)] == [[]] * 7


def test_a_clock_that_was_set_back_breaks_nothing(hands: Hands) -> None:
    with a_ledger(hands) as ledger:
        check(ledger, hands, table=gone())
        hands.later(hours=-2)
        check(ledger, hands, times=2)
        (alert,) = ledger.alerts(closed=True)
        assert alert.closed_at == alert.seen_at == alert.opened_at


def test_ids_are_never_given_twice(hands: Hands, tmp_path: Path) -> None:
    with a_ledger(hands, tmp_path, bounds=Bounds(minute_days=1)) as ledger:
        first: Alert = ledger.raise_test(Severity.INFO).alert
        ledger.clear()
        check(ledger, hands, times=100, every=3_600)
        assert ledger.alerts(closed=True) == []
        assert ledger.raise_test(Severity.INFO).alert.id == first.id + 1
