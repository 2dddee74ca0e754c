"""The report as one HTML file: it asks no other host for anything, and is read on paper, a phone, dark or light."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape

from tattoo_data import __version__
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.charts import line
from tattoo_data.monitoring.interval import span
from tattoo_data.monitoring.report import Report
from tattoo_data.monitoring.report_text import Table, headline, percent, tables, window
from tattoo_data.monitoring.view import Series

_CSS = """
:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --text: #1c2430; --soft: #5c6878; --line: #dfe3e8;
  --critical: #b3261e; --warning: #8a5a00; --info: #1f5fa8; --good: #1e7a46;
  --chart-1: #2563b0; --chart-2: #b45309; --chart-3: #15803d; --chart-line: #dfe3e8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #12161c; --card: #1a2029; --text: #e6eaf0; --soft: #9aa7b6; --line: #2d3642;
    --critical: #ff8a80; --warning: #f0b849; --info: #82b4f5; --good: #6fd39b;
    --chart-1: #6ea8fe; --chart-2: #f0a04b; --chart-3: #5fd38d; --chart-line: #2d3642;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 3rem; background: var(--back); color: var(--text);
  font: 0.95rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.05rem; margin: 0 0 0.5rem; }
p { margin: 0.25rem 0; }
.soft { color: var(--soft); font-size: 0.85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; margin: 1rem 0; }
.tile, section { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.9rem 1rem; }
section { margin: 0 0 1rem; }
.tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem;
  margin-bottom: 1rem; }
.charts section { margin: 0; min-width: 0; }
.charts svg { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; font-size: 0.8rem; white-space: nowrap; }
td { min-width: 12rem; }
td.short { min-width: 0; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.critical { color: var(--critical); } .warning { color: var(--warning); } .info { color: var(--info); }
.critical, .warning { font-weight: 600; }
.good { color: var(--good); }
@media print { section, .tile { break-inside: avoid; } }
"""
#: Nothing is loaded, from nowhere, whatever a text of the report holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_CHARTS = (
    ("Response time, slowest 5 %", "s", ".p95"),
    ("Entries", "entries", ".count"),
    ("Artists that differ", "artists", ".differing"),
)
#: A cell of at most so many characters is not broken.
_SHORT = 36
_SEVERITIES = ("critical", "warning", "info")


def report_html(report: Report, target: Mapping[str, object]) -> str:
    """The report of a target as a file. Raises `ExtraMissing` where pygal is not installed."""
    title = f"Monitoring report: {target['table']} and {target['index']}"
    body = "\n".join(_body(report, title))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _body(report: Report, title: str) -> Iterator[str]:
    yield f"<header><h1>{escape(title)}</h1>"
    yield f'<p class="soft">{escape(window(report))}</p>'
    yield f"<p>{escape(headline(report))}</p></header>"
    yield "<main>"
    if report.whole is not None:
        yield f'<div class="tiles">{"".join(_tiles(report))}</div>'
        yield f'<div class="charts">{"".join(_charts(report))}</div>'
    for table in tables(report):
        yield _table(table)
    yield f'</main>\n<footer class="soft">tattoo-data {escape(__version__)}. All times are UTC.</footer>'


def _tiles(report: Report) -> Iterator[str]:
    for name in StoreName:
        if report.store(name) is None:
            continue
        uptime = report.uptimes[name]
        tone = "good" if not uptime.down else "critical"
        yield _tile(f"{name} up", percent(uptime.share), f"down for {span(uptime.down)}", tone)
    assert report.whole is not None
    found = report.whole.inconsistent
    compared = f"of {report.whole.compared:,} checks that compared"
    yield _tile("inconsistent", f"{found:,}", compared, "critical" if found else "good")
    open_now = sum(alert.is_open for alert in report.alerts)
    yield _tile("alerts", f"{len(report.alerts):,}", f"{open_now:,} still open", "warning" if open_now else "good")


def _tile(name: str, value: str, below: str, tone: str) -> str:
    return (
        f'<div class="tile"><span class="soft">{escape(name)}</span>'
        f'<b class="{tone}">{escape(value)}</b><span class="soft">{escape(below)}</span></div>'
    )


def _charts(report: Report) -> Iterator[str]:
    for title, unit, ending in _CHARTS:
        lines = [each for each in report.series if each.name.endswith(ending) and _has_values(each)]
        if lines:
            shown = [replace(each, title=each.name.removesuffix(ending)) for each in lines]
            yield f"<section><h2>{title}</h2>{line(title, unit, shown)}</section>"


def _has_values(series: Series) -> bool:
    return any(point.value is not None for point in series.points)


def _table(table: Table) -> str:
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    drawn = (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>' if rows else ""
    )
    below = f'<p class="soft">{escape(table.below)}</p>' if table.below else ""
    return f"<section><h2>{escape(table.title)}</h2>{drawn}{below}</section>"


def _cell(text: str) -> str:
    classes = [*(["short"] if len(text) <= _SHORT else []), *([text] if text in _SEVERITIES else [])]
    return f'<td class="{" ".join(classes)}">{escape(text)}</td>'
