"""`python -m bench`: measure and write docs/performance.md.

The embedded stack is started in a folder of its own; with TATTOO_DATA_TEST_ENGINES=all DynamoDB Local and OpenSearch
are measured too. `--artists` and `--rounds` make it shorter; `--only` measures some parts and prints them, and leaves
the page as it is.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.engines.session import is_wanted
from tests.engines.start import start

from bench import large, plane, report, startup, sync
from bench.content import Engines
from bench.memory import stub
from bench.report import Figure

_ENGINES = {
    "ministack and osmem": ("ministack", "osmem", "ministack"),
    "DynamoDB Local and OpenSearch 3": ("dynamodb-local", "opensearch-3", "seaweedfs"),
}
_PARTS = ("startup", "cpu", "wall", "large", "sync")
Sections = dict[str, list[Figure]]


def main() -> None:
    """Measure everything and write the page, or print some of it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--artists", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=_PARTS)
    options = parser.parse_args()
    parts = options.only or _PARTS
    sections = _measure(parts, options.artists, options.rounds)
    machine = f"Python {platform.python_version()}, {platform.system()}, {datetime.now(UTC):%Y-%m-%d}."
    text = report.page(machine, sections)
    if not options.only:
        report.PAGE.write_text(text)
    print(text)


def _measure(parts: tuple[str, ...] | list[str], artists: int, count: int) -> Sections:
    embedded: Engines = partial(_engines, "ministack", "osmem", "ministack")
    sections: Sections = {}
    if "startup" in parts:
        with embedded() as environment:
            sections["Start-up"] = startup.figures(environment, count * 5)
    if "cpu" in parts:
        by_title: dict[str, Engines] = {"a stub of the services": partial(stub, 0), "ministack and osmem": embedded}
        for title, engines in by_title.items():
            with engines() as environment:
                sections[f"Client CPU, {artists:,} entries, {title}"] = plane.cpu_figures(environment, artists, count)
    if "wall" in parts and is_wanted("dynamodb-local"):
        local: Engines = partial(_engines, "dynamodb-local", "osmem", "ministack")
        sections[f"Wall clock, {artists:,} items, DynamoDB Local"] = plane.wall_figures(local, artists, count)
    for title, names in _ENGINES.items():
        if "large" in parts and all(map(is_wanted, names)):
            sections[f"{artists:,} artists, {title}"] = large.figures(partial(_engines, *names), artists, count)
        if "sync" in parts and all(map(is_wanted, names)):
            # osmem takes two minutes for ten thousand documents in hundreds.
            engines, follow = partial(_engines, *names), "osmem" not in names
            sections[f"Sync of {artists:,} artists, {title}"] = sync.figures(engines, artists, count, follow=follow)
    return sections


@contextmanager
def _engines(table: str, index: str, objects: str) -> Iterator[dict[str, str]]:
    """The environment of a target made of three engines, which end afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        running = {name: start(name, Path(folder) / name) for name in dict.fromkeys((table, index, objects))}
        try:
            yield {
                "AWS_ENDPOINT_URL": running[objects].url,
                "AWS_ENDPOINT_URL_DYNAMODB": running[table].url,
                "OPENSEARCH_ENDPOINT": running[index].url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "eu-west-2",
                "TATTOO_DATA_HOME": folder,
            }
        finally:
            for engine in running.values():
                engine.stop()


if __name__ == "__main__":
    main()
