"""Summaries: what a list shows of each snapshot, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from tattoo_data.backups.summary import DAMAGED, NODE, Summary, shown, summaries
from tattoo_data.cli.backups import age, size
from tattoo_data.errors import IntegrityFailed, UnknownName
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.packs import Pack
from tattoo_data.repository.runs import RunKind, RunStatus
from tests.backups.stand import Stand, State, numbered
from tests.backups.vault import BEGUN
from tests.runs import make_run

TABLE, INDEX, IMAGES = StoreName
KIB = 1 << 10


def listed(here: Stand) -> dict[str, Summary]:
    return {each.reference: each for each in summaries(here.env)}


def test_where_there_is_none_the_list_is_empty(here: Stand) -> None:
    here.vault.there = False
    assert summaries(here.env) == []


def test_all_kinds_of_all_targets_the_newest_first(here: Stand, there: Stand) -> None:
    here.hold(numbered(3))
    there.hold(numbered(4))
    here.take("a")
    there.snapshot("b")
    here.time.passes(10)
    here.vault.place("node.tar.gz", b"x" * 7)
    here.snapshot("c")
    damaged = here.take("d").stored
    here.vault.place(damaged.key, b"{}")
    found = summaries(here.env)
    assert [(each.name, each.kind, each.ours) for each in found] == [
        ("d", DAMAGED, None),
        ("c", "snapshot", True),
        ("node", NODE, None),
        ("b", "snapshot", False),
        ("a", "backup", True),
    ]
    assert found[0].problem is not None
    assert damaged.key in found[0].problem
    assert (found[0].reference, found[0].fingerprint, found[0].stored_bytes) == (damaged.reference, None, None)
    assert (found[2].reference, found[2].stored_bytes, found[2].shared_bytes, found[2].counts) == ("node", 7, 0, {})


def test_what_a_summary_says(here: Stand) -> None:
    here.hold(numbered(30))
    here.env.runs.write(make_run(1, as_of=date(2026, 11, 20), status=RunStatus.DONE, kind=RunKind.WRITE))
    taken = here.take("a")
    (found,) = summaries(here.env)
    assert found == Summary(
        reference=taken.reference,
        name="a",
        kind="backup",
        created_at=taken.manifest.created_at,
        ours=True,
        records={"artists": 30, "images": 3},
        counts={TABLE: 30, INDEX: 30, IMAGES: 3},
        data_bytes=sum(about.bytes for about in taken.manifest.stores.values()) + taken.manifest.objects,
        stored_bytes=sum(len(here.vault.held[key][0].body) for key in here.vault.under("packs/")),
        shared_bytes=0,
        fingerprint=taken.manifest.fingerprint,
        as_of=date(2026, 11, 20),
        drift=0,
        by=taken.manifest.by,
    )


def test_what_snapshots_have_in_common_is_shared(here: Stand) -> None:
    here.hold(numbered(30))
    here.take("a")
    (alone,) = listed(here).values()
    assert alone.shared_bytes == 0
    here.gallery.take_down("pictures/0.png")
    here.take("b")
    one, other = listed(here).values()
    table_and_index = sum(pack.stored for store in (TABLE, INDEX) for pack in _packs(here, store))
    assert one.shared_bytes == other.shared_bytes == table_and_index
    assert one.stored_bytes != other.stored_bytes
    here.take("b")
    assert [each.shared_bytes == each.stored_bytes for each in listed(here).values()] == [True, True, False]


def _packs(here: Stand, store: StoreName) -> Sequence[Pack]:
    return here.env.manifests.read(here.env.manifests.listed()[0]).stores[store].packs


def test_one_is_shown_as_it_is_listed(here: Stand) -> None:
    here.hold(numbered(30))
    older = here.take("a")
    here.hold(State())
    here.take("a")
    here.vault.place("node.tar.gz", b"x")
    for reference in (older.reference, "a", "node"):
        summary, manifest = shown(here.env, reference)
        assert summary == listed(here)[summary.reference]
        assert (manifest is None) == (reference == "node")
    assert shown(here.env, older.reference)[1] == older.manifest
    with pytest.raises(UnknownName):
        shown(here.env, "b")
    here.vault.place(older.stored.key, b"")
    with pytest.raises(IntegrityFailed):
        shown(here.env, older.reference)


def test_one_that_is_deleted_while_it_is_shown_is_shown(here: Stand) -> None:
    here.hold(numbered(3))
    taken = here.take("a")
    gets = 0

    def vanish(operation: str, key: str) -> None:
        nonlocal gets
        gets += operation == "get"
        if gets == 2:
            here.vault.held.pop(taken.stored.key, None)

    here.vault.before = vanish
    summary, manifest = shown(here.env, "a")
    assert (summary.reference, manifest) == (taken.reference, taken.manifest)


def test_a_list_reads_each_manifest_once_and_no_pack(here: Stand) -> None:
    for number in range(9):
        here.hold(numbered(number))
        here.take(f"n{number % 4}")
    here.vault.asked.clear()
    assert len(summaries(here.env)) == 9
    assert {key: count for key, count in here.vault.asked.items() if key.startswith("get")} == {"get snapshots": 9}


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (None, "-"),
        (0, "0 B"),
        (1023, "1023 B"),
        (KIB, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (KIB**2, "1.0 MiB"),
        (int(3.4 * KIB**3), "3.4 GiB"),
        (KIB**4, "1.0 TiB"),
        (5000 * KIB**4, "5000.0 TiB"),
    ],
)
def test_sizes_for_a_reader(count: int | None, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172_799, "48 h"),
        (172_800, "2 d"),
        (86_400 * 365, "365 d"),
    ],
)
def test_ages_for_a_reader(seconds: int, said: str) -> None:
    assert age(BEGUN, BEGUN + timedelta(seconds=seconds)) == said
