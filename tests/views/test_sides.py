"""Sides: which of all that holds a state a name means, and what is said where it is none or two."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tattoo_data.backups.take import TakeOptions, take
from tattoo_data.errors import BadSetting, NoBackup, NotFound, UnknownName, UsageError
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.manifests import Kind as SnapshotKind
from tattoo_data.runs.session import Command, WriteOptions, writing
from tattoo_data.settings import resolve
from tattoo_data.stores.bucket import Listed
from tattoo_data.views.contents import open_side
from tattoo_data.views.sides import Kind, find_side, known_names
from tests.runs import Desk, Shelf, desk, wanted

DAY = date(2026, 11, 20)
#: A picture in memory has no body that a snapshot could keep.
NO_IMAGES = (StoreName.TABLE, StoreName.INDEX)
FOR_WITH = (Kind.STATE, Kind.SCENARIO, Kind.SNAPSHOT)
OWN = '[scenarios.own]\ndescription = "Ours"\nwhere = "rating > `4.5`"\n[scenarios.clean]\nwhere = "rating > `4.5`"\n'


class Bucket(Shelf):
    """A bucket that can be listed without what is in its folders."""

    def objects(self, prefix: str = "", *, delimited: bool = False) -> Iterator[Listed]:
        every = super().objects(prefix)
        return (each for each in every if not (delimited and "/" in each.key.removeprefix(prefix)))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A target that was reset on a day, with scenarios of one's own, and a folder to work in."""
    (tmp_path / "tattoo-data.toml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        made = desk(tmp_path, pool, shelf=Bucket())
        with writing(made.env, Command(name="reset", arguments=("fresh",)), WriteOptions()) as session:
            session.carry_out(wanted({1: "Ada"}, NO_IMAGES), as_of=DAY)
        yield made


def snapshot(place: Desk, name: str) -> str:
    """Keep what the stores hold; how it is named."""
    return take(place.env, TakeOptions(name=name, kind=SnapshotKind.SNAPSHOT)).reference


@pytest.mark.parametrize(
    ("text", "explicit", "as_of"),
    [
        ("live", "live", None),
        ("fresh", "state:fresh", DAY),
        ("state:clean", "state:clean", DAY),
        ("minimal", "state:minimal", DAY),
        ("scenario:minimal", "scenario:minimal", DAY),
        ("search-basic", "scenario:search-basic", DAY),
        ("own", "scenario:own", DAY),
        ("high-rating+own", "scenario:high-rating+own", DAY),
        ("backup-restore", "state:backup-restore", None),
        ("./data.json", "file:./data.json", None),
        ("data.json", "file:data.json", None),
        ("file:data.json", "file:data.json", None),
    ],
)
def test_what_a_name_means(place: Desk, text: str, explicit: str, as_of: date | None) -> None:
    Path("data.json").write_text("[]")
    side = find_side(place.env, text)
    assert (side.explicit, side.as_of) == (explicit, as_of)


def test_a_snapshot_is_called_by_its_version(place: Desk) -> None:
    first, second = snapshot(place, "before"), snapshot(place, "later")
    assert find_side(place.env, "before").explicit == f"snapshot:{first}"
    assert find_side(place.env, first).name == first
    assert find_side(place.env, "snapshot:before").name == first
    assert find_side(place.env, "latest").name == second
    assert find_side(place.env, "bef").name == first, "the beginning of just one"


def test_the_words_for_each_kind(place: Desk) -> None:
    assert find_side(place.env, "live").words == "the live stores"
    assert find_side(place.env, "fresh").words == "state fresh (as of 2026-11-20)"
    assert find_side(place.env, "fresh").called == "state fresh"
    reference = snapshot(place, "before")
    assert find_side(place.env, "before").words == f"snapshot {reference}"


@pytest.mark.parametrize(
    ("make", "text", "forms"),
    [
        ("snapshot", "fresh", "Say which: state:fresh or snapshot:fresh."),
        ("snapshot", "search-basic", "Say which: scenario:search-basic or snapshot:search-basic."),
        ("snapshot", "minimal", "Say which: state:minimal or snapshot:minimal."),
        ("folder", "fresh", "Say which: file:fresh or state:fresh."),
        ("nothing", "clean", "Say which: state:clean or scenario:clean."),
    ],
)
def test_a_name_that_is_two_things_is_refused_with_both_forms(place: Desk, make: str, text: str, forms: str) -> None:
    if make == "snapshot":
        snapshot(place, text)
    elif make == "folder":
        Path(text).mkdir()
    with pytest.raises(UsageError) as refused:
        find_side(place.env, text)
    assert (refused.value.exit_code, refused.value.hint) == (2, forms)
    for form in forms.removeprefix("Say which: ").removesuffix(".").split(" or "):
        side = find_side(place.env, form)
        assert (side.kind, side.name.partition("@")[0]) == (Kind(form.partition(":")[0]), text)


def test_the_beginning_of_a_snapshots_name_is_in_nobodys_way(place: Desk) -> None:
    snapshot(place, "fresh-before-tests")
    assert find_side(place.env, "fresh").explicit == "state:fresh"


def test_live_is_live_whatever_else_is_called_so(place: Desk) -> None:
    snapshot(place, "live")
    Path("live").mkdir()
    assert find_side(place.env, "live").kind is Kind.LIVE
    assert find_side(place.env, "snapshot:live").kind is Kind.SNAPSHOT
    assert find_side(place.env, "./live").kind is Kind.FILE


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("frsh", "fresh"),
        ("serch-basic", "search-basic"),
        ("befor-tets", "before-tests"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_of_all(place: Desk, text: str, hint: str) -> None:
    snapshot(place, "before-tests")
    with pytest.raises(UnknownName) as unknown:
        find_side(place.env, text)
    assert unknown.value.exit_code == 10
    assert unknown.value.hint == f"Did you mean {hint!r}?"
    assert "no file, state, scenario or snapshot is called" in unknown.value.message
    for name in ("live", "fresh", "high-rating", "own", "before-tests"):
        assert name in unknown.value.message


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("state:nope", UnknownName),
        ("scenario:minimal+nope", UnknownName),
        ("snapshot:nope", UnknownName),
        ("file:nope", NotFound),
        ("./nope", NotFound),
        ("minimal+nope", UnknownName),
        ("nope@2026", UnknownName),
        ("", UnknownName),
        ("state:", UnknownName),
        ("latest", UnknownName),
        ("scenario:./nope.json", BadSetting),
    ],
)
def test_what_is_not_there(place: Desk, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        find_side(place.env, text)


def test_some_kinds_only(place: Desk) -> None:
    (Path("own.json")).write_text("{}")
    Path("fresh").mkdir()
    assert find_side(place.env, "fresh", FOR_WITH).explicit == "state:fresh", "a folder is no matter here"
    assert find_side(place.env, "./own.json", FOR_WITH).explicit == "scenario:./own.json"
    assert find_side(place.env, "own.json", FOR_WITH).explicit == "scenario:own.json"
    with pytest.raises(UnknownName, match="no state, scenario or snapshot is called 'live'"):
        find_side(place.env, "live", FOR_WITH)
    with pytest.raises(UsageError, match="cannot be used here"):
        find_side(place.env, "file:own.json", FOR_WITH)
    assert "live" not in known_names(place.env, FOR_WITH)


def test_the_day_is_the_flags_else_the_last_resets_else_what_is_set_else_today(place: Desk, tmp_path: Path) -> None:
    def day(desk: Desk, flags: dict[str, str], environ: dict[str, str]) -> date | None:
        env = replace(desk.env, settings=resolve(flags, environ, tmp_path))
        return find_side(env, "state:fresh").as_of

    assert day(place, {"as_of": "2026-01-31"}, {}) == date(2026, 1, 31)
    assert day(place, {}, {"TATTOO_DATA_AS_OF": "2026-01-31"}) == DAY
    with ThreadPoolExecutor(1) as pool:
        untouched = desk(tmp_path, pool)
        assert day(untouched, {}, {"TATTOO_DATA_AS_OF": "2026-01-31"}) == date(2026, 1, 31)
        assert day(untouched, {}, {}) == untouched.env.clock.today()


def test_the_newest_backup_is_a_state_and_without_one_that_is_said(place: Desk) -> None:
    side = find_side(place.env, "backup-restore")
    with pytest.raises(NoBackup), open_side(place.env, side):
        pass
    take(place.env, TakeOptions(name="kept", kind=SnapshotKind.BACKUP))
    with open_side(place.env, side) as opened:
        assert opened.content is not None
        assert opened.knows_digests
