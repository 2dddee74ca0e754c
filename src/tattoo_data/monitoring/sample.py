"""A sample: what one check saw of the stores. Values only; how they are read is `check`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tattoo_data.model.entry import StoreName


class Health(StrEnum):
    """How well something is, from best to worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class Compared(StrEnum):
    """What a check held against each other: every field of every artist, every field of some, or nothing."""

    FULL = "full"
    SAMPLE = "sample"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The requests that a check sent to one store: how many, how many failed or were throttled, and how long they
    took, in seconds; None where none was answered."""

    count: int = 0
    errors: int = 0
    throttled: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSample:
    """One store. `reachable` is that it answered, `healthy` that besides it is there and made as it should be, and
    `problems` say what is not. `count` and `kinds` are exact, and None where they were not counted or could not be."""

    reachable: bool
    healthy: bool
    engine: str | None = None
    count: int | None = None
    kinds: Mapping[str, int] | None = None
    requests: Requests = Requests()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One artist on whom table and index disagree: `missing` in the index, `extra` there, or `different` in `fields`
    (empty where they were not looked up)."""

    key: str
    kind: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """Whether the index holds what the table's artists give. `artists` were compared as `compared` says; `consistent`
    is None where that is not known; `differing` counts all that disagree and `differences` are the first of them."""

    compared: Compared = Compared.NOTHING
    artists: int = 0
    consistent: bool | None = None
    missing: int = 0
    extra: int = 0
    different: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def differing(self) -> int:
        """How many artists disagree."""
        return self.missing + self.extra + self.different


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One check: when it began (UTC), how long it took, and what it saw. `light` is one without a pass over
    everything. `state` is the name of what the stores hold, where that was looked for and is known."""

    at: datetime
    seconds: float
    light: bool
    stores: Mapping[StoreName, StoreSample]
    consistency: Consistency = Consistency()
    state: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def health(self) -> Health:
        """Unhealthy where a store is, or table and index disagree; degraded where a request failed and was sent
        again, or whether they agree is not known; else healthy."""
        if not all(store.healthy for store in self.stores.values()) or self.consistency.consistent is False:
            return Health.UNHEALTHY
        failed = any(store.requests.errors or store.requests.throttled for store in self.stores.values())
        return Health.DEGRADED if failed or self.consistency.consistent is None else Health.HEALTHY
