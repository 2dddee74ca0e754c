"""Metrics: the view for Prometheus, under its rules for names. What is not known is left out, never told as zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Severity
from tattoo_data.monitoring.sample import Compared, Health, Sample
from tattoo_data.monitoring.view import View
from tattoo_data.web.cards import counted_by
from tattoo_data.web.live import Live

_PREFIX = "tattoo_data_"


def exposition(live: Live, accept: str) -> tuple[bytes, str]:
    """The metrics in the format that a scraper accepts, and the name of that format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(live))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Metrics(Collector):
    """Makes the metrics anew at each scrape."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        view = self._live.drawn.view
        yield _target(view)
        yield _gauge("monitor_up", "Whether checks are made as they are due.", float(self._live.old() is None))
        yield from _totals(self._live)
        yield from _alerts(view)
        yield from _kept(view)
        if view.sample is not None:
            yield from _check(view.sample, view.at)
            yield from _stores(view, view.sample)
            yield from _consistency(view.sample)


def _target(view: View) -> Metric:
    family = InfoMetricFamily(f"{_PREFIX}target", "What is watched.")
    labels = {"table": "table", "index": "index", "image_bucket": "imageBucket", "region": "region"}
    family.add_metric([], {label: str(view.target.get(key) or "") for label, key in labels.items()})
    return family


def _totals(live: Live) -> Iterator[Metric]:
    checks = CounterMetricFamily(f"{_PREFIX}checks", "Checks made, by how they came out.", labels=["health"])
    for health in Health:
        checks.add_metric([health.value], live.totals.checks.get(health, 0))
    yield checks
    counters = {
        "count": ("store_requests", "Requests that the checks sent."),
        "errors": ("store_request_errors", "Requests of the checks that failed."),
        "throttled": ("store_requests_throttled", "Requests of the checks that were throttled."),
    }
    for field, (name, text) in counters.items():
        family = CounterMetricFamily(f"{_PREFIX}{name}", text, labels=["store"])
        for store, found in live.totals.stores.items():
            family.add_metric([store.value], getattr(found, field))
        yield family


def _check(sample: Sample, at: datetime) -> Iterator[Metric]:
    health = GaugeMetricFamily(f"{_PREFIX}health", "1 for how the newest check came out.", labels=["health"])
    for each in Health:
        health.add_metric([each.value], float(each is sample.health))
    yield health
    yield _gauge("last_check_timestamp_seconds", "When the newest check ended, since 1970.", at.timestamp())
    yield _gauge("check_duration_seconds", "How long the newest check took.", sample.seconds)
    if sample.state is not None:
        state = InfoMetricFamily(f"{_PREFIX}state", "What the stores hold, by name.")
        state.add_metric([], {"state": sample.state})
        yield state


def _stores(view: View, sample: Sample) -> Iterator[Metric]:
    reachable = _by_store("store_reachable", "Whether a store answers.")
    healthy = _by_store("store_healthy", "Whether a store answers, is there and is made as it should be.")
    entries = _by_store("store_entries", "How much a store holds, when last counted.")
    records = _by_store("store_records", "How much of each kind a store holds, when last counted.", "kind")
    times = _by_store("store_response_seconds", "Response times of the newest check.", "percentile")
    engines = InfoMetricFamily(f"{_PREFIX}store_engine", "What a store runs on.", labels=["store"])
    for name, store in sample.stores.items():
        reachable.add_metric([name.value], float(store.reachable))
        healthy.add_metric([name.value], float(store.healthy))
        if store.engine is not None:
            engines.add_metric([name.value], {"engine": store.engine})
        for percentile in ("50", "95", "99"):
            if (value := getattr(store.requests, f"p{percentile}")) is not None:
                times.add_metric([name.value, percentile], value)
        _count(view, name, entries, records)
    yield from (reachable, healthy, engines, entries, records, times)


def _count(view: View, name: StoreName, entries: GaugeMetricFamily, records: GaugeMetricFamily) -> None:
    source = counted_by(view, name)
    if source is None:
        return
    found = source.stores[name]
    entries.add_metric([name.value], float(found.count or 0))
    for kind, number in (found.kinds or {}).items():
        records.add_metric([name.value, kind], number)


def _consistency(sample: Sample) -> Iterator[Metric]:
    found = sample.consistency
    compared = GaugeMetricFamily(f"{_PREFIX}compared_artists", "Artists that were compared.", labels=["compared"])
    compared.add_metric([found.compared.value], found.artists)
    yield compared
    if found.consistent is not None:
        yield _gauge("consistent", "Whether table and index agree on what was compared.", float(found.consistent))
    if found.compared is not Compared.NOTHING:
        differing = GaugeMetricFamily(f"{_PREFIX}differing_artists", "Artists that differ, by how.", labels=["kind"])
        for kind in ("missing", "extra", "different"):
            differing.add_metric([kind], getattr(found, kind))
        yield differing


def _alerts(view: View) -> Iterator[Metric]:
    labels = ["severity", "acknowledged"]
    alerts = GaugeMetricFamily(f"{_PREFIX}alerts_open", "Open alerts, tests aside.", labels=labels)
    real = [each for each in view.alerts if not each.test]
    for severity in Severity:
        for known in (False, True):
            found = [each for each in real if (each.severity, each.acknowledged_at is not None) == (severity, known)]
            alerts.add_metric([severity.value, str(known).lower()], len(found))
    yield alerts


def _kept(view: View) -> Iterator[Metric]:
    newest: dict[str, float] = {}
    for each in view.kept:
        newest[each.kind] = max(newest.get(each.kind, 0.0), each.created_at.timestamp())
    name, text = f"{_PREFIX}last_kept_timestamp_seconds", "When the last snapshot or backup was made, since 1970."
    family = GaugeMetricFamily(name, text, labels=["kind"])
    for kind, at in newest.items():
        family.add_metric([kind], at)
    yield family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}{name}", text, value=value)


def _by_store(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}{name}", text, labels=["store", *labels])
