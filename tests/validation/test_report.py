"""Reports: findings kept, counted and written, however many and whatever is in them."""

from __future__ import annotations

import json
import re
import threading
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tattoo_data.errors import BadSetting, UnknownChoice
from tattoo_data.validation import stream
from tattoo_data.validation.baseline import Baseline, read_baseline, write_baseline
from tattoo_data.validation.github import github
from tattoo_data.validation.junit import junit
from tattoo_data.validation.page import page
from tattoo_data.validation.report import Findings, Report
from tattoo_data.validation.rule import Finding, Place, Problem, finding, shown
from tattoo_data.validation.rules.every import RULES, check_rules
from tattoo_data.validation.shapes import Binary
from tattoo_data.validation.stream import Stream

NASTY = "</script><script>alert(1)</script> & \"quotes\" 'and' % \r\n \x00\x0b \u2028 ]]> é"


def make(rule: str, key: str = "a", field: str = "x", value: object = None, file: str = "") -> Finding:
    place = Place("files" if file else "table", key, file, 3 if file else 0, "/0" if file else "")
    return finding(Problem(RULES[rule], field, value, "detail"), place)


def report_of(*held: Finding, baseline: Baseline | None = None) -> Report:
    kept = Findings(baseline=baseline)
    for each in held:
        kept.add(each)
    return Report(what="all", findings=kept, checked={"table": 7, "index": 3})


def test_findings_come_by_rule_the_worst_first_each_by_place() -> None:
    report = report_of(
        make("old-schema"), make("outside-uk"), make("rating-range", "b"), make("rating-range", "a"), make("date-form")
    )
    assert [(each.rule, each.key) for each in report.findings] == [
        ("date-form", "a"),
        ("rating-range", "a"),
        ("rating-range", "b"),
        ("outside-uk", "a"),
        ("old-schema", "a"),
    ]
    assert report.summary() == {"checked": 10, "errors": 3, "warnings": 1, "infos": 1, "known": 0, "gone": 0}
    assert report.fails(on_warning=False)
    assert not report_of(make("outside-uk")).fails(on_warning=False)
    assert report_of(make("outside-uk")).fails(on_warning=True)
    assert not report_of(make("old-schema")).fails(on_warning=True)


