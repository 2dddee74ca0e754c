"""Retention: the last 20 runs of a target, at most 7 days, and the run whose day counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.before import BeforeImage
from tattoo_data.model.entry import Blob, StoreName
from tattoo_data.repository.runs import Run, new_run_id
from tattoo_data.runs.retention import KEPT_FOR, KEPT_RUNS, expired, forget_old_runs
from tattoo_data.runs.session import read_timeline
from tattoo_data.stores.base import Outcome
from tests.runs import Desk, Shelf, at, desk, make_run

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
DAY = date(2026, 11, 24)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with ThreadPoolExecutor(4) as pool:
        yield desk(tmp_path, pool)


def aged(days: float) -> Run:
    """A run that began so many days before now."""
    return replace(make_run(0), id=new_run_id(at(NOW - timedelta(days=days))))


def keep(place: Desk, *runs: Run) -> None:
    """Store runs, each with one file of before-images."""
    for run in runs:
        place.env.runs.write(run)
        place.env.before_images.write(run.id, 1, StoreName.TABLE, [BeforeImage("a", b"{}", None)])


def forget(place: Desk) -> None:
    forget_old_runs(place.env, read_timeline(place.env))


def kept(place: Desk) -> set[str]:
    """The ids that anything is kept of."""
    return {key.split("/")[1] for key in place.shelf.keys("runs/")}


@pytest.mark.parametrize("count", [0, 1, KEPT_RUNS, KEPT_RUNS + 1, KEPT_RUNS + 6])
def test_the_last_20_are_kept(count: int) -> None:
    newest_first = [make_run(number) for number in reversed(range(count))]
    assert expired(newest_first) == newest_first[KEPT_RUNS:]


@pytest.mark.parametrize(
    ("ages", "gone"),
    [
        ((0, 6.9), 0),
        ((0, 7), 0),
        ((0, 7.01), 1),
        ((0, 1, 7.01, 30), 2),
        ((30, 36), 0),  # nothing was written for a month: that alone is no reason
        ((30, 38), 1),
    ],
)
def test_no_run_is_kept_that_began_a_week_before_the_newest(ages: tuple[float, ...], gone: int) -> None:
    newest_first = [aged(each) for each in ages]
    assert expired(newest_first) == newest_first[len(ages) - gone :]


@given(st.lists(st.floats(0, 20), max_size=40))
def test_what_is_kept_is_recent_and_among_the_last_and_expires_no_further(ages: list[float]) -> None:
    newest_first = [aged(each) for each in sorted(ages)]
    gone = expired(newest_first)
    stay = newest_first[: len(newest_first) - len(gone)]
    assert stay + gone == newest_first
    assert expired(stay) == []
    assert bool(stay) is bool(newest_first)
    assert len(stay) <= KEPT_RUNS
    assert all(each - min(ages) <= KEPT_FOR.days + 1e-6 for each in sorted(ages)[: len(stay)])


def test_an_id_that_tells_no_time_goes_by_its_place() -> None:
    odd = [replace(make_run(0), id=f"run-{number:02}") for number in reversed(range(22))]
    assert expired(odd) == odd[20:]
    assert expired([aged(0), odd[0], aged(8)])[0].id == aged(8).id


def test_what_expired_goes_with_its_before_images(place: Desk) -> None:
    runs = [make_run(number, command="clear") for number in range(23)]
    keep(place, *runs)
    forget(place)
    assert kept(place) == {run.id for run in runs[3:]}
    assert len(place.shelf.keys("runs/")) == 2 * KEPT_RUNS
    forget(place)
    assert len(place.shelf.keys("runs/")) == 2 * KEPT_RUNS


def test_a_run_goes_before_its_before_images(place: Desk) -> None:
    keep(place, *(make_run(number, command="clear") for number in range(22)))
    forget(place)
    endings = [key.rpartition("/")[2] for key in place.shelf.deleted]
    assert endings == ["run.json", "run.json", "000001.jsonl.zst", "000001.jsonl.zst"]


def test_a_run_that_could_not_be_removed_keeps_its_before_images(place: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [make_run(number, command="clear") for number in range(22)]
    keep(place, *runs)
    delete = place.shelf.delete

    def refused(keys: Sequence[str]) -> list[Outcome]:
        first = f"runs/{runs[0].id}/run.json"
        done = delete([key for key in keys if key != first])
        return [*done, Outcome(first, "InternalError")] if first in keys else done

    monkeypatch.setattr(Shelf, "delete", lambda shelf, keys: refused(keys))
    forget(place)
    assert len(place.shelf.keys(f"runs/{runs[0].id}/")) == 2
    assert place.shelf.keys(f"runs/{runs[1].id}/") == []
    monkeypatch.undo()
    forget(place)
    assert place.shelf.keys(f"runs/{runs[0].id}/") == []


def test_the_run_whose_day_counts_stays_and_promises_no_way_back(place: Desk) -> None:
    dated = make_run(0, command="reset", as_of=DAY)
    keep(place, dated, *(make_run(number, command="clear") for number in range(1, 26)))
    forget(place)
    line = read_timeline(place.env)
    assert len(line.runs) == KEPT_RUNS + 1
    assert line.dated is not None
    assert (line.as_of, line.dated.id, line.dated.undoable) == (DAY, dated.id, False)
    assert place.shelf.keys(f"runs/{dated.id}/") == [f"runs/{dated.id}/run.json"]


def test_only_the_newest_day_of_those_that_expired_stays(place: Desk) -> None:
    keep(place, make_run(0, as_of=DAY), newer := make_run(1, as_of=DAY + timedelta(1)))
    keep(place, *(make_run(number, command="clear") for number in range(2, 26)))
    forget(place)
    assert read_timeline(place.env).as_of == newer.as_of
    assert make_run(0).id not in kept(place)


def test_the_day_before_the_newest_is_known_after_an_undo(place: Desk) -> None:
    keep(place, make_run(0, command="reset", as_of=DAY))
    keep(place, *(make_run(number, command="clear") for number in range(1, 26)))
    forget(place)
    keep(place, newer := make_run(26, as_of=DAY + timedelta(1)))
    forget(place)
    keep(place, make_run(27, kind="undo", command="undo", of=newer.id))
    forget(place)
    assert read_timeline(place.env).as_of == DAY


def test_a_seed_that_was_undone_does_not_stay_for_its_day(place: Desk) -> None:
    seeded = make_run(0, as_of=DAY)
    keep(place, seeded, make_run(1, kind="undo", command="undo", of=seeded.id))
    keep(place, *(make_run(number, command="clear") for number in range(2, 26)))
    forget(place)
    assert seeded.id not in kept(place)


@pytest.mark.parametrize(("milli", "stays"), [(5, False), (15, True), (25, False)])
def test_an_undo_that_left_a_snapshot_behind_stays(place: Desk, milli: int, stays: bool) -> None:
    run = make_run(10, command="clear")
    taken = make_run(20, kind="undo", command="undo", of=run.id)
    snapshot = f"snapshots/base/2026-11-24T10-30-00-{milli:03}Z-0123456789abcdef.json"
    place.shelf.there = True
    place.shelf.put(snapshot, Blob(b"{}", "application/json"))
    keep(place, run, taken, *(make_run(number, command="clear") for number in range(30, 55)))
    for _ in range(2):
        forget(place)
        assert place.shelf.keys(f"runs/{taken.id}/") == ([f"runs/{taken.id}/run.json"] if stays else [])
        assert run.id not in kept(place)
    line = read_timeline(place.env)
    assert line.descends_from(run.began + timedelta(milliseconds=5)) is not stays


def test_files_that_a_removal_left_over_go_with_the_next(place: Desk) -> None:
    keep(place, make_run(1))
    gone = make_run(0)
    place.env.before_images.write(gone.id, 1, StoreName.TABLE, [BeforeImage("a", None, b"after")])
    forget(place)
    assert kept(place) == {make_run(1).id}


def test_runs_of_other_targets_and_of_newer_tools_stay(place: Desk) -> None:
    others = [make_run(number, target="other") for number in range(25)]
    newer = make_run(30).id
    keep(place, *others, *(make_run(number, command="clear") for number in range(40, 62)))
    place.shelf.put(f"runs/{newer}/run.json", Blob(b'{"format":2}', "application/json"))
    place.shelf.put(f"runs/{newer}/000001.jsonl.zst", Blob(b"of theirs", "application/zstd"))
    forget(place)
    assert {run.id for run in others} | {newer} <= kept(place)
    assert len(place.runs()) == KEPT_RUNS
    assert len(place.shelf.keys(f"runs/{newer}/")) == 2
