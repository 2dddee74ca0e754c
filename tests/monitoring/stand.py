"""A target in memory to be checked: its requests are traced, and each store fails when it is told to."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.check import check
from tattoo_data.monitoring.glance import Walk
from tattoo_data.monitoring.requests import Recorder
from tattoo_data.monitoring.sample import Consistency, Sample, StoreSample
from tattoo_data.stores.base import Description, Store
from tattoo_data.stores.faulty import FaultyStore, Rates
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.wire import Exchange
from tests.sync.stand import Stand

BEGUN = datetime(2026, 11, 24, 10, tzinfo=UTC)


def exchange(store: str, seconds: float = 0.01, status: int | None = 200, attempt: int = 1) -> Exchange:
    """One request, as the wire traces it."""
    return Exchange(
        store=store,
        operation="Scan",
        attempt=attempt,
        sent_bytes=1,
        received_bytes=1,
        seconds=seconds,
        status=status,
        error=None if status else "NewConnectionError",
    )


class Traced(FaultyStore):
    """A store whose requests are traced. It raises `error` as long as there is one, in the operations of `failing`
    where any are named; `about` is what it is described with instead."""

    def __init__(self, inner: Store, recorder: Recorder) -> None:
        super().__init__(inner, Rates())
        self.recorder = recorder
        self.error: Exception | None = None
        self.failing: tuple[str, ...] = ()
        self.about: dict[str, Any] = {}
        self.asked: list[str] = []

    def describe(self) -> Description | None:
        found = super().describe()
        return replace(found, **self.about) if found is not None else None

    def search(self, body: dict[str, Any]) -> Any:
        """What `IndexDoor.search` gives for a count, and for a query by ids."""
        self._begin("search")
        entries = self.inner._entries or {}  # type: ignore[attr-defined]
        wanted = body.get("query", {}).get("ids", {}).get("values", ())
        hits = [
            {"_id": key, "_routing": each.routing} for key, each in entries.items() if key in wanted and each.routing
        ]
        return {"hits": {"total": {"value": len(entries)}, "hits": hits}}

    def _begin(self, operation: str) -> None:
        self.asked.append(operation)
        failed = self.error is not None and (not self.failing or operation in self.failing)
        self.recorder(exchange(self.name.value, status=None if failed else 200))
        if failed:
            assert self.error is not None
            raise self.error


class Checked(Stand):
    """A target whose stores are checked. `check()` is one check, `store(name)` what fails as it is told."""

    def __init__(self, folder: Path, pool: Executor) -> None:
        super().__init__(folder, pool)
        self.recorder = Recorder()
        self.walk = Walk()
        self.traced = {name: Traced(self.env.stores[name], self.recorder) for name in StoreName}
        table, index, images = (self.traced[name] for name in StoreName)
        stores = LiveStores(table=table, index=index, images=images)
        self.watched = replace(self.env, stores=stores, index=cast(Any, index))

    def check(self, *, light: bool = False, name_all: bool = False) -> Sample:
        """One check."""
        return check(self.watched, self.recorder, light=light, walk=self.walk, name_all=name_all)

    def fill(self, count: int) -> None:
        """Put artists into both."""
        for number in range(count):
            self.both(f"artist-{number:03}", artistName=f"Ada {number}", rating={"N": f"{number}.50"})

    @property
    def requests(self) -> int:
        """How many requests were sent in all."""
        return sum(len(each.asked) for each in self.traced.values())


@dataclass(slots=True)
class Simulated:
    """Time that passes only while it is waited for."""

    seconds: float = 0.0
    waited: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        """As it is handed in."""
        return Clock(
            now=lambda: BEGUN + timedelta(seconds=self.seconds), monotonic=lambda: self.seconds, sleep=self.pass_by
        )

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += max(0.0, seconds)


def sample(**given: Any) -> Sample:
    """A healthy check."""
    store = StoreSample(reachable=True, healthy=True, engine="memory", count=3)
    about: dict[str, Any] = {
        "at": BEGUN,
        "seconds": 0.1,
        "light": False,
        "stores": dict.fromkeys(StoreName, store),
        "consistency": Consistency(),
    }
    return Sample(**about | given)
