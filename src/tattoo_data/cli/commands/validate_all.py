"""`validate all`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, as_of, common
from tattoo_data.cli.validating import Choice, epilog, fixing, live, reporting

if TYPE_CHECKING:
    from tattoo_data.cli.findings import Outputs
    from tattoo_data.runs.session import WriteOptions


@click.command(
    "all",
    epilog=epilog(
        "nothing (with --fix what it mends); it reads the catalogue, table, index and images.",
        "  tattoo-data validate all\n  tattoo-data validate all --baseline known.jsonl --junit findings.xml",
    ),
)
@as_of
@common
@reporting
@fixing
def command(invocation: Invocation, outputs: Outputs, choice: Choice, write: WriteOptions | None) -> int:
    """Check everything: catalogue, table, index, and that they agree."""
    return live(invocation, "all", outputs, choice, write)
