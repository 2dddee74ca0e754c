"""Measures: processes and rounds, with the median and the spread."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TOOL = str(Path(sys.executable).parent / "tattoo-data")
#: macOS counts bytes, Linux KiB.
_MAXRSS_PER_MB = 1_000_000 if sys.platform == "darwin" else 1_000_000 / 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What one act cost: wall clock and CPU (user and system), in seconds; and a process's peak of memory, in MB."""

    wall: float
    cpu: float
    peak_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """The same act several times."""

    costs: Sequence[Cost]

    def wall(self) -> float:
        """The median wall clock, in seconds."""
        return statistics.median(cost.wall for cost in self.costs)

    def cpu(self) -> float:
        """The median CPU time, in seconds."""
        return statistics.median(cost.cpu for cost in self.costs)

    def spread(self, measure: str) -> str:
        """The least and the largest, in seconds."""
        values = [getattr(cost, measure) for cost in self.costs]
        return f"{min(values):.3g} to {max(values):.3g}"


def process(command: Sequence[str], environment: Mapping[str, str], folder: str | None = None) -> Cost:
    """Run a command to its end, in `folder`. Raises RuntimeError where it fails. Bytecode is kept, as it is where the
    tool is installed: without, a start compiles our modules, and none of its peers'.

    Until it is itself, a process counts the memory of the one that started it: a peak means something only where that
    one is smaller.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=folder,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _MAXRSS_PER_MB)


def here(act: Callable[[], object]) -> Cost:
    """Call a function in this process."""
    start, cpu = time.perf_counter(), time.process_time()
    act()
    return Cost(time.perf_counter() - start, time.process_time() - cpu)


def rounds(count: int, acts: Mapping[str, Callable[[], Cost]]) -> dict[str, Series]:
    """Every act once in each round, so that whatever slows the machine slows all of them; every other round
    in the reverse order, because engines slow down as they fill."""
    costs: dict[str, list[Cost]] = {name: [] for name in acts}
    for number in range(count):
        for name, act in reversed(list(acts.items())) if number % 2 else acts.items():
            costs[name].append(act())
    return {name: Series(each) for name, each in costs.items()}
