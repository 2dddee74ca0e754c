"""Races: backups beside backups, prunes and deletions. What has a manifest has all that it names."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tattoo_data.backups import remove
from tattoo_data.backups.remove import PruneOptions, delete, prune
from tattoo_data.backups.summary import summaries
from tattoo_data.backups.take import TakeOptions, take
from tattoo_data.backups.verify import verify
from tattoo_data.clock import Clock
from tattoo_data.errors import IntegrityFailed, Locked, UnknownName
from tests.backups.stand import Stand, State, numbered, stand

ROUNDS = 60


@pytest.fixture
def hurried(tmp_path: Path, pool: Executor, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """A target whose time is this machine's, where waiting for a lock takes a moment, and where nothing is too young
    to be pruned."""
    monkeypatch.setattr(remove, "_YOUNG", timedelta(seconds=-1))
    here = stand(tmp_path, pool)
    clock = Clock(sleep=lambda seconds: time.sleep(min(seconds, 0.002)))
    here.env = replace(here.env, clock=clock)
    here.vault.clock = clock.now
    return here


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that begin together; what each returned, or the error that it raised."""
    together = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> object:
        together.wait()
        try:
            return act()
        except Exception as error:  # noqa: BLE001  the test looks at it
            return error

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(begin, acts))


def damage(here: Stand) -> dict[str, tuple[str, ...]]:
    return {each.reference: each.damage for each in verify(here.env, ()) if each.damage}


@pytest.mark.parametrize("names", [("a", "a"), ("a", "b"), (None, None), ("a", None), ("a", "a", "a", "b")])
def test_backups_at_once_are_all_complete(hurried: Stand, names: tuple[str | None, ...]) -> None:
    hurried.hold(numbered(60))
    done = at_once(*[lambda name=name: take(hurried.env, TakeOptions(name=name)) for name in names])
    assert [error for error in done if isinstance(error, Exception)] == []
    assert 1 <= len(hurried.env.manifests.listed()) <= len(names)
    assert damage(hurried) == {}
    hurried.hold(State())
    assert hurried.restore("latest").proven


def test_a_backup_and_a_prune_at_once_never_leave_a_manifest_without_its_packs(hurried: Stand) -> None:
    for number in range(ROUNDS):
        hurried.hold(numbered(40, first=number))
        done = at_once(
            lambda: take(hurried.env, TakeOptions(name="a")),
            lambda: prune(hurried.env, PruneOptions(keep=1, wait=60)),
            lambda: take(hurried.env, TakeOptions(name="b")),
            lambda: prune(hurried.env, PruneOptions(names=(), keep=2, wait=60)),
        )
        assert [error for error in done if isinstance(error, Exception)] == []
        assert damage(hurried) == {}
    names = [each.name for each in hurried.env.manifests.listed()]
    assert {"a", "b"} == set(names)


@pytest.mark.parametrize("number", range(1, 12))
def test_a_prune_in_the_middle_of_a_backup_at_each_of_its_moments(hurried: Stand, number: int) -> None:
    """All that was there before is unwanted, and the backup would use most of it."""
    hurried.hold(numbered(60))
    hurried.take("a")
    for each in hurried.env.manifests.listed():
        hurried.env.manifests.delete([each])
    steps = 0

    def interrupt(operation: str, key: str) -> None:
        nonlocal steps
        if operation in ("put", "list") and not key.startswith("locks"):
            steps += 1
            if steps == number and threading.current_thread() is threading.main_thread():
                hurried.vault.before = lambda operation, key: None
                with suppress(Locked):  # the backup is about to become one
                    prune(hurried.env, PruneOptions())

    hurried.vault.before = interrupt
    try:
        hurried.take("b")
    finally:
        hurried.vault.before = lambda operation, key: None
    assert damage(hurried) == {}


def test_who_looks_while_another_deletes_sees_no_damage(hurried: Stand) -> None:
    for number in range(4):
        hurried.hold(numbered(20, first=number))
        hurried.take(f"n{number}")

    def vanish(operation: str, key: str) -> None:
        if operation == "get" and key.startswith("snapshots/n1"):
            hurried.vault.before = lambda operation, key: None
            delete(hurried.env, "n1")
            delete(hurried.env, "n2")
            prune(hurried.env, PruneOptions())

    hurried.vault.before = vanish
    assert {each.kind for each in summaries(hurried.env)} == {"backup"}
    hurried.take("n1")
    hurried.take("n2")
    hurried.vault.before = vanish
    assert damage(hurried) == {}


def test_who_restores_while_another_deletes_writes_nothing_or_all_of_it(hurried: Stand) -> None:
    for number in range(6):
        hurried.hold(numbered(40))
        hurried.take("a")
        kept = hurried.held()
        hurried.hold(numbered(5, first=700))
        before = hurried.held()
        one, other = at_once(
            lambda: hurried.restore("a"),
            lambda: (delete(hurried.env, "a", wait=60), prune(hurried.env, PruneOptions(wait=60))),
        )
        assert not isinstance(other, Exception), number
        if isinstance(one, Exception):
            assert isinstance(one, IntegrityFailed | UnknownName)
            assert hurried.held() == before
        else:
            assert hurried.held() == kept
