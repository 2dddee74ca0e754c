"""The clock: the only place that asks for the time, sleeps or draws random numbers.

An environment carries one, so that a test can hand in a clock that stands still.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

monotonic = time.perf_counter


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time (UTC), elapsed seconds, sleep and randomness, each replaceable."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)
    token: Callable[[int], str] = lambda size: os.urandom(size).hex()

    def today(self) -> date:
        """The current day in UTC."""
        return self.now().date()


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC to the millisecond, as the application writes it: `2026-11-22T10:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seeded(seed: int) -> random.Random:
    """Random numbers that come again from the same seed."""
    return random.Random(seed)
