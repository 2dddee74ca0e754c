"""`python -m tests.campaigns NAME [--count N] [--seed S] [--targets embedded,real]`, on engines of its own."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.campaigns import faults, flips, follow, kept, kills, migrations, twins, writer
from tests.campaigns.place import Place, place
from tests.engines.start import Engine, start
from tests.tool import TARGETS


class Report(Protocol):
    """What a campaign found."""

    @property
    def wrong(self) -> list[str]:
        """What was not as it should be, in words."""


Campaign = Callable[[Place, int, int, Callable[[str], None]], Report]
CAMPAIGNS: dict[str, tuple[Campaign, int]] = {
    "kills": (kills.run, 200),
    "migrations": (migrations.run, 100),
    "kept": (kept.run, 100),
    "twins": (twins.run, 20),
    "faults": (faults.run, 20),
    "writer": (writer.run, 5),
    "follow": (follow.run, 50),
}
#: These need no engine.
IN_MEMORY: dict[str, tuple[Callable[[int, int, Callable[[str], None]], Report], int]] = {"flips": (flips.run, 1_000)}


def main() -> None:
    """Run one campaign on each target, and end with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("name", choices=[*CAMPAIGNS, *IN_MEMORY])
    parser.add_argument("--count", type=int, help="how often, over all targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--targets", default="embedded,real", help=f"of {', '.join(TARGETS)}")
    options = parser.parse_args()
    if options.name in IN_MEMORY:
        fight, often = IN_MEMORY[options.name]
        found = fight(options.count or often, options.seed, _tell)
        print(f"in memory, seed {options.seed}: {found}", flush=True)
        sys.exit(1 if found.wrong else 0)
    campaign, usual = CAMPAIGNS[options.name]
    kinds = options.targets.split(",")
    count = -(-(options.count or usual) // len(kinds))
    wrong = 0
    for kind in kinds:
        report = _run(campaign, kind, count, options.seed)
        print(f"{kind}, seed {options.seed}: {report}", flush=True)
        wrong += len(report.wrong)
    sys.exit(1 if wrong else 0)


def _tell(text: str) -> None:
    print(f"  {text}", flush=True)


def _run(campaign: Campaign, kind: str, count: int, seed: int) -> Report:
    engines: dict[str, Engine] = {}
    with tempfile.TemporaryDirectory() as folder:

        def url(name: str) -> str:
            if name not in engines:
                engines[name] = start(name, Path(folder) / name)
            return engines[name].url

        try:
            with place(kind, url, Path(folder)) as at:
                return campaign(at, count, seed, _tell)
        finally:
            for engine in engines.values():
                engine.stop()


if __name__ == "__main__":
    main()
