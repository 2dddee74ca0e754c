"""JUnit: results as the XML that continuous integration servers read, a suite for each category."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tattoo_data.selftest.check import Result, Verdict
from tattoo_data.selftest.run import Report

#: What XML 1.0 cannot hold in any form.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> bytes:
    """The document."""
    root = Element("testsuites", {"name": "integration-test", **_counts(report.results)})
    for category, results in report.by_category():
        suite = SubElement(root, "testsuite", {"name": category.value, **_counts(results)})
        for each in results:
            _add(suite, each)
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(suite: Element, result: Result) -> None:
    check = result.check
    case = SubElement(suite, "testcase", classname=check.category.value, name=check.name, time=f"{result.seconds:.3f}")
    reason = _FORBIDDEN.sub("\ufffd", result.reason)
    if result.verdict is Verdict.FAILED:
        SubElement(case, "failure", message=reason).text = f"{check.proves}\n{reason}"
    elif result.verdict is Verdict.SKIPPED:
        SubElement(case, "skipped", message=reason)


def _counts(results: Sequence[Result]) -> dict[str, str]:
    verdicts = [each.verdict for each in results]
    return {
        "tests": str(len(results)),
        "failures": str(verdicts.count(Verdict.FAILED)),
        "errors": "0",
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
        "time": f"{sum(each.seconds for each in results):.3f}",
    }
