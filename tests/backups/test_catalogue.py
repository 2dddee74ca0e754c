"""The catalogue: what a reference names, and that nothing else is taken instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tattoo_data.backups.catalogue import (
    NodeArchive,
    Snapshot,
    find,
    names,
    newest_backup,
    newest_snapshot,
    newest_that,
    node_archives,
)
from tattoo_data.environment import Environment
from tattoo_data.errors import IntegrityFailed, TattooDataError, UnknownName
from tattoo_data.repository.manifests import Kind, Stored
from tests.backups.stand import Stand
from tests.backups.vault import BEGUN
from tests.repository.test_manifests import MANIFEST

NODE = "backup-2024-01-15T10-30-00-000Z"


def put(env: Environment, name: str, minute: int, *, target: str | None = None, kind: Kind = Kind.BACKUP) -> Stored:
    """A snapshot that was taken in some minute."""
    moment = BEGUN + timedelta(minutes=minute)
    manifest = replace(MANIFEST, name=name, created_at=moment, target=target or env.target.id, kind=kind)
    return env.manifests.write(manifest)


def archive(here: Stand, name: str, minute: int) -> None:
    """A backup of the Node tool."""
    here.time.seconds = minute * 60.0
    here.vault.place(f"{name}.tar.gz", b"x" * 9)


def found(here: Stand, reference: str) -> str:
    """What a reference names, in short."""
    named = find(here.env, reference)
    return named.reference if isinstance(named, Snapshot) else named.key


def refused(here: Stand, reference: str) -> TattooDataError:
    with pytest.raises(UnknownName) as error:
        find(here.env, reference)
    assert error.value.exit_code == 10
    return error.value


@pytest.fixture
def versions(here: Stand) -> dict[str, Stored]:
    """Two names, one with three versions of which one is another target's."""
    put_here = {
        "daily-1": put(here.env, "daily", 1),
        "daily-2": put(here.env, "daily", 2),
        "daily-theirs": put(here.env, "daily", 3, target="f" * 16),
        "suite": put(here.env, "suite", 4, kind=Kind.SNAPSHOT),
        "theirs": put(here.env, "theirs", 5, target="f" * 16),
    }
    generated = put(here.env, "backup-2026-11-22T10-36-00-000Z", 6)
    return {**put_here, "generated": generated}


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        ("daily", "daily-2"),
        ("suite", "suite"),
        ("theirs", "theirs"),
        ("backup-2026-11-22T10-36-00-000Z", "generated"),
        ("backup-20261122T103600000Z", "generated"),
        ("backup-", "generated"),
        ("s", "suite"),
        ("dai", "daily-2"),
        ("latest", "generated"),
    ],
)
def test_a_reference_names_one(here: Stand, versions: dict[str, Stored], reference: str, wanted: str) -> None:
    assert found(here, reference) == versions[wanted].reference


@pytest.mark.parametrize("number", ["daily-1", "daily-2", "daily-theirs"])
def test_a_version_is_named_by_its_id_or_the_beginning_of_it(
    here: Stand, versions: dict[str, Stored], number: str
) -> None:
    stored = versions[number]
    assert found(here, stored.reference) == stored.reference
    assert found(here, stored.reference[:-3]) == stored.reference
    assert found(here, f"dai@{stored.id}") == stored.reference
    assert found(here, f"daily@{stored.id[:19]}") == stored.reference, "the minute is enough here"


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "@",
        "x",
        "Daily",
        "daily ",
        "daily.tar.gz",
        "daily@2",
        "daily@x",
        "daily@",
        "suite@2026-11-22T10-31",
        "latest@2026",
        "latest@",
        "../daily",
        "$(daily)",
    ],
)
def test_what_names_none_or_several_is_refused(here: Stand, versions: dict[str, Stored], reference: str) -> None:
    error = refused(here, reference)
    assert reference in error.message


def test_a_beginning_of_two_names_is_refused_and_both_are_told(here: Stand) -> None:
    put(here.env, "suite-a", 1)
    put(here.env, "suite-b", 2)
    error = refused(here, "suite")
    assert "suite-a" in error.message
    assert "suite-b" in error.message


def test_a_whole_name_is_no_beginning_of_a_longer_one(here: Stand) -> None:
    stored = put(here.env, "suite", 1)
    put(here.env, "suite-b", 2)
    assert found(here, "suite") == stored.reference


def test_latest_is_the_newest_and_no_beginning_of_a_name(here: Stand) -> None:
    put(here.env, "latest-good", 1)
    newer = put(here.env, "suite", 2)
    assert found(here, "latest") == newer.reference
    assert found(here, "latest-") == find(here.env, "latest-good").reference


def test_one_that_is_called_latest_is_named_so(here: Stand) -> None:
    called = put(here.env, "latest", 1)
    put(here.env, "suite", 2)
    assert found(here, "latest") == called.reference


def test_latest_of_another_target_is_not_ours(here: Stand) -> None:
    put(here.env, "theirs", 1, target="f" * 16)
    error = refused(here, "latest")
    assert "theirs" in error.message
    assert newest_backup(here.env) is None
    assert newest_snapshot(here.env) is None


def test_where_there_is_none_it_is_said(here: Stand) -> None:
    assert refused(here, "latest").message == "no snapshot is called 'latest'; there is none"
    assert names(here.env) == []


