"""GitHub: findings as the workflow commands that become annotations of a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tattoo_data.validation.rule import Finding

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def github(findings: Iterable[Finding]) -> Iterator[str]:
    """A line for each finding, without its end."""
    return map(_annotation, findings)


def _annotation(finding: Finding) -> str:
    properties = {"title": finding.rule}
    if finding.file:
        properties = {"file": finding.file, **({"line": str(finding.line)} if finding.line else {}), **properties}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    subject = " ".join(part for part in (finding.store, finding.subject, finding.field) if part)
    return f"::{_LEVELS[finding.severity]} {given}::{_data(f'{subject}: {finding.message}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
