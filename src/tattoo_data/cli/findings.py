"""How findings look: grouped by rule as text, and written as JSON, lines, JUnit, annotations and a page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tattoo_data.cli.options import Invocation
from tattoo_data.cli.output import json_text
from tattoo_data.cli.render import change_document, show_fixed, steps_of
from tattoo_data.errors import BadSetting
from tattoo_data.files import replacing
from tattoo_data.validation.rule import Finding, Severity
from tattoo_data.validation.rules.every import RULES

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.validation.fix import Fixed
    from tattoo_data.validation.report import Report

#: So many findings of a rule are shown as text, and of one that only informs.
_SHOWN, _SHOWN_INFOS = 10, 3
_WIDTH = 60
_STORES = ("files", "table", "index", "images")
_STDOUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where findings go beside the terminal, and from which severity on the command fails."""

    jsonl: bool = False
    github: bool = False
    junit: str | None = None
    html: str | None = None
    fail_on: str = "error"
    write_baseline: str | None = None

    @property
    def failing(self) -> tuple[str, ...]:
        """The severities that make the command fail."""
        return ("error", "warning") if self.fail_on == "warning" else ("error",)

    @property
    def takes_stdout(self) -> bool:
        """Whether something else than the table is on stdout."""
        return self.jsonl or self.github or _STDOUT in (self.junit, self.html)


def show_findings(
    invocation: Invocation, report: Report, outputs: Outputs, env: Environment | None, fixed: Fixed | None = None
) -> None:
    """Write a report wherever it is wanted, and what was mended."""
    if outputs.junit:
        from tattoo_data.validation.junit import junit

        _write(outputs.junit, "--junit", junit(report, outputs.failing, invocation.elapsed()))
    if outputs.html:
        from tattoo_data.validation.page import page

        _write(outputs.html, "--html", page(report, _about(invocation, report, env)))
    if outputs.write_baseline:
        from tattoo_data.validation.baseline import write_baseline

        count = write_baseline(Path(outputs.write_baseline), report.findings)
        invocation.output.say(f"{outputs.write_baseline}: {_amount(count, 'findings')} are known from now on.")
    if invocation.output.json:
        fields = _fields(invocation, report, env, fixed)
        rows: dict[str, Iterable[object]] = {"findings": (each.document() for each in report.findings)}
        if fixed and fixed.change.dry_run:
            rows["plan"] = steps_of(fixed.change)
        invocation.output.document(fields, **rows)
    elif outputs.jsonl:
        for finding in report.findings:
            invocation.output.line(json_text({"type": "finding", **finding.document()}))
        invocation.output.line(json_text({"type": "summary", **_fields(invocation, report, env, fixed)}))
    elif outputs.github:
        from tattoo_data.validation.github import github

        for line in github(report.findings):
            invocation.output.line(line)
    elif not outputs.takes_stdout:
        if fixed and not fixed.change.dry_run:
            show_fixed(invocation, fixed)
        _show_text(invocation, report)
        if fixed and fixed.change.dry_run:
            show_fixed(invocation, fixed)


def _fields(invocation: Invocation, report: Report, env: Environment | None, fixed: Fixed | None) -> dict[str, Any]:
    fix = {**change_document(fixed.change), "tried": dict(fixed.tried), "left": dict(fixed.left)} if fixed else None
    return {
        "command": invocation.command,
        "elapsedSeconds": invocation.elapsed(),
        "target": env.target.document() if env else None,
        "what": report.what,
        "summary": report.summary(),
        "checked": dict(report.checked),
        "rules": dict(report.findings.counts),
        "notes": list(report.notes),
        **({"fix": fix} if fix else {}),
    }


def _show_text(invocation: Invocation, report: Report) -> None:
    output = invocation.output
    counts = report.findings.counts
    if counts:
        rows = [row for rule in counts for row in _rows(report, rule, verbose=bool(output.verbose))]
        output.table(["severity", "rule", "where", "field", "what"], rows)
    for note in report.notes:
        output.line(f"note: {note}")
    summary = report.summary()
    checked = ", ".join(f"{report.checked[name]:,} of {name}" for name in _STORES if name in report.checked)
    known = f" {_amount(summary['known'], 'findings')} of the baseline left out." if summary["known"] else ""
    gone = f" {_amount(summary['gone'], 'findings')} of the baseline gone." if summary["gone"] else ""
    found = ", ".join(_amount(summary[name], name) for name in ("errors", "warnings", "infos") if summary[name])
    output.line(f"Checked {checked or 'nothing'}: {found or 'nothing is wrong'}.{known}{gone}")


def _rows(report: Report, rule: str, *, verbose: bool) -> Iterator[list[str]]:
    """A group: the rule with its count, and findings under it."""
    about, count = RULES[rule], report.findings.counts[rule]
    yield [about.severity.value, rule, _amount(count, "findings"), "", about.message]
    shown = _SHOWN_INFOS if about.severity is Severity.INFO else _SHOWN
    for finding in islice(report.findings.of(rule), None if verbose else shown):
        yield ["", "", _where(finding), finding.field, _detail(finding)]
    if not verbose and count > shown:
        yield ["", "", f"... and {count - shown:,} more (-v shows all)", "", ""]


def _amount(count: int, plural: str) -> str:
    return f"{count:,} {plural if count != 1 else plural.removesuffix('s')}"


def _where(finding: Finding) -> str:
    if not finding.file:
        return f"{finding.store} {finding.subject}"
    line = f":{finding.line}" if finding.line else ""
    return f"{finding.file}{line} {finding.subject}".rstrip()


def _detail(finding: Finding) -> str:
    detail = finding.message.removeprefix(RULES[finding.rule].message).removeprefix(": ")
    value = "" if finding.value == "null" else finding.value
    value = value if len(value) <= _WIDTH else value[:_WIDTH] + "…"
    text = f"{value} ({detail})" if value and detail else value or detail
    return " ".join(text.split())


def _about(invocation: Invocation, report: Report, env: Environment | None) -> str:
    from tattoo_data.clock import timestamp

    summary = report.summary()
    found = ", ".join(_amount(summary[name], name) for name in ("errors", "warnings", "infos"))
    where = f", {env.target.aws_endpoint}, table {env.target.table}, index {env.target.index}" if env else ""
    checked = _amount(summary["checked"], "records")
    return f"validate {report.what}{where}: {checked} checked, {found}. {timestamp(invocation.clock.now())}"


def _write(path: str, flag: str, pieces: Iterable[str]) -> None:
    """Write text piece by piece, under a temporary name until it is whole."""
    if path == _STDOUT:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        _write_file(Path(path), pieces)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadSetting(name=flag, value=path, source="the command line", reason=reason) from error


def _write_file(path: Path, pieces: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.writelines(piece.encode(errors="replace") for piece in pieces)
