"""Cross-check: what records say of each other, in small sets of data with one thing wrong."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import partial

import pytest

from tattoo_data.engine.spool import Spool
from tattoo_data.model.records import Kind
from tattoo_data.validation.cross import Cross
from tattoo_data.validation.rule import Finding, Place
from tattoo_data.validation.rules.cross import RULES
from tattoo_data.validation.rules.entity import Facts

Said = tuple[str, str, str]


def artist(record_id: str, handle: str = "", studio: str = "", styles: Iterable[str] = ("celtic",)) -> Facts:
    return Facts(kind=Kind.ARTIST, id=record_id, handle=handle or record_id, studio=studio, styles=list(styles))


def studio(record_id: str, *artists: str) -> Facts:
    return Facts(kind=Kind.STUDIO, id=record_id, artists=artists)


def style(record_id: str) -> Facts:
    return Facts(kind=Kind.STYLE, id=record_id)


CELTIC = style("celtic")


def found(records: list[Facts], cross: Cross | None = None) -> list[Said]:
    held: list[Finding] = []
    cross = cross or Cross()
    for facts in records:
        cross.add([(facts, Place("table", f"{facts.kind}#{facts.id}"))])
    cross.finish(held.append)
    return sorted((each.rule, each.key, each.field) for each in held)


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ([artist("a", studio="s"), studio("s", "a"), CELTIC], []),
        ([artist("a", "x"), artist("b", "X.x"), CELTIC], []),
        ([artist("a"), artist("a", "other"), CELTIC], [("duplicate-id", "artist#a", "")]),
        ([studio("s"), studio("s"), CELTIC], [("duplicate-id", "studio#s", "")]),
        ([CELTIC, CELTIC, CELTIC], [("duplicate-id", "style#celtic", "")] * 2),
        ([studio("a"), artist("a"), style("a"), CELTIC], []),
        ([artist("a", "ink"), artist("b", "INK"), CELTIC], [("duplicate-handle", "artist#b", "instagramHandle")]),
        ([artist("a", styles=["celtic", "dot"]), CELTIC], [("style-unknown", "artist#a", "styles.1")]),
        ([artist("a", studio="s"), CELTIC], [("studio-unknown", "artist#a", "studioInfo.studioId")]),
        ([artist("a", studio="s"), studio("s"), CELTIC], [("artist-not-listed", "artist#a", "studioInfo.studioId")]),
        ([artist("a"), studio("s", "a"), CELTIC], [("studio-lists-other", "studio#s", "artists")]),
        (
            [artist("a", studio="t"), studio("s", "a"), studio("t", "a"), CELTIC],
            [("studio-lists-other", "studio#s", "artists")],
        ),
        ([studio("s", "nobody")], [("studio-lists-nobody", "studio#s", "artists")]),
    ],
)
def test_one_thing_that_does_not_fit(records: list[Facts], wanted: list[Said]) -> None:
    assert found(records) == wanted
    assert found(records[::-1]) == wanted


def test_a_later_record_names_the_first() -> None:
    held: list[Finding] = []
    cross = Cross()
    cross.add([(artist("a"), Place("files", "a", "one.json", 3)), (artist("a"), Place("files", "a", "two.json", 7))])
    cross.finish(held.append)
    assert {(each.rule, each.file, each.message.rpartition(": ")[2]) for each in held} == {
        ("style-unknown", "one.json", "there is no such style"),
        ("style-unknown", "two.json", "there is no such style"),
        ("duplicate-id", "two.json", "one.json:3"),
        ("duplicate-handle", "two.json", "one.json:3"),
    }


def test_a_record_that_is_known_elsewhere_is_no_error() -> None:
    def elsewhere(kind: Kind, record_id: str) -> bool:
        return record_id in ("dotwork", "s")

    records = [artist("a", studio="s", styles=["dotwork"]), artist("b", studio="t", styles=["x"])]
    assert found(records, Cross(elsewhere)) == [
        ("studio-unknown", "artist#b", "studioInfo.studioId"),
        ("style-unknown", "artist#b", "styles.0"),
    ]


def test_a_studio_may_list_artists_of_the_catalogue_that_are_not_here() -> None:
    cross = Cross(catalogue=lambda kind, record_id: (kind, record_id) == (Kind.ARTIST, "artist-001"))
    assert found([studio("s", "artist-001", "artist-999")], cross) == [
        ("studio-lists-nobody", "studio#s", "artists"),
        ("studio-lists-outside", "studio#s", "artists"),
    ]


def test_where_no_studios_are_held_nothing_is_said_of_them() -> None:
    assert found([artist("a", studio="s"), CELTIC], Cross(studios=False)) == []


def test_every_rule_between_records_is_found_somewhere() -> None:
    of_keys = {"id-differs-from-key", "index-key", "index-key-shard", "node-key-form"}
    shown = {
        *("duplicate-id", "duplicate-handle", "style-unknown", "studio-unknown", "artist-not-listed"),
        *("studio-lists-other", "studio-lists-nobody", "studio-lists-outside"),
    }
    assert {rule.id for rule in RULES} == of_keys | shown


@pytest.mark.parametrize("in_memory", [True, False])
def test_many_records_in_any_order_are_found_exactly(in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not in_memory:
        monkeypatch.setattr("tattoo_data.validation.cross.Spool", partial(Spool, limit=10_000))
    studios = [studio(f"s{number}", *(f"a{each}" for each in range(number, 2000, 10))) for number in range(10)]
    artists = [artist(f"a{number}", studio=f"s{number % 10}") for number in range(2000)]
    every = [*studios, *artists, CELTIC]
    random.Random(7).shuffle(every)
    assert found(every) == []
    assert found([*every, artist("a77", "new", studio="s7")]) == [("duplicate-id", "artist#a77", "")]
