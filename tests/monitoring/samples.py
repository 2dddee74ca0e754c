"""Samples as a check would have made them, and a clock that goes when it is told to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.ledger import Ledger, open_ledger
from tattoo_data.monitoring.sample import Compared, Consistency, Requests, Sample, StoreSample

BEGUN = datetime(2026, 11, 24, 10, tzinfo=UTC)


@dataclass(slots=True)
class Hands:
    """The hands of a clock: `later` moves them."""

    now: datetime = BEGUN
    slept: list[float] = field(default_factory=list)

    def later(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.slept.append)


def requests(p95: float | None = 0.02, count: int = 10, errors: int = 0, throttled: int = 0) -> Requests:
    half = None if p95 is None else p95 / 2
    more = None if p95 is None else p95 * 2
    return Requests(count=count, errors=errors, throttled=throttled, p50=half, p95=p95, p99=more)


def a_store(count: int | None = 50, **fields: Any) -> StoreSample:
    """A store that is well, but for what is said."""
    return StoreSample(**{"reachable": True, "healthy": True, "count": count, "requests": requests(), **fields})


def gone(why: str = "it does not answer") -> StoreSample:
    """A store that does not answer."""
    return StoreSample(reachable=False, healthy=False, problems=(why,), requests=Requests(count=1, errors=1))


def agreed(missing: int = 0, artists: int = 50, compared: Compared = Compared.FULL) -> Consistency:
    """That table and index agree, but for those that are missing."""
    return Consistency(compared=compared, artists=artists, consistent=not missing, missing=missing)


def sample(
    at: datetime = BEGUN, *, light: bool = False, consistency: Consistency | None = None, **stores: Any
) -> Sample:
    """A check of which all is well, but for the stores that are given by name."""
    found = {name: stores.get(name.value, a_store(None if light else 50)) for name in StoreName}
    said = consistency or (Consistency() if light else agreed())
    return Sample(at=at, seconds=0.1, light=light, stores=found, consistency=said)


@contextmanager
def a_ledger(hands: Hands, home: Path | None = None, **options: Any) -> Iterator[Ledger]:
    """The ledger of a target, in a folder of its own where none is given."""
    said: list[str] = options.pop("said", [])
    monitoring = options.pop("monitoring", {})
    target = options.pop("target", "target")
    with tempfile.TemporaryDirectory() as folder:
        where = home or Path(folder)
        with open_ledger(where, target, hands.clock, monitoring, said.append, **options) as ledger:
            yield ledger
