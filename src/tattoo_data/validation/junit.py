"""JUnit: findings as the XML that continuous integration servers read, piece by piece.

A suite a rule and a case a finding; a rule that found nothing is one case that passed. Written as text, because a
library's tree of a million findings would be held in memory; `xml.sax.saxutils` does the quoting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from xml.sax.saxutils import escape, quoteattr

from tattoo_data.validation.report import Report
from tattoo_data.validation.rule import Finding, Severity
from tattoo_data.validation.rules.every import RULES

#: What XML 1.0 cannot hold in any form.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report, failing: Collection[str], seconds: float) -> Iterator[str]:
    """The document. `failing` are the severities that count as failures."""
    counts = report.findings.counts
    failures = sum(count for rule, count in counts.items() if RULES[rule].severity in failing)
    clean = [rule for rule in RULES if rule not in counts]
    tests = len(report.findings) + len(clean)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="validate {report.what}" tests="{tests}" failures="{failures}" errors="0" '
    yield f'time="{seconds:.3f}">\n'
    for rule, count in counts.items():
        failed = count if RULES[rule].severity in failing else 0
        yield f'  <testsuite name={_attribute(rule)} tests="{count}" failures="{failed}" errors="0" time="0">\n'
        for finding in report.findings.of(rule):
            yield _case(finding, failed=bool(failed))
        yield "  </testsuite>\n"
    yield f'  <testsuite name="rules without findings" tests="{len(clean)}" failures="0" errors="0" time="0">\n'
    for rule in clean:
        yield f"    <testcase classname={_attribute(rule)} name={_attribute(RULES[rule].message)}/>\n"
    yield "  </testsuite>\n</testsuites>\n"


def _case(finding: Finding, *, failed: bool) -> str:
    name = " ".join(part for part in (finding.store, finding.subject, finding.field) if part)
    where = f" file={_attribute(finding.file)}" if finding.file else ""
    where += f' line="{finding.line}"' if finding.line else ""
    head = f"    <testcase classname={_attribute(finding.rule)} name={_attribute(name)}{where}>\n"
    text = _text(f"{finding.severity}: {finding.message}\nvalue: {finding.value}")
    if failed:
        severity = _attribute(Severity(finding.severity).value)
        body = f"      <failure type={severity} message={_attribute(finding.message)}>{text}</failure>\n"
    else:
        body = f"      <system-out>{text}</system-out>\n"
    return f"{head}{body}    </testcase>\n"


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))


def _attribute(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\ufffd", text))
