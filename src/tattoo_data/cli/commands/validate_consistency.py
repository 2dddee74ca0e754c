"""`validate consistency`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common
from tattoo_data.cli.validating import Choice, epilog, fixing, live, reporting

if TYPE_CHECKING:
    from tattoo_data.cli.findings import Outputs
    from tattoo_data.runs.session import WriteOptions


@click.command(
    "consistency",
    epilog=epilog(
        "nothing (with --fix what it mends); it reads table, index and images.",
        "  tattoo-data validate consistency --jsonl",
    ),
)
@common
@reporting
@fixing
def command(invocation: Invocation, outputs: Outputs, choice: Choice, write: WriteOptions | None) -> int:
    """Check that table, index and images agree, on every field."""
    return live(invocation, "consistency", outputs, choice, write)
