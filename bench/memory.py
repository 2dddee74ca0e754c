"""`python -m bench.memory [COMMAND...]`: the peak of memory of the tool's commands on a million items.

COMMAND is arguments of `tattoo-data`, run against a stub of the services that holds `--preloaded` artists. Without
one, the standard commands are run, each series on a stub of its own, and docs/memory.md is written where it was of a
million items. Ends with 1 where a peak is over the limit or a command fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import TOOL, Cost, process

PAGE = Path(__file__).parents[1] / "docs" / "memory.md"
_WHOLE = 1_000_000
_HEAD = """# Memory

Written by `make memory`. The peak of resident memory of each command on a million items of 2.5 KB and their documents,
as a process of its own against a stub of the services in another process. The limit is 400 MB.

| command | peak (MB) | wall clock (s) |
|---|---|---|
"""
_ORIGINALS = 60
_SIZE = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is measured: how many items, of which size, and which peak is too much."""

    items: int
    size: int
    limit_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one command needed; without `cost`, `failure` says why there is none."""

    command: str
    cost: Cost | None = None
    failure: str = ""

    def is_good(self, options: Options) -> bool:
        """Whether it was done, within the limit."""
        return self.cost is not None and self.cost.peak_mb <= options.limit_mb

    def row(self) -> str:
        """A row of the page."""
        cost = f"{self.cost.peak_mb:.0f} | {self.cost.wall:.0f}" if self.cost else f"{self.failure} | -"
        return f"| `{self.command}` | {cost} |\n"

    def line(self, options: Options) -> str:
        """A line of the table."""
        if self.cost is None:
            return f"{self.command:<60} {self.failure}"
        over = "" if self.is_good(options) else "  OVER"
        return f"{self.command:<60} {options.items:>9,} {self.cost.peak_mb:>6.0f} MB {self.cost.wall:>8.1f} s{over}"


def main() -> None:
    """Measure, and print a line for each command."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--items", type=int, default=_WHOLE)
    parser.add_argument("--size", type=int, default=_SIZE, help="bytes of a preloaded item")
    parser.add_argument("--limit-mb", type=float, default=400)
    parser.add_argument("--preloaded", type=int, default=0, help="artists that are there before COMMAND runs")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    given = parser.parse_args()
    command = given.command[given.command[:1] == ["--"] :]
    options = Options(items=given.preloaded if command else given.items, size=given.size, limit_mb=given.limit_mb)
    series = [(given.preloaded, [command])] if command else standard(options.items)
    good = True
    rows: list[str] = []
    for preloaded, commands in series:
        for measured in measure(preloaded, commands, options):
            print(measured.line(options), flush=True)
            good &= measured.is_good(options)
            rows.append(measured.row())
    if not command and options.items >= _WHOLE:
        PAGE.write_text(_HEAD + "".join(rows))
    sys.exit(0 if good else 1)


def standard(items: int) -> list[tuple[int, list[list[str]]]]:
    """Series of commands, and how many artists are there before each of them."""
    scale = str(max(1, items // _ORIGINALS - 1))
    fill = ["reset", "performance-test", "--scale", scale]
    save = ["scenarios", "save", "one", "--where", "artistId == 'artist-0000007'", "--file", "one.json"]
    step = "add-social-media"
    undone = [["reset", "minimal"], ["undo"], ["redo"]]
    return [
        (0, [fill, fill, ["status"], ["undo"], ["redo"]]),
        (items, [["status"], ["reset", "clean", "--dry-run"], save, ["seed", "minimal"], *undone]),
        (items, [["clear"]]),
        (
            items,
            [["backup", "one"], ["backups", "verify"], ["clear", "--no-undo"], ["restore", "one"], ["restore", "one"]],
        ),
        (
            items,
            [["export", "out"], ["reset", "minimal", "--no-undo"], ["import", "out", "--replace"], ["diff", "./out"]],
        ),
        (
            items,
            [
                ["sync", "detect-conflicts"],
                ["sync", "os-to-dynamo"],
                ["clear", "opensearch", "--no-undo"],
                ["sync", "dynamo-to-os"],
                ["monitor", "check"],
            ],
        ),
        (items, [["migrate", "list"], ["migrate", "run", step], ["migrate", "rollback", step]]),
    ]


def measure(preloaded: int, commands: Sequence[Sequence[str]], options: Options) -> Iterator[Measured]:
    """Run commands one after the other on one stub."""
    with tempfile.TemporaryDirectory() as folder, stub(preloaded, options.size) as environment:
        for command in commands:
            spelled = " ".join(command)
            try:
                cost = process([TOOL, *command], {**environment, "TATTOO_DATA_HOME": folder}, folder)
            except RuntimeError as error:
                yield Measured(command=spelled, failure=str(error))
            else:
                yield Measured(command=spelled, cost=cost)


@contextmanager
def stub(items: int, size: int = _SIZE) -> Iterator[dict[str, str]]:
    """The environment of a stub of the services that holds so many artists; it ends afterwards."""
    command = [sys.executable, "-m", "bench.stub_engine", "--items", str(items), "--size", str(size)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=root) as running:
        try:
            assert running.stdout is not None
            urls = json.loads(running.stdout.readline())
            yield {
                "AWS_ENDPOINT_URL": urls["s3"],
                "AWS_ENDPOINT_URL_DYNAMODB": urls["dynamodb"],
                "OPENSEARCH_ENDPOINT": urls["opensearch"],
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "eu-west-2",
            }
        finally:
            running.terminate()


if __name__ == "__main__":
    main()
