"""`python -m bench.monitor`: what a check costs, and that a monitor does not grow.

A check of `--artists` is held against one raw scan of both stores, turn by turn, on engines that were just started; a
light one is counted in requests. Then an hour of simulated time is watched, every ten seconds, and the memory of this
process after it compared with that after its first minute. Ends with 1 where a figure is over its aim.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
from tests.engines.session import is_wanted

from bench import report
from bench.__main__ import _ENGINES as ENGINES
from bench.__main__ import _engines as engines
from bench.floor import Floor
from bench.measure import TOOL, here, process, rounds
from bench.report import Figure
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment, open_environment
from tattoo_data.monitoring.check import PATIENCE, check
from tattoo_data.monitoring.glance import Walk
from tattoo_data.monitoring.ledger import open_ledger
from tattoo_data.monitoring.monitor import Monitor, Options
from tattoo_data.monitoring.requests import Recorder
from tattoo_data.monitoring.sample import Sample
from tattoo_data.settings import resolve

_RATIO, _REQUESTS, _GROWTH_MB = 1.3, 10, 10.0
_ORIGINALS = 60
_INTERVAL, _HOUR = 10.0, 3600.0


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.monitor", description=__doc__)
    parser.add_argument("--artists", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    good = True
    for title, names in ENGINES.items():
        if all(map(is_wanted, names)):
            with engines(*names) as environment:
                good &= _costs(title, environment, options.artists, options.rounds)
    with engines("ministack", "osmem", "ministack") as environment:
        good &= _growth(environment)
    sys.exit(0 if good else 1)


def _costs(title: str, environment: Mapping[str, str], artists: int, count: int) -> bool:
    _fill(environment, max(1, round(artists / _ORIGINALS) - 1))
    floor = Floor.of(environment, (), ())
    with _opened(environment) as (env, recorder):

        def full() -> None:
            found = check(env, recorder)
            if not found.consistency.consistent:
                raise RuntimeError(f"the check found {found.stores} and {found.consistency}")

        acts = {"check": partial(here, full), "scan": partial(here, floor.scan_both)}
        rounds(1, acts)  # what is loaded or opened once is no part of a check
        done = rounds(count, acts)
        light = check(env, recorder, light=True)
    sent = sum(store.requests.count for store in light.stores.values())
    figure = Figure.of("a check", done["check"], "a raw scan of both", done["scan"], "wall", _RATIO)
    print(f"{artists:,} artists, {title}\n", *report.rows([figure]), sep="\n")
    print(f"\nA light check sent {sent} requests (aim: under {_REQUESTS}).\n", flush=True)
    return figure.ratio <= _RATIO and sent < _REQUESTS


@dataclass(slots=True)
class _Simulated:
    """Time that passes while it is waited for, and by nothing else."""

    seconds: float = 0.0

    def clock(self) -> Clock:
        """As it is handed in."""
        real = Clock()
        begun = real.now()
        return replace(real, now=lambda: begun + timedelta(seconds=self.seconds), monotonic=lambda: self.seconds)


class _Stop(threading.Event):
    """Passes simulated time instead of waiting."""

    def __init__(self, time: _Simulated) -> None:
        super().__init__()
        self._time = time

    def wait(self, timeout: float | None = None) -> bool:
        self._time.seconds += timeout or 0.0
        return self.is_set()


def _growth(environment: Mapping[str, str]) -> bool:
    _fill(environment, 16)
    time = _Simulated()
    with (
        tempfile.TemporaryDirectory() as home,
        _opened(environment) as (env, recorder),
        open_ledger(Path(home), env.target.id, time.clock(), {}, print) as ledger,
    ):
        walk = Walk()

        def checks(light: bool) -> Sample:
            return replace(check(env, recorder, light=light, walk=walk), at=time.clock().now())

        options = Options(interval=_INTERVAL, duration=_HOUR)
        monitor = Monitor(checks, ledger, lambda: (), env.target.document(), time.clock(), options)
        held: list[float] = []
        for view in monitor.run(_Stop(time)):
            if view.checks == 1 + 60 / _INTERVAL:
                held.append(_memory())
        held.append(_memory())
    growth = held[-1] - held[0]
    print(f"An hour, {monitor.checks} checks of 1,020 artists: {held[0]:.1f} MB after a minute, {growth:+.1f} MB since")
    print(f"(aim: under {_GROWTH_MB:g}).", flush=True)
    return growth < _GROWTH_MB


def _fill(environment: Mapping[str, str], scale: int) -> None:
    process([TOOL, "reset", "performance-test", "--scale", str(scale), "--no-undo"], environment)


@contextmanager
def _opened(environment: Mapping[str, str]) -> Iterator[tuple[Environment, Recorder]]:
    recorder = Recorder()
    with open_environment(resolve({}, environment, Path("/")), Clock(), trace=recorder, patience=PATIENCE) as env:
        yield env, recorder


def _memory() -> float:
    gc.collect()
    return float(psutil.Process(os.getpid()).memory_info().rss) / 1_000_000


if __name__ == "__main__":
    main()
