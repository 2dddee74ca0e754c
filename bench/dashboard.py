"""`python -m bench.dashboard`: what a page of the dashboard costs, beside `/healthz` of the same server.

Both are asked over one connection, turn by turn. Every `--views` requests there is a newer view, which the page is
drawn anew for, as in a monitor whose page is read that often between two checks. Ends with 1 where the page costs more
than `--limit` times `/healthz`.
"""

from __future__ import annotations

import argparse
import http.client
import sys
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tests.web import examples
from tests.web.pictures import shown

from bench.measure import Cost, here, rounds
from bench.report import Figure, rows
from tattoo_data.web.live import Live


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--views", type=int, default=500, help="requests of each path between two views")
    parser.add_argument("--limit", type=float, default=10)
    options = parser.parse_args()
    with shown(examples.unhealthy(datetime.now(UTC))) as (url, live):
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        figures = _figures(connection, live, options.rounds, options.views, options.limit)
        connection.close()
    print("\n".join(rows(figures)))
    sys.exit(int(any(each.limit is not None and each.ratio > each.limit for each in figures)))


def _figures(connection: http.client.HTTPConnection, live: Live, count: int, views: int, limit: float) -> list[Figure]:
    asked = 0

    def ask(path: str) -> None:
        connection.request("GET", path)
        assert connection.getresponse().read()

    def page() -> Cost:
        nonlocal asked
        asked += 1
        if asked % views == 0:
            live.publish(lambda before: replace(before, at=before.at))
        return here(lambda: ask("/"))

    first = rounds(1, {"page": page})["page"]
    done = rounds(
        count,
        {
            "healthz": lambda: here(lambda: ask("/healthz")),
            "page": page,
            "status": lambda: here(lambda: ask("/api/status")),
            "metrics": lambda: here(lambda: ask("/metrics")),
        },
    )
    health = done["healthz"]
    return [
        Figure.of("`/`, drawn already", done["page"], "`/healthz`", health, "wall", limit),
        Figure.of("`/api/status`", done["status"], "`/healthz`", health, "wall", None),
        Figure.of("`/metrics`", done["metrics"], "`/healthz`", health, "wall", None),
        Figure.of("`/`, the first of a process", first, "`/healthz`", health, "wall", None),
    ]


if __name__ == "__main__":
    main()
