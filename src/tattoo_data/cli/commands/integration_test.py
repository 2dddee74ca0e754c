"""`integration-test`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.selftest.bench import Surface
    from tattoo_data.selftest.check import Check, Result
    from tattoo_data.selftest.run import Report
    from tattoo_data.views.child import Signals

EPILOG = """\b
Categories: help, list, validation, modules (they load and work together), configuration, round-trip (every type of
value, out and in again), faults (throttled, dropped, unprocessed and refused requests, put between tool and engine),
errors. Without --category, all but the faults; --faults adds them.

\b
Touches: nothing of yours. It makes a table, an index and two buckets beside your own, called NAME-selftest-XXXXXXXX,
and removes them at the end, also on failure and on Ctrl-C. What a killed run left is removed by a run that begins more
than an hour later.

\b
Example:
  tattoo-data integration-test
  tattoo-data integration-test --faults --junit report.xml
  tattoo-data integration-test --category help --category configuration --json

\b
Exit status:
  0  no check failed
  4  a check failed
  2  a setting has a bad value, or the target is not whole
  14 no service answers at all
  15 the target is not allowed
"""
_FAILED = 4
_CATEGORIES = ("help", "list", "validation", "modules", "configuration", "round-trip", "faults", "errors")
_UTILITIES = "tattoo-data"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.command("integration-test", epilog=EPILOG, context_settings=_CONTEXT)
@click.option(
    "--category",
    "categories",
    multiple=True,
    type=click.Choice(_CATEGORIES),
    help="Only this category; may be repeated.",
)
@click.option("--faults", is_flag=True, help="Put failures between tool and engine, too.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write JUnit XML too.")
@click.option("-y", "--yes", is_flag=True, default=None, help="Answer yes to the question on a target not local.")
@common
def command(invocation: Invocation, categories: tuple[str, ...], faults: bool, junit: Path | None) -> int:
    """Check that all utilities work together here.

    Each check tries one thing out: the programs as they are installed, in processes of their own, and what is behind
    them on scratch stores beside yours.
    """
    from tattoo_data.selftest.check import Category
    from tattoo_data.selftest.checks.every import chosen
    from tattoo_data.views.child import Signals, Stopped

    surface = _surface()
    checks = chosen(surface, [Category(each) for each in categories], with_faults=faults)
    with Signals() as signals:
        try:
            return _run(invocation, surface, checks, junit, signals)
        except Stopped as stopped:
            with suppress(OSError):  # the terminal may be gone
                invocation.output.say("Stopped.")
            return stopped.exit_code


def _run(
    invocation: Invocation, surface: Surface, checks: Sequence[Check], junit: Path | None, signals: Signals
) -> int:
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.cli.trace import tracer
    from tattoo_data.selftest.bench import bare_bench, open_bench
    from tattoo_data.selftest.check import Category
    from tattoo_data.selftest.run import run_checks

    if not any(check.target for check in checks):
        with invocation.output.progress() as progress, bare_bench(surface, os.environ, invocation.clock) as bench:
            report = run_checks(checks, bench, progress)
        return _show(invocation, None, report, junit)
    watch = any(check.category is Category.ERRORS for check in checks)
    trace = tracer() if invocation.settings.debug else None
    with invocation.environment() as env:
        confirm(invocation, env, "integration-test makes and removes stores of its own there")
        with open_bench(surface, os.environ, env, watch=watch, trace=trace, hold=signals.hold) as bench:
            report = run_checks(checks, bench, env.progress)
        return _show(invocation, env, report, junit)


def _surface() -> Surface:
    """What this version has: `tattoo-data`, this program, and every utility that there is a table of verbs for."""
    from tattoo_data.cli import main
    from tattoo_data.selftest.bench import Surface
    from tattoo_data.selftest.checks.help import VERBS

    tables = {name: getattr(main, _attribute(name).upper(), None) for name in VERBS}
    utilities = {name: table for name, table in tables.items() if table is not None}
    verbs = {_UTILITIES: main.COMMANDS, **utilities, "integration-test": {}}
    functions = {name: f"{main.__name__}:{_attribute(name)}" for name in verbs}
    return Surface(
        verbs=verbs,
        functions={**functions, _UTILITIES: f"{main.__name__}:main"},
        package=__package__ or "",
        scripts=_scripts(),
    )


def _attribute(program: str) -> str:
    return program.replace("-", "_")


def _scripts() -> frozenset[str] | None:
    """The console scripts that were installed with this package; None where it runs without being installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        points = distribution("tattoo-data").entry_points
    except PackageNotFoundError:
        return None
    return frozenset(each.name for each in points if each.group == "console_scripts")


def _show(invocation: Invocation, env: Environment | None, report: Report, junit: Path | None) -> int:
    if junit is not None:
        _write(junit, report)
    if invocation.output.json:
        invocation.output.document(_document(invocation, env, report))
    else:
        _show_text(invocation, report)
    return _FAILED if report.has_failed else 0


def _document(invocation: Invocation, env: Environment | None, report: Report) -> dict[str, Any]:
    return {
        "command": invocation.command,
        "elapsedSeconds": invocation.elapsed(),
        "target": env.target.document() if env else None,
        "scratch": report.scratch or None,
        "summary": {"checks": len(report.results), **_counts(report)},
        "checks": [
            {
                "category": each.check.category.value,
                "name": each.check.name,
                "proves": each.check.proves,
                "result": each.verdict.value,
                "elapsedSeconds": round(each.seconds, 3),
                "reason": each.reason or None,
            }
            for each in report.results
        ],
    }


def _counts(report: Report) -> dict[str, int]:
    from tattoo_data.selftest.check import Verdict

    return {verdict.value: report.count(verdict) for verdict in Verdict}


def _show_text(invocation: Invocation, report: Report) -> None:
    from tattoo_data.cli.render import amount
    from tattoo_data.selftest.check import Verdict

    rows: list[list[str]] = []
    for category, results in report.by_category():
        shown = [each for each in results if not invocation.output.quiet or each.verdict is Verdict.FAILED]
        rows += [_row(category.value if number == 0 else "", each) for number, each in enumerate(shown)]
    if rows:
        invocation.output.table(["category", "check", "result", "seconds", "what it proves, or why not"], rows)
    counts = ", ".join(f"{count} {name}" for name, count in _counts(report).items() if count)
    invocation.output.line(f"{amount(len(report.results), 'checks')}: {counts}, {invocation.elapsed():.1f} s.")


def _row(category: str, result: Result) -> list[str]:
    said = " ".join((result.reason or result.check.proves).split())
    return [category, result.check.name, result.verdict.value, f"{result.seconds:.2f}", said]


def _write(path: Path, report: Report) -> None:
    from tattoo_data.errors import BadSetting
    from tattoo_data.files import write_file
    from tattoo_data.selftest.junit import junit

    try:
        write_file(path, junit(report))
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadSetting(name="--junit", value=str(path), source="the command line", reason=reason) from error
