"""The report in words, as plain text and Markdown, and as JSON has it. Fields are only ever added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tattoo_data.clock import timestamp
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.document import alert_document, series_document
from tattoo_data.monitoring.interval import span
from tattoo_data.monitoring.report import Report, lasted, span_words
from tattoo_data.monitoring.slices import Span

_SHOWN = 20
#: What would be more than text in a cell of Markdown.
_ESCAPED = {**{ord(each): "\\" + each for each in "\\|<>`*_[]"}, ord("\n"): " ", ord("\r"): " "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One part of a report: a title, a head and rows of words, and what is said below."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    below: str = ""


def headline(report: Report) -> str:
    """What was looked at, in a sentence or two."""
    if report.whole is None:
        return NO_HISTORY if report.kept else f"{NO_HISTORY} It is not kept: the state folder cannot be written."
    looked = (report.until - report.since).total_seconds() - report.gap_seconds
    failed = report.whole.unhealthy
    checks = "1 check" if report.whole.checks == 1 else f"{report.whole.checks:,} checks"
    return (
        f"{checks}, {failed:,} of them unhealthy, over {span(max(0.0, looked))} of "
        f"{span((report.until - report.since).total_seconds())}; for {span(report.gap_seconds)} nobody looked."
    )


NO_HISTORY = "There is no history of this time: no check was made. `tattoo-data monitor watch` makes them."


def tables(report: Report) -> Iterator[Table]:
    """The parts of a report, in order; without a history only its alerts, if there were some."""
    if report.whole is not None:
        yield _uptimes(report)
        yield _times(report)
        yield _counts(report)
        yield _consistency(report)
        if report.gaps:
            yield _gaps(report)
    if report.whole is not None or report.alerts:
        yield _alerts(report)


def markdown(report: Report) -> str:
    """The report as Markdown."""
    lines = ["# Monitoring report", "", window(report), "", headline(report)]
    for table in tables(report):
        lines += ["", f"## {table.title}", ""]
        if table.rows:
            lines += [_row(table.head), "| " + " | ".join(["---"] * len(table.head)) + " |", *map(_row, table.rows)]
        if table.below:
            lines += ["", table.below] if table.rows else [table.below]
    return "\n".join(lines) + "\n"


def report_document(report: Report) -> dict[str, object]:
    """The report as JSON has it, without command and target."""
    whole = report.whole
    return {
        "since": timestamp(report.since),
        "until": timestamp(report.until),
        "kept": report.kept,
        "checks": whole.checks if whole else 0,
        "light": whole.light if whole else 0,
        "degraded": whole.degraded if whole else 0,
        "unhealthy": whole.unhealthy if whole else 0,
        "gapSeconds": round(report.gap_seconds, 3),
        "gaps": [{"since": timestamp(gap.since), "until": timestamp(gap.until)} for gap in report.gaps],
        "stores": {name.value: _store_document(report, name) for name in StoreName} if whole else {},
        "consistency": {
            "compared": whole.compared if whole else 0,
            "inconsistent": whole.inconsistent if whole else 0,
            "differing": _span_document(whole.differing) if whole else None,
        },
        "alerts": [
            {**alert_document(alert), "durationSeconds": round(lasted(alert, report.until), 3)}
            for alert in report.alerts
        ],
        "series": [series_document(line) for line in report.series],
    }


def window(report: Report) -> str:
    """From when until when it is."""
    return f"From {_moment(report.since)} until {_moment(report.until)} UTC."


def percent(share: float | None) -> str:
    """A share; never 100 where something is missing from it."""
    if share is None:
        return "-"
    text = f"{share * 100:.2f}"
    return "99.99 %" if text == "100.00" and share < 1 else f"{text} %"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.translate(_ESCAPED) for cell in cells) + " |"


def _uptimes(report: Report) -> Table:
    rows = []
    for name in StoreName:
        store, uptime = report.store(name), report.uptimes[name]
        if store is None:
            continue
        answered = f"{store.reachable:,} of {store.checks:,}"
        measured = uptime.up + uptime.down
        healthy = percent(uptime.healthy / measured) if measured else "-"
        rows.append([name.value, percent(uptime.share), healthy, span(uptime.down), span(measured), answered])
    return Table(
        title="Uptime",
        head=["store", "up", "healthy", "down for", "measured for", "checks answered"],
        rows=rows,
        below="Up and healthy are shares of the time that was measured; gaps count as neither.",
    )


def _times(report: Report) -> Table:
    rows = []
    for name in StoreName:
        if (store := report.store(name)) is not None:
            failures = [f"{store.requests:,}", f"{store.errors:,}", f"{store.throttled:,}"]
            rows.append([name.value, *map(span_words, (store.p50, store.p95, store.p99)), *failures])
    return Table(
        title="Response times",
        head=["store", "p50", "p95", "p99", "requests", "errors", "throttled"],
        rows=rows,
        below="Of each percentile the lowest, the mean and the highest of the checks' own.",
    )


def _counts(report: Report) -> Table:
    rows = []
    for name in StoreName:
        found = report.store(name)
        if found is not None and found.entries is not None:
            entries = found.entries
            rows.append([name.value, f"{entries.low:,.0f}", f"{entries.high:,.0f}", f"{entries.last:,.0f}"])
    return Table(
        title="Entries",
        head=["store", "lowest", "highest", "last"],
        rows=rows,
        below="" if rows else "No check counted them.",
    )


def _consistency(report: Report) -> Table:
    assert report.whole is not None
    whole = report.whole
    if not whole.compared:
        return Table(title="Consistency", head=[], rows=[], below="No check compared table and index.")
    worst = f"{whole.differing.high:,.0f}" if whole.differing else "-"
    last = f"{whole.differing.last:,.0f}" if whole.differing else "-"
    row = [f"{whole.compared:,}", f"{whole.inconsistent:,}", worst, last]
    return Table(
        title="Consistency",
        head=["checks that compared", "found differences", "most artists", "last"],
        rows=[row],
    )


def _gaps(report: Report) -> Table:
    longest = sorted(report.gaps, key=lambda gap: -gap.seconds)[:_SHOWN]
    shown = sorted(longest, key=lambda gap: gap.since)
    more = len(report.gaps) - len(shown)
    return Table(
        title="Gaps",
        head=["from", "until", "for"],
        rows=[[_moment(gap.since), _moment(gap.until), span(gap.seconds)] for gap in shown],
        below=f"The {_SHOWN} longest; {more:,} more in the JSON." if more else "",
    )


def _alerts(report: Report) -> Table:
    rows = [
        [
            str(alert.id),
            alert.severity.value,
            alert.cause,
            alert.message,
            _moment(alert.opened_at),
            span(lasted(alert, report.until)),
            "open" if alert.is_open else "cleared" if alert.cleared else "closed",
        ]
        for alert in report.alerts[:_SHOWN]
    ]
    more = len(report.alerts) - len(rows)
    below = f"The newest {_SHOWN}; {more:,} more in the JSON." if more else "" if rows else "There was none."
    head = ["id", "severity", "cause", "what", "opened", "lasted", "now"]
    return Table(title="Alerts", head=head, rows=rows, below=below)


def _store_document(report: Report, name: StoreName) -> dict[str, object] | None:
    store, uptime = report.store(name), report.uptimes[name]
    if store is None:
        return None
    return {
        "checks": store.checks,
        "reachable": store.reachable,
        "healthy": store.healthy,
        "upSeconds": round(uptime.up, 3),
        "downSeconds": round(uptime.down, 3),
        "healthySeconds": round(uptime.healthy, 3),
        "uptime": uptime.share,
        "requests": store.requests,
        "errors": store.errors,
        "throttled": store.throttled,
        "p50": _span_document(store.p50),
        "p95": _span_document(store.p95),
        "p99": _span_document(store.p99),
        "entries": _span_document(store.entries),
    }


def _span_document(found: Span | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {"lowest": found.low, "mean": found.mean, "highest": found.high, "last": found.last}
