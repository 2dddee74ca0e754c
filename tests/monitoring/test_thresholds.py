"""Thresholds: what is bad by default, what the settings file may say, and what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tattoo_data.errors import BadSetting, UnknownChoice, UsageError
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Severity
from tattoo_data.monitoring.causes import CAUSES
from tattoo_data.monitoring.sample import Compared, Consistency, Sample
from tattoo_data.monitoring.thresholds import DEFAULTS, read_thresholds
from tattoo_data.settings import resolve
from tests.monitoring.samples import a_store, agreed, gone, requests, sample

CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


def test_every_cause_has_a_default_and_a_help() -> None:
    assert list(DEFAULTS) == list(CAUSES)
    assert all(cause.help for cause in CAUSES.values())
    assert {name for name, each in DEFAULTS.items() if not each.is_judged} == {f"{store}.count" for store in StoreName}


@pytest.mark.parametrize(
    ("cause", "seen", "level"),
    [
        ("table.reachable", sample(), None),
        ("table.reachable", sample(table=gone()), CRITICAL),
        ("table.structure", sample(table=a_store(healthy=False, problems=("no such index",))), CRITICAL),
        ("table.structure", sample(), None),
        ("images.structure", sample(images=a_store(healthy=False)), CRITICAL),
        ("index.response", sample(index=a_store(requests=requests(0.999))), None),
        ("index.response", sample(index=a_store(requests=requests(1.0))), WARNING),
        ("index.response", sample(index=a_store(requests=requests(5.0))), CRITICAL),
        ("table.errors", sample(table=a_store(requests=requests(count=100, errors=1))), None),
        ("table.errors", sample(table=a_store(requests=requests(count=100, errors=2))), WARNING),
        ("table.errors", sample(table=a_store(requests=requests(count=4, errors=1))), CRITICAL),
        ("table.throttled", sample(table=a_store(requests=requests(count=100, throttled=1))), INFO),
        ("table.throttled", sample(table=a_store(requests=requests(count=10, throttled=1))), WARNING),
        ("table.throttled", sample(table=a_store(requests=requests(count=2, throttled=3))), CRITICAL),
        ("consistency.differing", sample(), None),
        ("consistency.differing", sample(consistency=agreed(missing=1)), WARNING),
        ("consistency.differing", sample(consistency=agreed(missing=10)), CRITICAL),
        ("consistency.differing", sample(consistency=agreed(missing=1, compared=Compared.SAMPLE)), WARNING),
    ],
)
def test_how_bad_a_value_is(cause: str, seen: Sample, level: Severity | None) -> None:
    found = CAUSES[cause].measure(seen)
    assert found is not None
    assert DEFAULTS[cause].level(found.value) == level


@pytest.mark.parametrize(
    ("cause", "seen"),
    [
        ("table.structure", sample(table=gone())),
        ("table.response", sample(table=a_store(requests=requests(None)))),
        ("table.errors", sample(table=gone())),
        ("table.errors", sample(table=a_store(requests=requests(count=0)))),
        ("table.count", sample(light=True)),
        ("consistency.differing", sample(light=True)),
        ("consistency.differing", sample(consistency=Consistency(compared=Compared.FULL))),
        # That one page agrees does not say that all do.
        ("consistency.differing", sample(consistency=agreed(compared=Compared.SAMPLE))),
        ("table.reachable", Sample(at=sample().at, seconds=0, light=True, stores={})),
    ],
)
def test_what_a_check_did_not_measure_is_neither_good_nor_bad(cause: str, seen: Sample) -> None:
    assert CAUSES[cause].measure(seen) is None


def test_the_file_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "tattoo-data.toml").write_text(
        """
