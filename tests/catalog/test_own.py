"""Users' own scenarios: queries and records, and what is wrong with them by file, record and field."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from tattoo_data.catalog import Context, Dataset, load, resolve, scenario_names, tried_scenarios
from tattoo_data.errors import BadRecord, BadSetting
from tattoo_data.model.records import Kind

DAY = date(2026, 11, 24)
CONTEXT = Context(as_of=DAY, images_base_url="http://localhost:4566", image_bucket="images")
ARTIST: dict[str, Any] = {
    "artistId": "own-1",
    "artistName": "Own",
    "instagramHandle": "own_1",
    "styles": ["celtic"],
    "locationDisplay": "Leith, Edinburgh",
    "geohash": "gcvwr3z",
    "createdAt": "@as-of-10dT00:00:00.000Z",
    "avatar": "@images/avatars/avatar-1.png",
    "rating": 4.55,
    "reviewCount": 12,
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load(CONTEXT)


def write(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_a_query_of_the_settings_file_is_listed_beside_ours(dataset: Dataset, tmp_path: Path) -> None:
    own = {"leith": {"description": "Leith", "where": "contains(locationDisplay, 'Leith')"}}
    config = tmp_path / "tattoo-data.toml"
    found = scenario_names(own, config)
    assert list(found)[-1] == "leith"
    assert str(config) in found["leith"].origin
    _, selection = resolve("leith", dataset, own, config)
    assert all(
        "Leith" in str(each.fields["locationDisplay"]) for each in selection.records() if each.kind is Kind.ARTIST
    )


def test_records_of_a_file_with_what_they_refer_to(dataset: Dataset, tmp_path: Path) -> None:
    path = write(tmp_path / "own.json", {"artists": [ARTIST]})
    (scenario,), selection = resolve(path, dataset, {}, None)
    held = {(record.kind, record.id): record for record in selection.records()}
    assert set(held) == {(Kind.ARTIST, "own-1"), (Kind.STYLE, "celtic")}
    fields = held[Kind.ARTIST, "own-1"].fields
    assert fields["createdAt"] == "2026-11-14T00:00:00.000Z"
    assert str(fields["rating"]) == "4.55"
    assert [image.key for image in selection.images] == ["avatars/avatar-1.png"]
    assert scenario.name == "own"


@pytest.mark.parametrize("form", ["folder", "array", "toml"])
def test_every_form_of_own_records(form: str, dataset: Dataset, tmp_path: Path) -> None:
    if form == "folder":
        write(tmp_path / "own" / "artists.json", [ARTIST])
        write(tmp_path / "own" / "styles.json", [{"styleId": "mine", "styleName": "Mine", "description": "d"}])
        name = f"{tmp_path}/own"
    elif form == "array":
        name = write(tmp_path / "own.json", [ARTIST])
    else:
        write(tmp_path / "records.json", [ARTIST])
        name = write(tmp_path / "own.toml", '[scenarios.own]\nrecords = "records.json"\n')
    _, selection = resolve(name, dataset, {}, None)
    held = {(record.kind, record.id) for record in selection.records()}
    assert {(Kind.ARTIST, "own-1"), (Kind.STYLE, "celtic")} <= held
    assert ((Kind.STYLE, "mine") in held) is (form == "folder")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"artistName": ""}, "artistName"),
        ({"styles": ["unknown_style"]}, "styles"),
        ({"studioInfo": {"studioId": "studio-999"}}, "studioInfo.studioId"),
        ({"rating": "high"}, "rating"),
        ({"createdAt": "@as-of-999999d"}, "(dates)"),
        ({"artistId": None}, "artistId"),
    ],
)
def test_a_broken_record_is_named_by_file_record_and_field(
    change: dict[str, Any], field: str, dataset: Dataset, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "own.json",
        {"artists": [{**ARTIST, "artistId": "own-0", "styles": ["celtic"]}, {**ARTIST, **change}]},
    )
    with pytest.raises(BadRecord) as refused:
        resolve(path, dataset, {}, None)
    assert refused.value.fields["source"] == path
    assert refused.value.fields["record"] in ("own-1", "artists[1]")
    assert refused.value.fields["field"] == field


@pytest.mark.parametrize(
    "content",
    ["", "[", '{"artists": {}}', '"text"', '{"artists": [5]}', '{"artists": [{"artistId": "a"}'],
)
def test_a_broken_file_is_named(content: str, dataset: Dataset, tmp_path: Path) -> None:
    path = write(tmp_path / "own.json", content)
    with pytest.raises((BadSetting, BadRecord), match=r"own\.json"):
        resolve(path, dataset, {}, None)


def test_the_same_id_twice_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    path = write(tmp_path / "own.json", [ARTIST, {**ARTIST, "artistName": "Other"}])
    with pytest.raises(BadRecord, match="own-1"):
        resolve(path, dataset, {}, None)


@pytest.mark.parametrize(
    "own",
    [
        {"a": 5},
        {"a": {}},
        {"a": {"where": "x", "records": "y"}},
        {"a": {"where": "x", "colour": "blue"}},
        {"a": {"where": ["x"]}},
        {"minimal": {"where": "x"}},
    ],
)
def test_a_broken_declaration_is_refused(own: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="scenarios"):
        scenario_names(own, tmp_path / "tattoo-data.toml")


def test_scenarios_that_are_none_at_all_are_refused(tmp_path: Path) -> None:
    for own in (5, ["a"], "a"):
        with pytest.raises(BadSetting, match=r"scenarios is .*tattoo-data.toml: it is no table"):
            scenario_names(cast(Any, own), tmp_path / "tattoo-data.toml")
    with pytest.raises(BadSetting, match="it is no table"):
        resolve(write(tmp_path / "own.toml", "scenarios = 5"), load(CONTEXT), {}, None)


def test_the_good_ones_are_told_from_the_broken_ones(dataset: Dataset, tmp_path: Path) -> None:
    write(tmp_path / "records.json", {"artists": [ARTIST]})
    write(tmp_path / "wrong.json", {"artists": [{**ARTIST, "rating": 7}]})
    own = {
        "good": {"where": "contains(styles, 'celtic')"},
        "half": {"where": "rating >"},
        "no-file": {"records": "nowhere.json"},
        "nobody": {"where": "artistName == 'Nobody'"},
        "wrong": {"records": "wrong.json"},
        "minimal": {"where": "rating"},
        "other": {"records": "records.json"},
        "number": 5,
        "zero": {"records": "a\0b"},
    }
    found, broken = tried_scenarios(own, tmp_path / "tattoo-data.toml", dataset)
    assert [each.name for each in found][-2:] == ["good", "other"]
    assert set(broken) == {"half", "no-file", "nobody", "wrong", "minimal", "number", "zero"}
    assert broken["no-file"].message.endswith("it cannot be read: No such file or directory")
    assert len(found) == len(scenario_names({}, None)) + 2
    found, broken = tried_scenarios(cast(Any, 5), tmp_path / "tattoo-data.toml", dataset)
    assert (len(found), list(broken)) == (len(scenario_names({}, None)), ["scenarios"])


def test_a_query_that_selects_nobody_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no artist"):
        resolve("none", dataset, {"none": {"where": "artistName == 'Nobody'"}}, tmp_path / "tattoo-data.toml")


def test_a_file_that_is_not_there_is_named(dataset: Dataset) -> None:
    with pytest.raises(BadSetting, match="no such file"):
        resolve("./nowhere.json", dataset, {}, None)
