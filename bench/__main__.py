"""`python -m bench`: measure and write docs/performance.md.

The embedded stack is started in a folder of its own; with TATTOO_DATA_TEST_ENGINES=all DynamoDB Local and OpenSearch
are measured too. `--artists` and `--rounds` make it shorter.
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

from bench import large, report, startup
from bench.report import Figure

_ENGINES = {
    "ministack and osmem": ("ministack", "osmem", "ministack"),
    "DynamoDB Local and OpenSearch 3": ("dynamodb-local", "opensearch-3", "seaweedfs"),
}


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--artists", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sections: dict[str, list[Figure]] = {}
    for title, names in _ENGINES.items():
        if not all(map(is_wanted, names)):
            continue
        if not sections:
            with _engines(*names) as environment:
                sections["Start-up"] = startup.figures(environment, options.rounds * 5)
        figures = large.figures(partial(_engines, *names), options.artists, options.rounds)
        sections[f"{options.artists:,} artists, {title}"] = figures
    machine = f"Python {platform.python_version()}, {platform.system()}, {datetime.now(UTC):%Y-%m-%d}."
    print(report.write(machine, sections))


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
