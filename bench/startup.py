"""Start-up: what a command costs before it does anything, beside what nobody can do without."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from bench.measure import TOOL, Cost, process, rounds
from bench.report import Figure

_CLIENTS = """
import boto3, click, opensearchpy, os
url = os.environ["AWS_ENDPOINT_URL"]
boto3.client("dynamodb", endpoint_url=url)
boto3.client("s3", endpoint_url=url)
opensearchpy.OpenSearch([os.environ["OPENSEARCH_ENDPOINT"]])
"""


def figures(environment: Mapping[str, str], count: int) -> list[Figure]:
    """Start-up of `--help`, and the CPU of `status` and `reset fresh` from empty."""

    def ours(*arguments: str) -> Cost:
        return process([TOOL, *arguments], environment)

    def reset_from_empty() -> Cost:
        ours("clear")
        return ours("reset", "fresh")

    def status_of_fresh() -> Cost:
        return ours("status")

    done = rounds(
        count,
        {
            "python": lambda: process([sys.executable, "-c", "pass"], environment),
            "clients": lambda: process([sys.executable, "-c", _CLIENTS], environment),
            "help": lambda: ours("--help"),
            "reset": reset_from_empty,
            "status": status_of_fresh,
        },
    )
    return [
        Figure.of("`--help`", done["help"], "the start of bare Python", done["python"], "wall", 5),
        Figure.of("`status`, CPU", done["status"], "importing and making the clients", done["clients"], "cpu", 1.5),
        Figure.of(
            "`reset fresh` from empty, CPU",
            done["reset"],
            "importing and making the clients",
            done["clients"],
            "cpu",
            3,
        ),
    ]
