"""What the commands of `validate` share: their options, and the way from live stores to a report."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tattoo_data.cli.options import Invocation, wait_option

if TYPE_CHECKING:
    from tattoo_data.cli.findings import Outputs
    from tattoo_data.environment import Environment
    from tattoo_data.runs.session import WriteOptions
    from tattoo_data.validation.fix import Fixed
    from tattoo_data.validation.report import Report

Function = Callable[..., Any]
#: Which rules are asked, and what is known: the options of the same names.
Choice = dict[str, Any]
#: How a command ends that opens no store.
EXIT = """
\b
Exit status:
  0  no errors (with --fail-on warning: no warnings either)
  2  no such rule, or no baseline
  4  errors were found, or warnings with --fail-on warning
"""
#: How one ends that does.
LIVE_EXIT = (
    EXIT
    + "  3  --fix: some records could not be mended; they are named\n"
    + "  11 --fix: another command writes to this target\n"
    + "  14 a service does not answer\n"
    + "  15 --fix: the table has another key schema\n"
)


def epilog(touches: str, example: str, exits: str = LIVE_EXIT) -> str:
    """What every command says at the end of its help."""
    return f"\b\nTouches: {touches}\n\n\b\nExample:\n{example}\n{exits}"


def _rule_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from tattoo_data.validation.rules.every import RULES

    return [CompletionItem(rule.id, help=rule.message) for rule in RULES.values() if rule.id.startswith(incomplete)]


_REPORTING = (
    click.option("--jsonl", is_flag=True, help="Print a line of JSON for each finding, then the summary."),
    click.option("--github", is_flag=True, help="Print annotations for GitHub Actions."),
    click.option("--junit", metavar="FILE", help="Write JUnit XML too; - is stdout."),
    click.option("--html", metavar="FILE", help="Write a page that opens without a network too; - is stdout."),
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning"]),
        default="error",
        show_default=True,
        help="From which severity on the exit code is 4.",
    ),
    click.option(
        "--baseline",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Leave out the findings that this file names.",
    ),
    click.option("--write-baseline", metavar="FILE", help="Write all findings to a baseline, and end with 0."),
    click.option(
        "--rule", "only", multiple=True, metavar="ID", shell_complete=_rule_names, help="Only this rule; repeatable."
    ),
    click.option(
        "--skip-rule",
        "skip",
        multiple=True,
        metavar="ID",
        shell_complete=_rule_names,
        help="Not this rule; repeatable.",
    ),
)
_NAMES = ("jsonl", "github", "junit", "html", "fail_on", "write_baseline")


def reporting(function: Function) -> Function:
    """The options of every validation. The command gets them as `outputs` and `choice`."""

    @functools.wraps(function)
    def wrapper(invocation: Invocation, **options: Any) -> Any:
        from tattoo_data.cli.findings import Outputs

        choice = {name: options.pop(name) for name in ("only", "skip", "baseline")}
        outputs = Outputs(**{name: options.pop(name) for name in _NAMES})
        _check(invocation, outputs, choice)
        # Every utility calls the same act by the same name.
        invocation.command = "validate"
        return function(invocation, outputs=outputs, choice=choice, **options)

    decorated: Function = wrapper
    for option in reversed(_REPORTING):
        decorated = option(decorated)
    return decorated


_FIXING = (
    click.option("--fix-plan", is_flag=True, help="Print what --fix would change, and change nothing."),
    click.option("--fix", is_flag=True, help="Mend what can be mended, then check again."),
    click.option("-y", "--yes", is_flag=True, default=None, help="Answer yes to the question before --fix."),
    click.option("--no-undo", is_flag=True, help="--fix keeps no before-images: there is no way back."),
    wait_option("--fix waits for another command."),
)


def fixing(function: Function) -> Function:
    """`--fix` and `--fix-plan`, for commands that look at live stores. The command gets `write`: None without both."""

    @functools.wraps(function)
    def wrapper(invocation: Invocation, **options: Any) -> Any:
        plan, act = options.pop("fix_plan"), options.pop("fix")
        undo, wait = not options.pop("no_undo"), options.pop("wait")
        return function(invocation, write=_write_options(plan, act, undo, wait), **options)

    decorated: Function = wrapper
    for option in reversed(_FIXING):
        decorated = option(decorated)
    return decorated


def _write_options(plan: bool, act: bool, undo: bool, wait: float) -> WriteOptions | None:
    if not (plan or act):
        return None
    from tattoo_data.runs.session import WriteOptions

    return WriteOptions(dry_run=plan, undo=undo, wait=wait)


def _check(invocation: Invocation, outputs: Outputs, choice: Choice) -> None:
    from tattoo_data.errors import UsageError

    files = sum(each == "-" for each in (outputs.junit, outputs.html))
    if sum((invocation.output.json, outputs.jsonl, outputs.github, files)) > 1 or files > 1:
        raise UsageError(
            what="stdout takes one of --json, --jsonl, --github, --junit - and --html -",
            hint="--junit FILE and --html FILE write a file, and go with each of them.",
        )
    if choice["baseline"] and outputs.write_baseline:
        raise UsageError(
            what="--baseline leaves findings out, and --write-baseline would lose them: give one of both",
            hint="First --write-baseline FILE, then --baseline FILE in every later run.",
        )


def live(invocation: Invocation, what: str, outputs: Outputs, choice: Choice, write: WriteOptions | None) -> int:
    """Check live stores, mend what is to be mended, show what was found, and return the exit code."""
    from tattoo_data.cli.findings import show_findings
    from tattoo_data.validation.validate import ValidateOptions, What, check_options, day_of, validate_live

    options = ValidateOptions(what=What(what), **choice_of(choice))
    check_options(options)
    with invocation.environment(write=write is not None and not write.dry_run) as env:
        day = day_of(invocation.settings, invocation.clock)
        report = validate_live(env, day, options)
        if write is None:
            show_findings(invocation, report, outputs, env)
            return exit_code(report, outputs)
        fixed = _fix(invocation, env, report, write)
        if fixed.change.run:
            report = validate_live(env, day, options)
        show_findings(invocation, report, outputs, env, fixed)
    return 3 if fixed.change.failures and not write.dry_run else exit_code(report, outputs)


def _fix(invocation: Invocation, env: Environment, report: Report, write: WriteOptions) -> Fixed:
    from tattoo_data.cli.confirm import confirm
    from tattoo_data.validation.fix import fix

    if not write.dry_run:
        confirm(invocation, env, f"validate {report.what} --fix changes records")
    return fix(env, report, write)


def choice_of(choice: Choice) -> dict[str, Any]:
    """The options as `ValidateOptions` takes them."""
    return {
        "only": frozenset(choice["only"]),
        "skip": frozenset(choice["skip"]),
        "baseline": choice["baseline"],
    }


def exit_code(report: Report, outputs: Outputs) -> int:
    """How the command ends."""
    if outputs.write_baseline:
        return 0
    return 4 if report.fails(on_warning=outputs.fail_on == "warning") else 0
