"""`monitor report`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.monitoring.report import Report

EPILOG = """\b
Touches: no store; it reads what the checks left in the state folder.

\b
Example:
  tattoo-data monitor report
  tattoo-data monitor report --since 7d --html report.html
  tattoo-data monitor report --markdown > report.md
  tattoo-data monitor report --json | jq .stores.table.uptime

\b
Exit status:
  0  whatever was found, also where no check was made
  1  the file cannot be written, or the charts' library is not installed
  2  no such time
"""


_STDOUT = Path("-")


@click.command("report", epilog=EPILOG)
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="How far back: 90s, 30m, 24h, 7d.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write one HTML file, with charts; - is stdout.",
)
@click.option("--markdown", is_flag=True, help="Print it as Markdown.")
@common
def command(invocation: Invocation, since: str, html: Path | None, markdown: bool) -> int:
    """Tell how the stores did: uptime, response times, counts, alerts.

    It is as measured: a time without a check counts neither as up nor as down.
    """
    from tattoo_data.cli.alerts import recalled
    from tattoo_data.errors import UsageError
    from tattoo_data.monitoring.interval import parse_duration
    from tattoo_data.monitoring.remember import target_document
    from tattoo_data.monitoring.report import report
    from tattoo_data.monitoring.report_html import report_html
    from tattoo_data.monitoring.report_text import markdown as as_markdown
    from tattoo_data.monitoring.report_text import report_document

    invocation.command = "monitor report"
    if markdown + invocation.output.json + (html == _STDOUT) > 1:
        raise UsageError(
            what="--markdown, --json and --html - are forms of one output: give one of them",
            hint="--html FILE writes a file, and goes with each of them.",
        )
    window = timedelta(seconds=parse_duration(since, "--since"))
    with recalled(invocation) as ledger:
        found = report(ledger, invocation.clock, window)
    if html is not None:
        _write(invocation, html, report_html(found, target_document(invocation.settings)))
    if invocation.output.json:
        invocation.output.document(invocation.envelope(**report_document(found), file=str(html) if html else None))
    elif markdown:
        invocation.output.line(as_markdown(found).rstrip("\n"))
    elif html is None:
        _show(invocation, found)
    return 0


def _write(invocation: Invocation, path: Path, page: str) -> None:
    from tattoo_data.errors import FileFailed
    from tattoo_data.files import write_file

    if path == _STDOUT:
        invocation.output.line(page.rstrip("\n"))
        return
    try:
        write_file(path, page.encode())
    except OSError as error:
        hint = "Name another place, or make room there."
        raise FileFailed(path=path, reason=error.strerror or str(error), hint=hint) from error
    invocation.output.say(f"{path} written.")


def _show(invocation: Invocation, found: Report) -> None:
    from tattoo_data.monitoring.report_text import headline, tables

    output = invocation.output
    output.line(headline(found))
    for table in tables(found):
        output.line()
        output.line(table.title)
        if table.rows:
            output.table(table.head, table.rows)
        if table.below:
            output.line(table.below)
