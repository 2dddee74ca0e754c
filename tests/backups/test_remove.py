"""Delete, prune and clear: what goes is what nobody wants, and nothing that somebody needs goes with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from tattoo_data.backups.catalogue import find
from tattoo_data.backups.remove import PruneOptions, Removed, clear, delete, prune, unwanted
from tattoo_data.backups.take import PRUNE
from tattoo_data.errors import IntegrityFailed, Locked, StoreError, UnknownName
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.locks import Lock
from tattoo_data.repository.manifests import Stored
from tattoo_data.repository.runs import RunStatus
from tattoo_data.runs.undo import UndoOptions, undo
from tests.backups.stand import Stand, State, numbered
from tests.backups.vault import BEGUN
from tests.runs import make_run

DAY = 86_400.0


def stored(name: str, moment: str) -> Stored:
    """A version of a name, taken at a day or `day hour`."""
    day, _, hour = moment.partition(" ")
    return Stored(name=name, id=f"{day}T{hour or '12'}-00-00-000Z-0123456789abcdef", modified=BEGUN)


def gone(moments: Sequence[str], **options: Any) -> list[str]:
    """Which versions of one name go, the newest first."""
    newest_first = sorted((stored("daily", moment) for moment in moments), key=lambda each: each.id, reverse=True)
    short = {each.id: moment for each in newest_first for moment in moments if stored("daily", moment).id == each.id}
    return [short[each.id] for each in unwanted(newest_first, PruneOptions(**options))]


DAYS = ["2026-11-20", "2026-11-21", "2026-11-22 09", "2026-11-22 18", "2026-11-25"]
NEW_YEAR = ["2024-12-22", "2024-12-29", "2024-12-30", "2024-12-31", "2025-01-01", "2025-01-05", "2025-01-06"]


@pytest.mark.parametrize(
    ("moments", "options", "wanted"),
    [
        (DAYS, {}, []),
        (DAYS, {"keep": 9}, []),
        (DAYS, {"keep": 2}, ["2026-11-22 09", "2026-11-21", "2026-11-20"]),
        (DAYS, {"keep": 1}, ["2026-11-22 18", "2026-11-22 09", "2026-11-21", "2026-11-20"]),
        (DAYS, {"daily": 1}, ["2026-11-22 18", "2026-11-22 09", "2026-11-21", "2026-11-20"]),
        (DAYS, {"daily": 3}, ["2026-11-22 09", "2026-11-20"]),
        (DAYS, {"daily": 9}, ["2026-11-22 09"]),
        (DAYS, {"weekly": 1}, ["2026-11-22 18", "2026-11-22 09", "2026-11-21", "2026-11-20"]),
        (DAYS, {"weekly": 2}, ["2026-11-22 09", "2026-11-21", "2026-11-20"]),
        (DAYS, {"keep": 3, "daily": 3}, ["2026-11-20"]),
        (DAYS, {"keep": 1, "weekly": 2}, ["2026-11-22 09", "2026-11-21", "2026-11-20"]),
        # Weeks are those of ISO 8601: the first of 2025 begins on 2024-12-30.
        (NEW_YEAR, {"weekly": 1}, NEW_YEAR[-2::-1]),
        (NEW_YEAR, {"weekly": 2}, ["2025-01-01", "2024-12-31", "2024-12-30", "2024-12-29", "2024-12-22"]),
        (NEW_YEAR, {"weekly": 3}, ["2025-01-01", "2024-12-31", "2024-12-30", "2024-12-22"]),
        (NEW_YEAR, {"weekly": 4}, ["2025-01-01", "2024-12-31", "2024-12-30"]),
        (["2026-12-27", "2026-12-28", "2027-01-03", "2027-01-04"], {"weekly": 2}, ["2026-12-28", "2026-12-27"]),
        # Days are those of UTC.
        (["2026-11-22 23", "2026-11-23 00"], {"daily": 2}, []),
    ],
)
def test_what_goes_by_the_policy(moments: list[str], options: dict[str, int], wanted: list[str]) -> None:
    assert gone(moments, **options) == wanted


def test_each_name_counts_for_itself_and_all_unnamed_ones_together() -> None:
    newest_first = [
        stored("backup-2026-11-25T10-00-00-000Z", "2026-11-25"),
        stored("suite", "2026-11-24"),
        stored("backup-2026-11-23T10-00-00-000Z", "2026-11-23"),
        stored("daily", "2026-11-22"),
        stored("suite", "2026-11-21"),
        stored("backup-2026-11-20T10-00-00-000Z", "2026-11-20"),
        stored("backup-20", "2026-11-19"),
    ]
    assert unwanted(newest_first, PruneOptions(keep=1)) == [newest_first[2], newest_first[5], newest_first[4]]
    assert unwanted(newest_first, PruneOptions(keep=2)) == [newest_first[5]]
    assert unwanted(newest_first, PruneOptions(keep=1, names=["suite"])) == [newest_first[4]]
    assert unwanted(newest_first, PruneOptions(names=["suite"])) == []


class Dated(Stored):
    """A version that counts how often it is asked for its moment."""

    asked: ClassVar[Counter[str]] = Counter()

    @property
    def created_at(self) -> datetime:
        self.asked["created_at"] += 1
        return super().created_at


def test_of_a_thousand_versions_each_is_looked_at_a_few_times() -> None:
    Dated.asked.clear()
    days = [(BEGUN - timedelta(hours=7 * number)).strftime("%Y-%m-%d %H") for number in range(1_200)]
    every = [Dated(name="daily", id=stored("daily", day).id, modified=BEGUN) for day in days]
    assert len(unwanted(every, PruneOptions(keep=3, daily=7, weekly=4))) > 1_100
    assert Dated.asked["created_at"] <= 4 * len(every)


# In a repository.


@pytest.fixture
def filled(here: Stand) -> Stand:
    """Three versions of `daily` and a snapshot, of four states that have most in common."""
    for number in range(3):
        here.hold(numbered(40, first=number, text="Ada"))
        here.take("daily")
    here.hold(numbered(12, first=500, text="Mae"))
    here.snapshot("suite")
    return here


def references(here: Stand) -> list[str]:
    return [each.reference for each in here.env.manifests.listed()]


def days_pass(here: Stand, days: float = 2) -> None:
    here.time.passes(days * DAY)


def everything(here: Stand) -> dict[str, bytes]:
    return {key: here.vault.held[key][0].body for key in here.vault.under() if not key.startswith("locks/")}


def needed(here: Stand, *stays: str) -> set[str]:
    """The packs and bodies that some versions name."""
    found: set[str] = set()
    for reference in stays:
        stored = next(each for each in here.env.manifests.listed() if each.reference == reference)
        manifest = here.env.manifests.read(stored)
        found |= {pack.key for about in manifest.stores.values() for pack in about.packs}
    return found


def test_a_prune_without_a_policy_keeps_all_that_is_named(filled: Stand) -> None:
    days_pass(filled)
    before = everything(filled)
    done = prune(filled.env, PruneOptions())
    assert done == Removed(dry_run=False, snapshots=(), kept=tuple(references(filled)))
    assert everything(filled) == before


def test_a_prune_takes_versions_and_what_they_alone_needed(filled: Stand) -> None:
    days_pass(filled)
    every = references(filled)
    before = everything(filled)
    planned = prune(filled.env, PruneOptions(keep=1, dry_run=True))
    assert everything(filled) == before
    done = prune(filled.env, PruneOptions(keep=1))
    assert done == replace(planned, dry_run=False)
    assert (done.snapshots, done.kept) == ((every[2], every[3]), (every[0], every[1]))
    left = everything(filled)
    assert {key for key in left if key.startswith("packs/")} == needed(filled, *every[:2])
    assert done.packs + done.bodies + 2 == len(before) - len(left)
    assert done.freed_bytes == sum(
        len(body) for key, body in before.items() if key not in left and not key.startswith("snapshots/")
    )
    assert filled.damage() == {}
    filled.restore("daily")
    filled.restore("suite")


def test_a_prune_of_some_names_leaves_the_others(filled: Stand) -> None:
    filled.hold(numbered(3))
    filled.snapshot("suite")
    days_pass(filled)
    done = prune(filled.env, PruneOptions(names=["suite"], keep=1))
    assert [each.partition("@")[0] for each in done.snapshots] == ["suite"]
    assert len([each for each in references(filled) if each.startswith("daily@")]) == 3
    assert filled.damage() == {}


@pytest.mark.parametrize("name", ["suit", "daily@2026", "x", ""])
def test_a_prune_of_a_name_that_is_not_there_removes_nothing(filled: Stand, name: str) -> None:
    before = everything(filled)
    with pytest.raises(UnknownName) as refused:
        prune(filled.env, PruneOptions(names=["suite", name], keep=1))
    assert refused.value.exit_code == 10
    assert everything(filled) == before


def test_an_unnamed_backup_can_be_pruned_and_deleted_in_either_spelling(here: Stand) -> None:
    here.hold(numbered(3))
    name = here.take().manifest.name
    short = name.replace("-", "").replace("backup", "backup-")
    assert prune(here.env, PruneOptions(names=[short], keep=1)).snapshots == ()
    (reference,) = delete(here.env, short).snapshots
    assert reference.startswith(f"{name}@")


def test_what_is_young_stays_for_a_backup_that_is_being_taken(filled: Stand) -> None:
    packs = filled.vault.under("packs/")
    done = prune(filled.env, PruneOptions(keep=1))
    assert (len(done.snapshots), done.packs, done.bodies) == (2, 0, 0)
    assert filled.vault.under("packs/") == packs
    days_pass(filled, 0.9)
    assert prune(filled.env, PruneOptions()).packs == 0
    days_pass(filled, 0.2)
    assert prune(filled.env, PruneOptions()).packs > 0


def test_where_the_store_tells_no_time_only_manifests_go(filled: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    days_pass(filled)
    monkeypatch.setattr(type(filled.vault), "now", lambda self: None)
    done = prune(filled.env, PruneOptions(keep=1))
    assert (len(done.snapshots), done.packs, done.bodies) == (2, 0, 0)


def test_a_damaged_manifest_stops_a_prune_for_nobody_knows_what_it_needs(filled: Stand) -> None:
    days_pass(filled)
    newest = filled.env.manifests.listed()[0]
    filled.vault.place(newest.key, b"{}")
    before = everything(filled)
    with pytest.raises(IntegrityFailed, match=newest.key) as failed:
        prune(filled.env, PruneOptions(keep=1))
    assert "backups delete NAME@ID" in failed.value.hint
    assert everything(filled) == before
    delete(filled.env, newest.reference)
    assert len(prune(filled.env, PruneOptions(keep=1)).snapshots) == 2


def test_a_damaged_manifest_that_is_not_kept_is_no_obstacle(filled: Stand) -> None:
    days_pass(filled)
    oldest = filled.env.manifests.listed()[-1]
    filled.vault.place(oldest.key, b"{}")
    assert oldest.reference in prune(filled.env, PruneOptions(keep=1)).snapshots
    assert filled.damage() == {}


def test_a_manifest_that_is_not_deleted_keeps_its_packs(filled: Stand) -> None:
    days_pass(filled)
    oldest = filled.env.manifests.listed()[-1]
    packs = filled.vault.under("packs/")
    filled.vault.refuses = {oldest.key}
    with pytest.raises(StoreError, match=oldest.key):
        prune(filled.env, PruneOptions(keep=1))
    assert filled.vault.under("packs/") == packs
    assert filled.damage() == {}


def test_what_another_targets_backups_need_stays(here: Stand, there: Stand) -> None:
    here.hold(numbered(20))
    there.hold(numbered(30, first=100))
    here.take("ours")
    there.take("theirs")
    days_pass(here)
    prune(here.env, PruneOptions(keep=1))
    assert here.damage() == {}
    there.hold(State())
    there.restore("theirs")
    assert there.restore("theirs").proven


def test_each_target_keeps_its_own_versions_of_a_name(here: Stand, there: Stand) -> None:
    there.hold(numbered(30, first=100))
    theirs = there.take("daily").reference
    here.hold(numbered(20))
    ours = [here.take("daily").reference for _ in range(3)]
    unnamed = [here.take().reference, there.take().reference]
    done = prune(here.env, PruneOptions(keep=1))
    assert list(done.snapshots) == ours[1::-1]
    assert set(references(here)) == {theirs, ours[2], *unnamed}
    assert prune(there.env, PruneOptions(keep=1)).snapshots == ()


def test_the_bodies_that_an_undo_needs_stay(here: Stand) -> None:
    state = numbered(30)
    here.hold(state)
    here.snapshot("before")
    here.hold(numbered(5, first=700))
    before = here.held()
    here.restore("before")
    delete(here.env, "before")
    days_pass(here)
    done = prune(here.env, PruneOptions())
    assert done.bodies > 0
    undo(here.env, UndoOptions())
    assert here.held() == before


@pytest.mark.parametrize(
    "act", [lambda here: prune(here.env, PruneOptions()), lambda here: clear(here.env, dry_run=False)]
)
def test_what_a_run_at_work_has_kept_stays(here: Stand, act: Callable[[Stand], Removed]) -> None:
    """A body is kept before the file that names it: between the two nobody knows who needs it."""
    here.hold(numbered(20))
    here.gallery.hang("a.png", here.gallery.blobs["pictures/0.png"])
    ref = here.env.bodies.keep(here.gallery.blobs["a.png"])
    days_pass(here)
    here.env.runs.write(make_run(1, status=RunStatus.RUNNING))
    act(here)
    here.env.bodies.check(ref)
    here.env.runs.write(make_run(1, status=RunStatus.DONE))
    assert act(here).bodies == 1


def test_a_run_that_is_forgotten_meanwhile_is_no_obstacle(here: Stand) -> None:
    here.hold(numbered(20))
    here.snapshot("before")
    here.hold(numbered(5, first=700))
    run = here.restore("before").change.run
    first = True

    def forget(operation: str, key: str) -> None:
        nonlocal first
        if operation == "get" and key.endswith(".jsonl.zst") and key.startswith(f"runs/{run}") and first:
            first = False
            for each in here.vault.under(f"runs/{run}/"):
                del here.vault.held[each]

    here.vault.before = forget
    days_pass(here)
    prune(here.env, PruneOptions())
    assert not first
    assert here.damage() == {}


def test_archives_of_the_node_tool_are_not_pruned(filled: Stand) -> None:
    filled.vault.place("backup-2024-01-15T10-30-00-000Z.tar.gz", b"x")
    days_pass(filled)
    prune(filled.env, PruneOptions(keep=1))
    assert "backup-2024-01-15T10-30-00-000Z.tar.gz" in filled.vault.held


def test_nobody_prunes_beside_another(filled: Stand, pool: Executor) -> None:
    before = everything(filled)
    with Lock(filled.env.repository, PRUNE, filled.env.clock, "backups prune"):
        acts: list[Callable[[], Removed]] = [
            lambda: prune(filled.env, PruneOptions(keep=1)),
            lambda: delete(filled.env, "suite"),
            lambda: clear(filled.env, dry_run=False),
        ]
        for act in acts:
            with pytest.raises(Locked, match="backups prune"):
                act()
        assert prune(filled.env, PruneOptions(keep=1, dry_run=True)).snapshots
        assert delete(filled.env, "suite", dry_run=True).snapshots
    assert everything(filled) == before


# Delete.


def test_a_name_takes_all_its_versions_with_it(filled: Stand) -> None:
    packs = filled.vault.under("packs/")
    done = delete(filled.env, "daily")
    assert [each.partition("@")[0] for each in done.snapshots] == ["daily"] * 3
    assert [each.partition("@")[0] for each in references(filled)] == ["suite"]
    assert filled.vault.under("packs/") == packs
    assert filled.damage() == {}


def test_a_version_goes_alone(filled: Stand) -> None:
    every = references(filled)
    assert delete(filled.env, every[2]).snapshots == (every[2],)
    assert references(filled) == [every[0], every[1], every[3]]


def test_a_deletion_that_is_tried_tells_and_does_nothing(filled: Stand) -> None:
    before = everything(filled)
    assert len(delete(filled.env, "daily", dry_run=True).snapshots) == 3
    assert everything(filled) == before


@pytest.mark.parametrize("reference", ["dail", "latest", "", "@", "daily@", "daily@2026", "suite@x", "Daily", "*"])
def test_what_is_deleted_is_named_in_full(filled: Stand, reference: str) -> None:
    before = everything(filled)
    with pytest.raises(UnknownName):
        delete(filled.env, reference)
    assert everything(filled) == before


def test_an_archive_goes_by_its_name_or_its_key(filled: Stand) -> None:
    for name in ("node", "daily"):
        filled.vault.place(f"{name}.tar.gz", b"x")
    assert delete(filled.env, "daily.tar.gz").snapshots == ("daily",)
    assert delete(filled.env, "node").snapshots == ("node",)
    assert len(references(filled)) == 4


def test_what_the_store_does_not_delete_is_not_said_to_be_gone(filled: Stand) -> None:
    newest = filled.env.manifests.listed()[0]
    filled.vault.refuses = {newest.key}
    with pytest.raises(StoreError, match="not yours"):
        delete(filled.env, "suite")
    find(filled.env, "suite")


def test_a_damaged_one_can_be_deleted(filled: Stand) -> None:
    newest = filled.env.manifests.listed()[0]
    filled.vault.place(newest.key, b"{}")
    assert delete(filled.env, "suite").snapshots == (newest.reference,)


# Clear.


def test_clear_leaves_runs_and_what_they_need(filled: Stand) -> None:
    filled.restore("daily")
    before = everything(filled)
    runs = {key: body for key, body in before.items() if key.startswith("runs/")}
    planned = clear(filled.env, dry_run=True)
    assert everything(filled) == before
    done = clear(filled.env, dry_run=False)
    assert done == replace(planned, dry_run=False)
    assert len(done.snapshots) == 4
    left = everything(filled)
    assert {key: left[key] for key in runs} == runs
    assert {key.partition("/")[0] for key in left} <= {"runs", "objects"}
    undo(filled.env, UndoOptions())
    assert len(filled.held()[StoreName.IMAGES]) == 2
