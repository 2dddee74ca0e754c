"""Slices: what one check or the checks of one minute measured, in numbers alone. Pure.

A slice of one check and one of many are the same value, and neighbours are merged in any grouping. Percentiles are not
merged into a percentile, which cannot be done: of the checks' percentiles the lowest, the mean and the highest are
kept, and called so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce

import msgspec

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.sample import Compared, Health, Requests, Sample, StoreSample


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One measure over `count` checks: its lowest, highest and last value, and their sum."""

    count: int
    low: float
    high: float
    total: float
    last: float

    @property
    def mean(self) -> float:
        """The mean of the checks' values."""
        return self.total / self.count


class StoreSlice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One store: in how many checks it answered and was healthy, its requests, and its measures."""

    checks: int
    reachable: int
    healthy: int
    requests: int
    errors: int
    throttled: int
    p50: Span | None
    p95: Span | None
    p99: Span | None
    entries: Span | None


class Slice(msgspec.Struct, frozen=True, array_like=True):
    """The checks from `first` to `last` (seconds since 1970, when each began). `light`, `degraded` and `unhealthy`
    count checks; `compared` those that know whether table and index agree, and `inconsistent` those of them where not.
    `differing` is over the checks that compared everything or found a difference."""

    first: float
    last: float
    checks: int
    light: int
    degraded: int
    unhealthy: int
    seconds: Span
    stores: dict[str, StoreSlice]
    compared: int
    inconsistent: int
    differing: Span | None


def slice_of(sample: Sample) -> Slice:
    """The slice of one check."""
    at, found = sample.at.timestamp(), sample.consistency
    told = found.compared is Compared.FULL or bool(found.differing)
    return Slice(
        first=at,
        last=at,
        checks=1,
        light=int(sample.light),
        degraded=int(sample.health is Health.DEGRADED),
        unhealthy=int(sample.health is Health.UNHEALTHY),
        seconds=_one(sample.seconds),
        stores={name.value: _store(store) for name, store in sample.stores.items()},
        compared=int(found.consistent is not None),
        inconsistent=int(found.consistent is False),
        differing=_maybe(found.differing) if found.consistent is not None and told else None,
    )


def merge(one: Slice, other: Slice) -> Slice:
    """Two neighbours together, in whatever order they are given."""
    one, other = sorted((one, other), key=lambda each: (each.last, each.first))
    return Slice(
        first=min(one.first, other.first),
        last=other.last,
        checks=one.checks + other.checks,
        light=one.light + other.light,
        degraded=one.degraded + other.degraded,
        unhealthy=one.unhealthy + other.unhealthy,
        seconds=_both(one.seconds, other.seconds),
        stores=_stores(one.stores, other.stores),
        compared=one.compared + other.compared,
        inconsistent=one.inconsistent + other.inconsistent,
        differing=_either(one.differing, other.differing),
    )


def merged(slices: Iterable[Slice]) -> Slice | None:
    """All of them together; None of none."""
    found = iter(slices)
    first = next(found, None)
    return None if first is None else reduce(merge, found, first)


#: Gives a measure of a slice: a span, or None where it was not measured.
Measure = Callable[[Slice], Span | None]


def store_measure(store: StoreName, field: str) -> Measure:
    """A measure of one store, by the name of its field."""

    def measure(part: Slice) -> Span | None:
        found = part.stores.get(store.value)
        span: Span | None = getattr(found, field) if found else None
        return span

    return measure


def _store(store: StoreSample) -> StoreSlice:
    requests: Requests = store.requests
    return StoreSlice(
        checks=1,
        reachable=int(store.reachable),
        healthy=int(store.healthy),
        requests=requests.count,
        errors=requests.errors,
        throttled=requests.throttled,
        p50=_maybe(requests.p50),
        p95=_maybe(requests.p95),
        p99=_maybe(requests.p99),
        entries=_maybe(store.count),
    )


def _stores(one: Mapping[str, StoreSlice], other: Mapping[str, StoreSlice]) -> dict[str, StoreSlice]:
    found = {**one, **other}
    for name in one.keys() & other.keys():
        found[name] = _both_stores(one[name], other[name])
    return found


def _both_stores(one: StoreSlice, other: StoreSlice) -> StoreSlice:
    return StoreSlice(
        checks=one.checks + other.checks,
        reachable=one.reachable + other.reachable,
        healthy=one.healthy + other.healthy,
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        throttled=one.throttled + other.throttled,
        p50=_either(one.p50, other.p50),
        p95=_either(one.p95, other.p95),
        p99=_either(one.p99, other.p99),
        entries=_either(one.entries, other.entries),
    )


def _one(value: float) -> Span:
    return Span(count=1, low=value, high=value, total=value, last=value)


def _maybe(value: float | None) -> Span | None:
    return None if value is None else _one(value)


def _either(one: Span | None, other: Span | None) -> Span | None:
    return _both(one, other) if one and other else one or other


def _both(one: Span, other: Span) -> Span:
    return Span(
        count=one.count + other.count,
        low=min(one.low, other.low),
        high=max(one.high, other.high),
        total=one.total + other.total,
        last=other.last,
    )