def test_more_findings_than_fit_are_all_there_and_may_be_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 100)
    kept = Findings()

    def add(part: int) -> None:
        for each in range(999):
            kept.add(make("rating-range", f"{part}-{each}"))

    threads = [threading.Thread(target=add, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(2):
        assert len({each.key for each in kept}) == len(kept) == 4 * 999


def test_a_stream_gives_back_what_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 3)
    held: Stream[Place] = Stream(Place)
    places = [Place("table", str(number)) for number in range(10)]
    for place in places:
        held.add(place)
    assert list(held) == list(held) == places


def test_only_and_skip() -> None:
    for kept in (Findings(only={"date-form"}), Findings(skip={"rating-range"})):
        kept.add(make("rating-range"))
        kept.add(make("date-form"))
        assert dict(kept.counts) == {"date-form": 1}
    assert check_rules(["date-form"]) == {"date-form"}
    with pytest.raises(UnknownChoice, match="date-fmt") as error:
        check_rules(["date-fmt"])
    assert error.value.hint == "Did you mean 'date-form'?"


def test_the_document_of_a_finding() -> None:
    document = make("rating-range", value=Decimal("7.50")).document()
    assert list(document) == ["severity", "rule", "store", "key", "field", "message", "value"]
    assert (document["severity"], document["message"]) == ("error", "a rating is from 0 to 5: detail")
    assert make("rating-range", value=Decimal("7.50")).value == "7.50"
    in_file = make("rating-range", file="a.json").document()
    assert (in_file["file"], in_file["line"], in_file["pointer"]) == ("a.json", 3, "/0/x")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("é\n", '"é\\n"'),
        (Decimal("12345678901234567890.12345678901234567890"), "12345678901234567890.12345678901234567890"),
        ([1, {"a": Decimal("1.50")}], '[1,{"a":1.50}]'),
        (Binary("AAE="), '"AAE="'),
        ([Binary("AAE="), {"a": [Binary("Ag==")]}], '["AAE=",{"a":["Ag=="]}]'),
    ],
)
def test_a_value_is_shown_as_json_with_its_digits(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_long_value_is_cut_and_still_json() -> None:
    cut = json.loads(shown({"bio": "x" * 10_000}))
    assert cut.startswith('{"bio":"xxx')
    assert cut.endswith("…")
    assert len(cut) < 500


# Baselines.


def test_a_baseline_leaves_out_what_it_names_and_counts_what_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    old = [make("rating-range", "a", value=7), make("date-form", "b"), make("old-schema", "c", file="x.json")]
    assert write_baseline(path, [*old, old[0]]) == 3
    lines = path.read_text().splitlines()
    assert lines[1:] == sorted(lines[1:])
    again = report_of(
        make("rating-range", "a", value=8), make("rating-range", "z"), old[2], baseline=read_baseline(path)
    )
    assert [each.key for each in again.findings] == ["z"]
    assert (again.summary()["known"], again.summary()["gone"]) == (2, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no baseline"),
        (b"[]", "no baseline"),
        (b'{"format":2}\n', "format 2"),
        (b'{"format":1}\n{"rule":5}\n', "no baseline"),
        (b'{"format":1}\n\xff\n', "no baseline"),
        (None, "No such file"),
    ],
)
def test_what_is_no_baseline_is_refused(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "known.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSetting, match=reason):
        read_baseline(path)


# Written out.


def test_junit_is_xml_with_a_case_for_each_finding_and_each_clean_rule() -> None:
    report = report_of(make("rating-range", NASTY, NASTY, NASTY, NASTY), make("outside-uk"), make("old-schema"))
    for failing, failures in ((("error",), 1), (("error", "warning"), 2)):
        root = ElementTree.fromstring("".join(junit(report, failing, 1.5)).encode())
        cases = root.findall("testsuite/testcase")
        assert int(root.attrib["tests"]) == len(cases) == len(RULES)
        assert int(root.attrib["failures"]) == len(root.findall("testsuite/testcase/failure")) == failures
        for suite in root.findall("testsuite"):
            assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
            assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"] == "a rating is from 0 to 5: detail"
    assert "alert(1)" in (failure.text or "")


def test_annotations_are_one_line_each_with_place_and_level() -> None:
    held = [make("rating-range", file="a,b:c.json"), make("outside-uk", NASTY), make("old-schema")]
    lines = list(github(held))
    assert lines[0].startswith("::error file=a%2Cb%3Ac.json,line=3,title=rating-range::files a x: a rating is from")
    assert lines[1].startswith("::warning title=outside-uk::")
    assert lines[2].startswith("::notice title=old-schema::")
    assert "%0D%0A" in lines[1]
    assert all("\n" not in line and "\r" not in line for line in lines)


def test_the_page_holds_every_finding_as_data_and_needs_no_network() -> None:
    held = [make("rating-range", f"{number} {NASTY}", NASTY, NASTY, NASTY) for number in range(5_000)]
    text = "".join(page(report_of(*held, make("old-schema")), f"about {NASTY}"))
    blocks = re.findall(r'<script type="application/json" class="findings">(.*?)</script>', text, re.DOTALL)
    rows = [row for block in blocks for row in json.loads(block)]
    assert len(blocks) == 3
    assert len(rows) == 5_001
    assert rows[0][2].endswith(NASTY)
    about = json.loads(re.findall(r'<script type="application/json" id="report">(.*?)</script>', text)[0])
    assert [rule["id"] for rule in about["rules"]] == ["rating-range", "old-schema"]
    assert text.count("<script>") == 1, "nothing of the data became a script"
    assert not re.search(
        r"""(?:src|href|action)\s*=|url\(|@import|fetch\(|https?://(?!www\.w3\.org/2000/svg)""", _own(text)
    )
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def _own(text: str) -> str:
    """The page without its data."""
    return re.sub(r'<script type="application/json".*?</script>|<noscript>.*?</noscript>', "", text, flags=re.DOTALL)
