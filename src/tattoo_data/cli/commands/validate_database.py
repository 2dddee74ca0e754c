"""`validate database`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common
from tattoo_data.cli.validating import Choice, epilog, fixing, live, reporting

if TYPE_CHECKING:
    from tattoo_data.cli.findings import Outputs
    from tattoo_data.runs.session import WriteOptions


@click.command(
    "database",
    epilog=epilog(
        "nothing (with --fix what it mends); it reads the table.", "  tattoo-data validate database --fail-on warning"
    ),
)
@common
@reporting
@fixing
def command(invocation: Invocation, outputs: Outputs, choice: Choice, write: WriteOptions | None) -> int:
    """Check the records of the table and its structure."""
    return live(invocation, "database", outputs, choice, write)
