"""`validate consistency`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common
from tattoo_data.cli.validating import Choice, epilog, live, reporting

if TYPE_CHECKING:
    from tattoo_data.cli.findings import Outputs


@click.command(
    "consistency",
    epilog=epilog("nothing; it reads table, index and images.", "  tattoo-data validate consistency --jsonl"),
)
@common
@reporting
def command(invocation: Invocation, outputs: Outputs, choice: Choice) -> int:
    """Check that table, index and images agree, on every field."""
    return live(invocation, "consistency", outputs, choice)
