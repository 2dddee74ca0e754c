"""Metrics: what Prometheus reads, by its own parser and its rules for names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.view import View
from tattoo_data.web.live import Live
from tests.web import examples
from tests.web.client import client_of

_VIEWS = {
    "healthy": examples.healthy(),
    "unhealthy": examples.unhealthy(),
    "unreachable": examples.unreachable(),
    "unseen": examples.unseen(),
}
_BASE_UNITS = ("_seconds", "_bytes", "_ratio")
_OTHER_UNITS = re.compile(r"_(ms|milliseconds|minutes|hours|percent|kilobytes|mb)(_|$)")
_OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def _live(view: View) -> Live:
    live = Live(examples.unseen(), examples.INTERVAL, examples.clock_at(examples.NOW))
    live.show(view)
    return live


def _families(view: View) -> dict[str, Metric]:
    text = client_of(_live(view)).get("/metrics").text
    return {each.name: each for each in text_string_to_metric_families(text)}


def _value(families: dict[str, Metric], name: str, **labels: str) -> float | None:
    family = families.get(f"tattoo_data_{name}")
    found = [each.value for each in family.samples if each.labels == labels] if family else []
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("name", _VIEWS)
def test_names_keep_the_rules(name: str) -> None:
    for family in _families(_VIEWS[name]).values():
        assert re.fullmatch(r"tattoo_data_[a-z]+(_[a-z]+)*", family.name)
        assert family.documentation.endswith(".") and family.type in ("gauge", "counter")
        assert not _OTHER_UNITS.search(family.name)
        assert ("seconds" in family.name) == family.name.endswith(_BASE_UNITS)
        assert "timestamp" not in family.name or family.name.endswith("_timestamp_seconds")
        for each in family.samples:
            assert each.name.endswith("_total") == (family.type == "counter")
            assert not each.name.endswith(("_count", "_sum", "_bucket", "_created"))
            assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in each.labels)
            assert not {"quantile", "le", "job", "instance"} & set(each.labels)
            assert not each.name.endswith("_info") or each.value == 1
        labels = [tuple(sorted(each.labels)) for each in family.samples]
        assert len(set(labels)) <= 1, "all samples of a metric have the same labels"
        series = [tuple(sorted(each.labels.items())) for each in family.samples]
        assert len(series) == len(set(series))


@pytest.mark.parametrize("name", _VIEWS)
def test_both_formats_say_the_same(name: str) -> None:
    client = client_of(_live(_VIEWS[name]))
    plain, other = client.get("/metrics"), client.get("/metrics", Accept=_OPEN_METRICS)
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert other.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")

    def samples(families: list[Metric]) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
        return {
            (each.name, tuple(sorted(each.labels.items())), each.value)
            for family in families
            for each in family.samples
        }

    openly = openmetrics.text_string_to_metric_families(other.text)  # type: ignore[no-untyped-call]
    assert samples(list(text_string_to_metric_families(plain.text))) == samples(list(openly))


@pytest.mark.parametrize("name", ["healthy", "unhealthy"])
def test_values_are_those_of_the_view(name: str) -> None:
    view, found = _VIEWS[name], _families(_VIEWS[name])
    assert view.sample is not None
    for store, seen in view.sample.stores.items():
        assert _value(found, "store_reachable", store=store.value) == float(seen.reachable)
        assert _value(found, "store_healthy", store=store.value) == float(seen.healthy)
        assert _value(found, "store_entries", store=store.value) == seen.count
        assert _value(found, "store_response_seconds", store=store.value, percentile="99") == seen.requests.p99
        assert _value(found, "store_engine_info", store=store.value, engine=str(seen.engine)) == 1
        for kind, number in (seen.kinds or {}).items():
            assert _value(found, "store_records", store=store.value, kind=kind) == number
    apart = view.sample.consistency
    assert _value(found, "consistent") == float(bool(apart.consistent))
    assert _value(found, "differing_artists", kind="missing") == apart.missing
    assert _value(found, "compared_artists", compared="full") == apart.artists
    assert _value(found, "health", health=view.sample.health.value) == 1
    assert _value(found, "check_duration_seconds") == view.sample.seconds
    assert _value(found, "last_check_timestamp_seconds") == view.at.timestamp()
    assert _value(found, "monitor_up") == 1
    assert _value(found, "last_kept_timestamp_seconds", kind="backup") == view.kept[1].created_at.timestamp()


def test_tests_of_the_alerts_are_no_alerts() -> None:
    found = _families(examples.unhealthy())
    assert _value(found, "alerts_open", severity="critical", acknowledged="false") == 1
    assert _value(found, "alerts_open", severity="warning", acknowledged="true") == 1
    assert _value(found, "alerts_open", severity="info", acknowledged="false") == 0


def test_what_is_not_known_is_left_out() -> None:
    found = _families(examples.unreachable())
    assert _value(found, "store_reachable", store="index") == 0
    assert _value(found, "store_entries", store="index") == 2_000, "as last counted"
    assert _value(found, "store_response_seconds", store="index", percentile="50") is None
    assert _value(found, "consistent") is None and _value(found, "differing_artists", kind="extra") is None
    unseen = _families(examples.unseen())
    assert "tattoo_data_health" not in unseen and "tattoo_data_store_reachable" not in unseen
    assert "tattoo_data_target_info" in unseen


def test_counters_add_up_over_checks_and_only_over_checks() -> None:
    live = _live(examples.unhealthy())
    client = client_of(live)
    client.post("/api/alerts/7/acknowledge")
    live.show(examples.unhealthy())
    text = client.get("/metrics").text
    found = {each.name: each for each in text_string_to_metric_families(text)}
    for name, once in (("store_requests", 16), ("store_request_errors", 1), ("store_requests_throttled", 2)):
        samples = {each.labels["store"]: each.value for each in found[f"tattoo_data_{name}"].samples}
        assert samples[StoreName.TABLE] == 2 * once
    checks = {each.labels["health"]: each.value for each in found["tattoo_data_checks"].samples}
    assert checks == {"healthy": 0, "degraded": 0, "unhealthy": 2}


def test_the_guide_names_every_metric() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text("utf-8")
    families = {**_families(examples.healthy()), **_families(examples.unhealthy())}
    there = {each.name for family in families.values() for each in family.samples}
    assert set(re.findall(r"`(tattoo_data_\w+)`", guide)) == there


def test_hostile_names_stay_in_their_labels() -> None:
    hostile = 'x"} 1\ntattoo_data_forged{a="\\'
    view = examples.healthy()
    assert view.sample is not None
    view = replace(view, target=dict.fromkeys(examples.TARGET, hostile), sample=replace(view.sample, state=hostile))
    found = _families(view)
    assert "tattoo_data_forged" not in found
    assert _value(found, "state_info", state=hostile) == 1
