"""`validate files [PATH]...`."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from tattoo_data.cli.options import Invocation, as_of, common
from tattoo_data.cli.validating import EXIT, Choice, choice_of, epilog, exit_code, reporting

if TYPE_CHECKING:
    from tattoo_data.cli.findings import Outputs

_STDIN = Path("-")


@click.command(
    "files",
    epilog=epilog(
        "nothing; it reads files, and with --check-images it lists the image bucket.",
        "  tattoo-data validate files\n  tattoo-data validate files fixtures/ dump.jsonl --html findings.html",
        EXIT + "  14 with --check-images: the image bucket does not answer\n",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--check-images", is_flag=True, help="Look for the images in the live image bucket.")
@as_of
@common
@reporting
def command(
    invocation: Invocation, paths: tuple[Path, ...], check_images: bool, outputs: Outputs, choice: Choice
) -> int:
    """Check files of records.

    PATH is a JSON or JSONL file, a folder of them, an export, a file of elasticdump, or - for stdin. Without one, the
    catalogue that ships is checked, with its images.
    """
    from tattoo_data.cli.findings import show_findings
    from tattoo_data.cli.streams import stdin
    from tattoo_data.validation.validate import ValidateOptions, What, check_options, day_of, validate_files

    given = cast(BufferedReader, stdin()) if _STDIN in paths else None
    options = ValidateOptions(what=What.FILES, paths=paths, stdin=given, **choice_of(choice))
    check_options(options)
    settings = invocation.settings
    day = day_of(settings, invocation.clock)
    if check_images:
        with invocation.environment() as env:
            report = validate_files(settings, day, options, env)
            show_findings(invocation, report, outputs, env)
    else:
        report = validate_files(settings, day, options)
        show_findings(invocation, report, outputs, None)
    return exit_code(report, outputs)
