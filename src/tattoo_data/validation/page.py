"""Page: findings as one HTML file that opens without a network, piece by piece.

The findings are data in the page, which lists, filters and charts them itself, a hundred rows at a time. The charts
are plain SVG: a dozen lines, where a library of charts would weigh more than a hundred thousand findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files

import msgspec

from tattoo_data.engine.flow import slices
from tattoo_data.validation.report import Report
from tattoo_data.validation.rule import Finding
from tattoo_data.validation.rules.every import RULES

_DATA, _SUMMARY = "<!--data-->", "<!--summary-->"
_BLOCK = 2_000
_encode = msgspec.json.Encoder().encode


def page(report: Report, about: str) -> Iterator[str]:
    """The page. `about` says in words what was checked, where and when."""
    template = (files("tattoo_data.validation") / "page.html").read_text("utf-8")
    head, _, tail = template.partition(_DATA)
    rules = {rule: number for number, rule in enumerate(report.findings.counts)}
    stores: dict[str, int] = {}
    yield head.replace(_SUMMARY, escape(about))
    for block in slices(report.findings, _BLOCK):
        yield _script("class", "findings", [_row(finding, rules, stores) for finding in block])
    yield _script("id", "report", {"about": about, "rules": [_rule(rule) for rule in rules], "stores": list(stores)})
    yield tail


def _row(finding: Finding, rules: Mapping[str, int], stores: dict[str, int]) -> list[object]:
    store = stores.setdefault(finding.store, len(stores))
    detail = finding.message.removeprefix(RULES[finding.rule].message)
    place = [store, finding.subject, finding.field]
    return [rules[finding.rule], *place, detail, finding.value, finding.file, finding.line]


def _rule(rule: str) -> dict[str, str]:
    about = RULES[rule]
    return {"id": rule, "severity": about.severity.value, "message": about.message, "reason": about.reason}


def _script(name: str, value: str, content: object) -> str:
    # Nothing in the data may end the element that it is in.
    text = _encode(content).decode().replace("<", "\\u003c")
    return f'<script type="application/json" {name}="{value}">{text}</script>\n'
