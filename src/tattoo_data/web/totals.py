"""Totals: the requests of all checks so far, by store, as counters need them. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.sample import Health, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """How many requests a store was sent, and how many of them failed or were throttled."""

    count: int = 0
    errors: int = 0
    throttled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the checks so far add up to."""

    checks: Mapping[Health, int] = field(default_factory=dict)
    stores: Mapping[StoreName, Requests] = field(default_factory=dict)

    def plus(self, sample: Sample) -> Totals:
        """The same with one more check."""
        stores = dict(self.stores)
        for name, store in sample.stores.items():
            before, found = stores.get(name, Requests()), store.requests
            stores[name] = Requests(
                count=before.count + found.count,
                errors=before.errors + found.errors,
                throttled=before.throttled + found.throttled,
            )
        return Totals(checks={**self.checks, sample.health: self.checks.get(sample.health, 0) + 1}, stores=stores)
