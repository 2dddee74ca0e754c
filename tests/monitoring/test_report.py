"""The report: what was measured and what was not, in words, as JSON and as a file."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Severity
from tattoo_data.monitoring.ledger import Ledger
from tattoo_data.monitoring.report import Report, report
from tattoo_data.monitoring.report_html import report_html
from tattoo_data.monitoring.report_text import NO_HISTORY, headline, markdown, percent, report_document, tables
from tests.monitoring.samples import Hands, a_ledger, a_store, agreed, gone, requests, sample

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TABLE, INDEX = StoreName.TABLE, StoreName.INDEX
NASTY = "<script>alert('x')</script> & \"y\" | `z` \n end"
TARGET = {"table": "t<b>", "index": "i&i"}


def check(ledger: Ledger, hands: Hands, times: int, every: float = 30, **found: Any) -> None:
    for _ in range(times):
        ledger.record(sample(hands.later(seconds=every), **found))


def test_without_a_history_it_says_so() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        found = report(ledger, hands.clock, DAY)
    assert headline(found) == NO_HISTORY
    assert list(tables(found)) == []
    assert NO_HISTORY in markdown(found)
    document = report_document(found)
    assert (document["checks"], document["stores"], document["alerts"]) == (0, {}, [])
    assert document["gapSeconds"] == 86_400
    assert "There is no history" in report_html(found, TARGET)
    assert found.uptimes[TABLE].share is None


def test_what_cannot_be_kept_is_said() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        found = report(ledger, hands.clock, DAY)
    from dataclasses import replace

    assert "the state folder cannot be written" in headline(replace(found, kept=False))


def told() -> Report:
    """An hour: 20 minutes well, 10 of them gone, a gap of 20, 10 well."""
    hands = Hands()
    with a_ledger(hands) as ledger:
        check(ledger, hands, 40, table=a_store(100, requests=requests(0.02)))
        check(ledger, hands, 20, table=gone(), consistency=agreed(missing=5))
        hands.later(minutes=20)
        check(ledger, hands, 20, table=a_store(90, requests=requests(0.04)))
        ledger.raise_test(Severity.CRITICAL)
        return report(ledger, hands.clock, HOUR)


def test_uptime_is_as_measured_with_its_gaps() -> None:
    found = told()
    table, index = found.uptimes[TABLE], found.uptimes[INDEX]
    # The last of ten minutes that it was gone is followed by the gap, so nobody knows how long it went on.
    assert (table.up, table.down) == (20 * 60 + 9.5 * 60, 9.5 * 60)
    assert table.share == pytest.approx(29.5 / 39)
    assert (index.share, index.down) == (1.0, 0.0)
    (gap,) = found.gaps
    assert gap.seconds == 20 * 60 + 30
    assert found.gap_seconds + table.up + table.down == pytest.approx(3_600 - 30, abs=1)


def test_a_report_has_percentiles_counts_and_inconsistencies() -> None:
    found = told()
    store = found.store(TABLE)
    assert found.whole is not None
    assert store is not None
    assert (store.checks, store.reachable) == (80, 60)
    assert store.p95 is not None and store.entries is not None
    assert (store.p95.low, store.p95.high) == (0.02, 0.04)
    assert store.p95.mean == pytest.approx((40 * 0.02 + 20 * 0.04) / 60)
    assert (store.entries.low, store.entries.high, store.entries.last) == (90, 100, 90)
    assert (found.whole.compared, found.whole.inconsistent) == (80, 20)
    assert found.whole.differing is not None
    assert found.whole.differing.high == 5


def test_alerts_with_their_durations_and_no_tests() -> None:
    found = told()
    alerts: Any = report_document(found)["alerts"]
    assert {each["cause"] for each in alerts} == {"table.reachable", "consistency.differing"}
    assert not any(each["test"] for each in alerts)
    # From the first check that saw it until the second in a row that did not.
    assert {each["durationSeconds"] for each in alerts} == {9.5 * 60 + 20 * 60 + 60}


def test_alerts_of_another_time_are_left_out() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        check(ledger, hands, 1, table=gone())
        check(ledger, hands, 2)
        hands.later(hours=3)
        check(ledger, hands, 2, index=gone())
        alerts = report(ledger, hands.clock, HOUR).alerts
        assert [alert.cause for alert in alerts] == ["index.reachable"]
        assert len(report(ledger, hands.clock, DAY).alerts) == 2


def test_checks_far_apart_are_no_gaps_where_they_always_are() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        check(ledger, hands, 24, every=300)
        found = report(ledger, hands.clock, timedelta(hours=2))
    assert list(found.gaps) == []
    assert found.uptimes[TABLE].share == 1.0


def test_a_single_check_measures_no_time() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        check(ledger, hands, 1)
        found = report(ledger, hands.clock, HOUR)
    assert found.uptimes[TABLE].share is None
    uptimes = next(tables(found))
    assert uptimes.rows[0] == ["table", "-", "-", "0 s", "0 s", "1 of 1"]


STEPS = st.lists(st.tuples(st.integers(1, 900), st.booleans()), max_size=40)


@given(STEPS)
def test_up_down_and_gaps_never_exceed_the_window(steps: list[tuple[int, bool]]) -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        for apart, up in steps:
            ledger.record(sample(hands.later(seconds=apart), table=a_store() if up else gone()))
        found = report(ledger, hands.clock, DAY)
    table = found.uptimes[TABLE]
    assert table.up >= 0 <= table.down
    assert table.healthy == table.up
    assert table.up + table.down + found.gap_seconds <= 86_400 + 1e-3
    assert table.share is None or 0 <= table.share <= 1
    if not any(up for _, up in steps):
        assert table.up == 0


def test_markdown_and_json_say_the_same() -> None:
    found = told()
    shown = markdown(found)
    assert shown.startswith("# Monitoring report\n")
    assert "80 checks, 20 of them unhealthy" in shown
    assert "| table | 75.64 % |" in shown
    assert "## Gaps" in shown
    document: Any = json.loads(json.dumps(report_document(found)))
    assert document["stores"]["table"]["uptime"] == pytest.approx(0.7564, abs=1e-4)
    assert document["consistency"] == {
        "compared": 80,
        "inconsistent": 20,
        "differing": {"lowest": 0, "mean": 1.25, "highest": 5, "last": 0},
    }
    assert [each["name"] for each in document["series"]] == [line.name for line in found.series]


def test_cells_of_markdown_are_text() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        check(ledger, hands, 1, table=gone(NASTY))
        (line,) = (each for each in markdown(report(ledger, hands.clock, HOUR)).splitlines() if "script" in each)
    assert "\\<script\\>" in line
    assert len(re.findall(r"(?<!\\)\|", line)) == 8


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_file_stands_alone() -> None:
    text = report_html(told(), TARGET)
    page = Page(text)
    assert page.tags.count("svg") >= 3
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(page.tags)
    for name, value in page.attributes:
        assert name not in ("src", "xlink:href", "srcset", "action"), name
        assert name != "href" or value.startswith("#"), value
        assert not name.startswith("on")
    assert "url(http" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert "75.64 %" in page.text


def test_whatever_a_store_says_is_text_in_the_file() -> None:
    hands = Hands()
    with a_ledger(hands) as ledger:
        check(ledger, hands, 3, table=gone(NASTY))
        page = Page(report_html(report(ledger, hands.clock, HOUR), TARGET))
    assert "script" not in page.tags
    assert "b" in page.tags  # of the tiles
    assert NASTY in page.text
    assert "Monitoring report: t<b> and i&i" in page.text


@pytest.mark.parametrize(
    ("share", "words"), [(None, "-"), (1.0, "100.00 %"), (0.999999, "99.99 %"), (0.5, "50.00 %"), (0.0, "0.00 %")]
)
def test_a_share_is_whole_only_where_nothing_is_missing(share: float | None, words: str) -> None:
    assert percent(share) == words