[monitoring.thresholds.table.response]
warning = 0.25
critical = false
opens_after = 5
closes_after = 4
for = 90
[monitoring.thresholds."index.reachable"]
severity = "warning"
[monitoring.thresholds.images]
reachable = { enabled = false }
count = { warning = 100, critical = 10 }
"""
    )
    read = read_thresholds(resolve({}, {}, tmp_path).monitoring["thresholds"])
    response = read["table.response"]
    assert response.levels == {WARNING: 0.25}
    assert (response.opens_after, response.closes_after, response.lasts) == (5, 4, 90)
    assert read["index.reachable"].levels == {WARNING: 1}
    assert not read["images.reachable"].is_judged
    assert [read["images.count"].level(count) for count in (100, 99, 10, 9)] == [None, WARNING, WARNING, CRITICAL]
    assert read["images.count"].words(CRITICAL) == "< 10 entries"
    assert response.words(WARNING) == ">= 0.250 s"
    assert read["index.response"] == DEFAULTS["index.response"]


@pytest.mark.parametrize(
    ("tables", "error", "words"),
    [
        ({"table": {"respons": {}}}, UnknownChoice, "table.response"),
        ({"tabel": {"response": {}}}, UnknownChoice, "'tabel' is not known"),
        ({"table": {"response": {"warn": 1}}}, UnknownChoice, "critical, warning, info"),
        ({"table": {"reachable": {"severity": "bad"}}}, UnknownChoice, "critical, warning, info"),
        ({"table": {"reachable": {"critical": 1}}}, UnknownChoice, "severity, opens_after"),
        ({"table": {"reachable": {"severity": ["critical"]}}}, UnknownChoice, "is not known"),
        ({"table": {"response": {"warning": "1s"}}}, BadSetting, "no number over 0"),
        ({"table": {"response": {"warning": True}}}, BadSetting, "no number over 0"),
        ({"table": {"response": {"warning": 0}}}, BadSetting, "no number over 0"),
        ({"table": {"response": {"warning": float("nan")}}}, BadSetting, "no number over 0"),
        ({"table": {"response": {"warning": 9}}}, BadSetting, "at least the level of a lesser one"),
        ({"table": {"count": {"warning": 1, "critical": 2}}}, BadSetting, "at most the level of a lesser one"),
        ({"table": {"errors": {"critical": 50}}}, BadSetting, "at most 1"),
        ({"table": {"response": {"opens_after": 0}}}, BadSetting, "from 1 to"),
        ({"table": {"response": {"opens_after": 1.5}}}, BadSetting, "from 1 to"),
        ({"table": {"response": {"closes_after": True}}}, BadSetting, "from 1 to"),
        ({"table": {"response": {"for": -1}}}, BadSetting, "seconds from 0"),
        ({"table": {"response": {"enabled": "no"}}}, BadSetting, "neither true nor false"),
        ({"table": {"response": 1}}, BadSetting, "no table"),
        ({"table": 1}, BadSetting, "no table"),
        ([], BadSetting, "no table"),
    ],
)
def test_what_is_no_threshold_is_refused(tables: Any, error: type[UsageError], words: str) -> None:
    with pytest.raises(error, match=words) as refused:
        read_thresholds(tables)
    assert refused.value.exit_code == 2
    assert "monitoring.thresholds" in str(refused.value)


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(UnknownChoice) as refused:
        read_thresholds({"table": {"respons": {}}})
    assert refused.value.hint == "Did you mean 'table.response'?"


def test_the_guide_has_every_default() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in guide.splitlines() if line[:3] == "| `"
    ]
    found = {row[0]: row[3:] for row in rows if len(row) == 8}
    assert found.keys() == {name.partition(".")[2] for name in DEFAULTS}
    for name, threshold in DEFAULTS.items():
        level = {
            severity: "not" if threshold.cause.unit == "fact" else f"{bound:g}"
            for severity, bound in threshold.levels.items()
        }
        said = [level.get(severity, "") for severity in (INFO, WARNING, CRITICAL)]
        assert found[name.partition(".")[2]] == [*said, str(threshold.opens_after), str(threshold.closes_after)], name