def test_a_name_that_is_nearly_right_is_suggested(here: Stand, versions: dict[str, Stored]) -> None:
    assert refused(here, "siute").hint == "Did you mean 'suite'?"


def test_names_come_once_the_newest_first(here: Stand, versions: dict[str, Stored]) -> None:
    archive(here, NODE, 9)
    assert names(here.env) == [NODE, "backup-2026-11-22T10-36-00-000Z", "theirs", "suite", "daily"]


# Damage.


def damage(here: Stand, stored: Stored) -> None:
    here.vault.place(stored.key, b"{}")


@pytest.mark.parametrize("reference", ["daily", "dai", "latest"])
def test_a_damaged_newest_is_refused_and_no_older_one_is_taken(here: Stand, reference: str) -> None:
    put(here.env, "daily", 1)
    newest = put(here.env, "daily", 2)
    damage(here, newest)
    with pytest.raises(IntegrityFailed, match=newest.key):
        find(here.env, reference)
    with pytest.raises(IntegrityFailed, match=newest.key):
        newest_backup(here.env)


def test_an_older_one_can_be_named_beside_a_damaged_newest(here: Stand) -> None:
    older = put(here.env, "daily", 1)
    newest = put(here.env, "daily", 2)
    damage(here, newest)
    assert found(here, older.reference) == older.reference
    with pytest.raises(IntegrityFailed):
        find(here.env, newest.reference)


def test_damage_of_another_name_is_no_matter(here: Stand) -> None:
    daily = put(here.env, "daily", 1)
    damage(here, put(here.env, "suite", 2))
    assert found(here, "daily") == daily.reference


def test_what_a_state_is_called_passes_over_damage(here: Stand) -> None:
    older = put(here.env, "daily", 1)
    damage(here, put(here.env, "daily", 2))
    same = newest_that(here.env, lambda manifest: manifest.name == "daily")
    assert same is not None
    assert same.reference == older.reference


# The newest backup.


def test_the_newest_backup_is_of_this_target_and_no_snapshot(here: Stand, versions: dict[str, Stored]) -> None:
    put(here.env, "later", 7, kind=Kind.SNAPSHOT)
    put(here.env, "sync", 8, kind=Kind.SYNC)
    newest = newest_backup(here.env)
    assert isinstance(newest, Snapshot)
    assert newest.reference == versions["generated"].reference
    snapshot = newest_snapshot(here.env)
    assert snapshot is not None
    assert snapshot.manifest.name == "sync"


def test_where_there_are_only_snapshots_there_is_no_backup(here: Stand) -> None:
    put(here.env, "suite", 1, kind=Kind.SNAPSHOT)
    assert newest_backup(here.env) is None


# The Node tool's.


def test_archives_are_found_by_name_and_by_key(here: Stand) -> None:
    archive(here, NODE, 3)
    archive(here, "daily-backup-20240115", 4)
    for reference in (NODE, f"{NODE}.tar.gz", "backup-20240115T103000000Z", "backup-20"):
        assert found(here, reference) == f"{NODE}.tar.gz"
    for reference in ("daily-backup-20240115", "daily-backup-20240115.tar.gz", "daily"):
        assert found(here, reference) == "daily-backup-20240115.tar.gz"
    assert [(each.name, each.size) for each in node_archives(here.env)] == [("daily-backup-20240115", 9), (NODE, 9)]


def test_an_archive_has_no_versions(here: Stand) -> None:
    archive(here, "daily", 1)
    refused(here, "daily@2026")


def test_of_one_name_the_newer_of_ours_and_theirs_is_taken(here: Stand) -> None:
    put(here.env, "daily", 1)
    archive(here, "daily", 2)
    assert found(here, "daily") == "daily.tar.gz"
    newer = put(here.env, "daily", 3)
    assert found(here, "daily") == newer.reference
    assert found(here, "daily.tar.gz") == "daily.tar.gz", "its key is just its"


def test_the_newest_backup_may_be_an_archive(here: Stand) -> None:
    put(here.env, "daily", 1)
    archive(here, NODE, 2)
    put(here.env, "suite", 3, kind=Kind.SNAPSHOT)
    newest = newest_backup(here.env)
    assert isinstance(newest, NodeArchive)
    put(here.env, "daily", 4)
    assert isinstance(newest_backup(here.env), Snapshot)


def test_an_archive_elsewhere_or_of_another_kind_is_none(here: Stand) -> None:
    for key in ("folder/backup.tar.gz", "snapshots/x.tar.gz", "backup.tar", "backup.tgz", "sync-point-x.json"):
        here.vault.place(key, b"x")
    assert node_archives(here.env) == []
    assert names(here.env) == []


def test_an_archive_with_an_odd_name_can_be_named(here: Stand) -> None:
    for name in ("me@host", "a b", "é"):
        archive(here, name, 1)
        assert found(here, name) == found(here, f"{name}.tar.gz") == f"{name}.tar.gz"


def test_many_manifests_are_read_beside_each_other_and_each_once(here: Stand) -> None:
    for number in range(200):
        put(here.env, f"theirs-{number % 7}", number, target="f" * 16)
    put(here.env, "ours", 0)
    here.vault.asked.clear()
    assert found(here, "latest").startswith("ours@")
    assert here.vault.asked["get snapshots"] <= 201
    here.vault.asked.clear()
    assert found(here, "ours").startswith("ours@")
    assert here.vault.asked["get snapshots"] == 1
