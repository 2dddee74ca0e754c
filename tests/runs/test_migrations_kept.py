"""Runs of migrations: which of them stand, and that these are kept until they do not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.model.before import BeforeImage
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.runs import Run, new_run_id
from tattoo_data.runs.retention import KEPT_RUNS, expired, forget_old_runs
from tattoo_data.runs.session import read_timeline
from tattoo_data.runs.timeline import Timeline, timeline
from tests.migrations.stand import Stand, artist, setting, stand
from tests.runs import Desk, at, desk, make_run

PAINT = setting("example", "painted")
DAY = date(2026, 11, 24)
Words = tuple[str, ...]


def run_of(number: int, *words: str, **changes: Any) -> Run:
    return make_run(number, command=words[0], arguments=words[1:], **changes)


def line_of(*commands: Words, **changes: Any) -> Timeline:
    """Runs, the oldest first."""
    runs = [run_of(number, *words, **changes) for number, words in enumerate(commands)]
    return timeline(reversed(runs))


def standing(line: Timeline, migration: str = "paint") -> list[str]:
    return [run.words for run in line.applied(migration)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    with ThreadPoolExecutor(2) as pool:
        made = stand(tmp_path, pool)
        made.fill(*(artist(number) for number in range(3)))
        yield made


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Desk]:
    with ThreadPoolExecutor(2) as pool:
        yield desk(tmp_path, pool)


RUN, BACK = ("migrate", "run", "paint"), ("migrate", "rollback", "paint")


@pytest.mark.parametrize(
    ("commands", "count"),
    [
        ((), 0),
        ((RUN,), 1),
        ((RUN, RUN), 2),
        ((RUN, ("migrate", "run", "other")), 1),
        ((("migrate", "run", "other"),), 0),
        ((RUN, BACK), 0),
        ((RUN, BACK, RUN), 1),
        ((RUN, ("migrate", "rollback", "other")), 1),
        ((BACK,), 0),
        (((*RUN, "--limit", "5"), RUN), 2),
        ((("migrate", "run"),), 0),
        ((("migrate",),), 0),
    ],
)
def test_runs_stand_until_they_are_rolled_back(commands: tuple[Words, ...], count: int) -> None:
    assert len(line_of(*commands).applied("paint")) == count


@pytest.mark.parametrize(
    ("words", "all_of_it"),
    [
        (("reset", "fresh"), True),
        (("reset", "performance-test", "--scale", "3"), True),
        (("restore", "kept"), True),
        (("restore", "s3"), True),
        (("restore", "kept", "--only", "dynamodb"), True),
        (("restore", "kept", "--only", "dynamodb", "--only", "opensearch"), True),
        (("restore", "kept", "--only", "opensearch"), False),
        (("restore", "kept", "--keys", "ARTIST#1"), False),
        (("clear", "all"), True),
        (("clear", "dynamodb"), True),
        (("clear", "opensearch"), False),
        (("clear", "s3"), False),
        (("seed", "minimal"), False),
        (("seed", "minimal", "--only"), True),
        (("import", "files", "--replace"), True),
        (("import", "files"), False),
        (("import", "files", "--replace", "--only", "s3"), False),
        (("import", "files", "--replace", "--only", "opensearch", "--only", "dynamodb"), True),
        (("validate", "all", "--fix"), False),
        (("sync", "os-to-dynamo"), False),
    ],
)
def test_what_puts_the_whole_table_into_another_state_ends_them(words: Words, all_of_it: bool) -> None:
    assert standing(line_of(RUN, words)) == ([] if all_of_it else ["migrate run paint"])
    assert standing(line_of(RUN, words, status="partial")) == ["migrate run paint"], "not all of it, perhaps"
    assert standing(line_of(words, RUN)) == ["migrate run paint"]


@pytest.mark.parametrize("status", ["running", "partial"])
def test_what_did_not_come_to_its_end(status: str) -> None:
    half = run_of(0, *RUN, status=status)
    assert timeline([half]).applied("paint") == (half,)
    assert timeline([run_of(1, *BACK, status=status), half]).applied("paint") == (half,), "some of it is there still"


def test_undo_and_redo_of_each() -> None:
    run, back = run_of(0, *RUN), run_of(1, *BACK)
    undo_run = make_run(2, kind="undo", command="undo", arguments=(), of=run.id)
    undo_back = make_run(2, kind="undo", command="undo", arguments=(), of=back.id)
    redo_run, redo_back = (
        make_run(3, kind="redo", command="redo", arguments=(), of=each.id) for each in (undo_run, undo_back)
    )
    assert timeline([undo_run, run]).applied("paint") == ()
    assert timeline([redo_run, undo_run, run]).applied("paint") == (run,)
    assert timeline([undo_back, back, run]).applied("paint") == (run,)
    assert timeline([redo_back, undo_back, back, run]).applied("paint") == ()
    reset = run_of(1, "reset", "fresh")
    undo_reset = make_run(2, kind="undo", command="undo", arguments=(), of=reset.id)
    assert timeline([undo_reset, reset, run]).applied("paint") == (run,)


def test_a_state_that_is_put_back_brings_back_what_stood_then() -> None:
    """As `with STATE -- COMMAND` does."""
    run = run_of(0, *RUN, fingerprint_after="migrated")
    reset = run_of(1, "reset", "fresh", fingerprint_after="fresh")
    between = run_of(2, *RUN, fingerprint_after="migrated otherwise")
    restore = run_of(3, "restore", "before-with", fingerprint_after="migrated")
    assert timeline([restore, between, reset, run]).applied("paint") == (run,)
    assert timeline([restore, between, reset]).applied("paint") == ()
    unknown = run_of(3, "restore", "before-with", fingerprint_after=None)
    assert timeline([unknown, reset, run_of(0, *RUN, fingerprint_after=None)]).applied("paint") == ()
    rolled_back = run_of(1, *BACK, fingerprint_after="fresh")
    again = run_of(2, "reset", "fresh", fingerprint_after="fresh")
    assert timeline([again, rolled_back, run]).applied("paint") == ()


def test_all_that_stand_are_told_apart() -> None:
    line = line_of(RUN, ("migrate", "run", "other"), ("seed", "minimal"), BACK, ("migrate", "run", "third"))
    assert line.migrations == {line.runs[3].id, line.runs[0].id}


# Kept.


def test_what_is_kept_is_not_among_the_expired() -> None:
    newest_first = [make_run(number) for number in reversed(range(30))]
    kept = {newest_first[25].id, newest_first[3].id}
    assert expired(newest_first, kept) == [run for run in newest_first[KEPT_RUNS:] if run.id not in kept]


def test_a_run_that_stands_is_kept_however_old_it_is() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    old = replace(run_of(0, *RUN), id=new_run_id(at(now - timedelta(days=90))))
    newest = replace(run_of(1, "seed", "minimal"), id=new_run_id(at(now)))
    assert expired([newest, old]) == [old]
    assert expired([newest, old], timeline([newest, old]).migrations) == []


def test_a_migration_is_rolled_back_after_many_other_commands(place: Stand) -> None:
    before = place.held()
    done = place.migrate(PAINT)
    for number in range(25):
        place.migrate(setting("bio", f"bio {number}", f"step-{number}", f"4.{number}.0"))
        place.desk.undo()
    assert done.change.run in {run.id for run in place.desk.runs()}
    assert place.roll_back(PAINT).change.failures == ()
    assert place.held() == before


def test_once_it_is_rolled_back_its_run_goes_with_the_others(place: Stand) -> None:
    done = place.migrate(PAINT)
    place.roll_back(PAINT)
    for number in range(KEPT_RUNS):
        place.migrate(setting("bio", f"bio {number}", f"step-{number}", f"4.{number}.0"))
        place.desk.undo()
    runs = {run.id for run in place.desk.runs()}
    assert (done.change.run in runs, len(runs)) == (False, KEPT_RUNS)
    assert place.desk.shelf.keys(f"runs/{done.change.run}/") == []


def keep(place: Desk, *runs: Run) -> None:
    for run in runs:
        place.env.runs.write(run)
        place.env.before_images.write(run.id, 1, StoreName.TABLE, [BeforeImage("a", b"{}", None)])


def test_the_day_of_the_data_is_not_forgotten_for_that_of_a_migration(bare: Desk) -> None:
    reset = run_of(0, "reset", "fresh", as_of=DAY)
    keep(bare, reset, run_of(1, *RUN, as_of=DAY), run_of(2, *BACK))
    keep(bare, *(run_of(number, "clear", "s3") for number in range(3, 3 + KEPT_RUNS)))
    forget_old_runs(bare.env, read_timeline(bare.env))
    line = read_timeline(bare.env)
    assert line.as_of == DAY
    assert len(line.runs) == KEPT_RUNS + 1
