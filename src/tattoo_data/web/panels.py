"""Panels: consistency, alerts, history, events, snapshots and backups, each drawn from the view alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from tattoo_data.monitoring.alert import Alert, Event, Severity
from tattoo_data.monitoring.charts import line
from tattoo_data.monitoring.sample import Compared, Consistency, Difference, Sample
from tattoo_data.monitoring.view import Kept, Series, View
from tattoo_data.web.html import Html, fill, join
from tattoo_data.web.pieces import more, pill, quiet
from tattoo_data.web.words import clipped, count, moment

#: So much of each list is on the page; the rest is counted.
ALERTS, DIFFERENCES, EVENTS = 20, 20, 15
_SEVERITIES = {Severity.CRITICAL: "bad", Severity.WARNING: "warn", Severity.INFO: "calm"}
_KINDS = {"missing": "not in the index", "extra": "only in the index", "different": "different"}
_COMPARED = {Compared.FULL: "on every field", Compared.SAMPLE: "of one page of the table, on every field"}
#: The end of a series' name -> the title of its chart. Others are drawn under their own.
_CHARTS = {
    "p95": "Response time that 95 % stay under",
    "count": "Entries",
    "differing": "Artists that differ",
}


def consistency(view: View) -> Html:
    """Whether table and index agree, what was compared, and the artists that differ."""
    sample = view.sample
    found = sample.consistency if sample else Consistency()
    tone, words = _AGREE[found.consistent]
    body = [_statement(found)]
    if view.full and sample is not view.full:
        body.append(_last_full(view.full))
    shown = _shown_differences(view)
    if shown:
        body.append(_differences(shown, shown_of(view)))
    return fill(
        '<section class="panel" aria-labelledby="agree"><header><h2 id="agree">Consistency</h2>'
        '<span data-of="consistency.consistent" data-value="{value}">{pill}</span></header>{body}</section>',
        value={True: "true", False: "false", None: "null"}[found.consistent],
        pill=pill(tone, words),
        body=join(body),
    )


_AGREE: Mapping[bool | None, tuple[str, str]] = {
    True: ("good", "Table and index agree"),
    False: ("bad", "They disagree"),
    None: ("warn", "Not known"),
}


def _shown_differences(view: View) -> Sequence[Difference]:
    return view.sample.consistency.differences if view.sample else ()


def shown_of(view: View) -> int:
    """How many artists differ, by the newest check."""
    return view.sample.consistency.differing if view.sample else 0


def _statement(found: Consistency) -> Html:
    if found.compared is Compared.NOTHING:
        return Html('<p class="quiet">Nothing was compared in this check.</p>')
    compared = f"{count(found.artists, 'artists')} compared {_COMPARED[found.compared]}"
    figure = fill(
        '<p class="figure"><b data-of="consistency.differing" data-value="{value}">{number}</b> '
        "<span>{noun}</span></p>",
        value=found.differing,
        number=count(found.differing),
        noun="artist differs" if found.differing == 1 else "artists differ",
    )
    kinds = ((_KINDS[name], name, getattr(found, name)) for name in _KINDS)
    items = (
        fill(
            '<li><b data-of="consistency.{name}" data-value="{number}">{shown}</b> {label}</li>',
            name=name,
            number=number,
            shown=count(number),
            label=label,
        )
        for label, name, number in kinds
    )
    return fill(
        '{figure}<ul class="kinds">{items}</ul><p class="quiet" data-of="consistency.compared" data-value="{how}">'
        "{compared}.</p>",
        figure=figure,
        items=join(items),
        how=found.compared.value,
        compared=compared,
    )


def _last_full(full: Sample) -> Html:
    found = full.consistency
    words = "agreed" if found.consistent else f"{count(found.differing, 'artists')} differed"
    return fill('<p class="quiet">Last pass over everything {at}: {words}.</p>', at=moment(full.at), words=words)


def _differences(found: Sequence[Difference], total: int) -> Html:
    rows = (
        fill(
            "<tr><td><code>{key}</code></td><td>{kind}</td><td>{fields}</td></tr>",
            key=clipped(each.key),
            kind=_KINDS.get(each.kind, each.kind),
            fields=clipped(", ".join(each.fields)),
        )
        for each in found[:DIFFERENCES]
    )
    return fill(
        '<div class="scroll" tabindex="0" role="region" aria-label="Artists that differ"><table id="differences">'
        '<thead><tr><th scope="col">Artist</th><th scope="col">How</th><th scope="col">Fields</th></tr></thead>'
        "<tbody>{rows}</tbody></table></div>{more}",
        rows=join(rows),
        more=more(total, min(len(found), DIFFERENCES), "p", "tattoo-data validate consistency"),
    )


def alerts(view: View) -> Html:
    """The open alerts, the worst first, each with a button that acknowledges it."""
    found = view.alerts
    if not found:
        body = Html('<p class="quiet">No alert is open.</p>')
    else:
        items = join(_alert(each) for each in found[:ALERTS])
        body = fill(
            '<ul class="alerts">{items}</ul>{more}',
            items=items,
            more=more(len(found), min(len(found), ALERTS), "p", "tattoo-data monitor alerts"),
        )
    return fill(
        '<section class="panel" aria-labelledby="alerts"><header><h2 id="alerts">Open alerts</h2>'
        '<span class="quiet">{number}</span></header>{body}</section>',
        number=count(len(found)) if found else "",
        body=body,
    )


def _alert(alert: Alert) -> Html:
    tone = _SEVERITIES[alert.severity]
    threshold = Html() if alert.threshold in ("", "-") else fill(", threshold {text}", text=clipped(alert.threshold))
    test = Html(' <span class="tag">test</span>') if alert.test else Html()
    return fill(
        '<li class="{tone}" id="alert-{id}" tabindex="-1"><div><p>{pill} <code>{cause}</code>{test}</p>'
        '<p class="message">{message}</p>'
        '<p class="quiet">Since {opened}{value}{threshold}</p></div>{button}</li>',
        tone=tone,
        id=alert.id,
        pill=pill(tone, alert.severity.value.capitalize()),
        cause=clipped(alert.cause),
        test=test,
        message=clipped(alert.message),
        opened=moment(alert.opened_at),
        value=Html() if not threshold else fill("; value {text}", text=clipped(alert.value)),
        threshold=threshold,
        button=_button(alert),
    )


def _button(alert: Alert) -> Html:
    if alert.acknowledged_at is not None:
        return fill(
            '<p class="acknowledged">Acknowledged {at} by {who}</p>',
            at=moment(alert.acknowledged_at),
            who=clipped(alert.acknowledged_by or "somebody"),
        )
    return fill(
        '<form method="post" action="/api/alerts/{id}/acknowledge" data-acknowledge="{id}">'
        '<button id="acknowledge-{id}" type="submit" aria-label="Acknowledge {severity}: {cause}">Acknowledge</button>'
        "</form>",
        id=alert.id,
        severity=alert.severity.value,
        cause=clipped(alert.cause),
    )


def events(found: Sequence[Event]) -> Html:
    """What happened last, the newest first."""
    rows = (
        fill(
            '<li><span class="when">{at}</span><span>{change} {severity} <code>{cause}</code>: {message}</span></li>',
            at=moment(each.at),
            change=each.change.value.capitalize(),
            severity=each.alert.severity.value,
            cause=clipped(each.alert.cause),
            message=clipped(each.alert.message),
        )
        for each in found[:EVENTS]
    )
    body = fill('<ol class="events">{rows}</ol>', rows=join(rows)) if found else quiet("Nothing has happened yet.")
    return _panel("events", "Last events", body)


def kept(found: Sequence[Kept]) -> Html:
    """The last snapshots and backups."""
    rows = (
        fill(
            '<li><span class="when">{at}</span><span><code>{reference}</code> <span class="tag">{kind}</span></span>'
            "</li>",
            at=moment(each.created_at),
            reference=clipped(each.reference),
            kind=each.kind,
        )
        for each in found
    )
    nothing = quiet("There is none. `tattoo-data backup` makes one.")
    return _panel(
        "kept", "Snapshots and backups", fill('<ol class="events">{rows}</ol>', rows=join(rows)) if found else nothing
    )


def charts(found: Sequence[Series]) -> Html:
    """The history, in a chart for each measure, with a line for each store."""
    if not found:
        body = quiet("There is no history yet.")
    else:
        body = fill('<div class="charts">{figures}</div>', figures=join(_figures(found)))
    return fill(
        '<section aria-labelledby="history"><h2 id="history">History <span class="quiet">(times in UTC)</span></h2>'
        "{body}</section>",
        body=body,
    )


def _figures(found: Iterable[Series]) -> Iterator[Html]:
    order = list(_CHARTS)

    def place(series: Series) -> tuple[int, str, str]:
        measure = series.name.rpartition(".")[2]
        return order.index(measure) if measure in order else len(order), measure, series.unit

    for (_, measure, unit), group in groupby(sorted(found, key=place), key=place):
        # `Table: entries` is `Table` among the lines of one chart.
        members = [replace(each, title=each.title.partition(":")[0]) for each in group]
        title = _CHARTS.get(measure) or members[0].title
        drawn = Html(line(title, unit, members))
        yield fill('<figure class="panel"><figcaption>{title}</figcaption>{chart}</figure>', title=title, chart=drawn)


def _panel(name: str, title: str, body: Html) -> Html:
    return fill(
        '<section class="panel" aria-labelledby="{name}"><header><h2 id="{name}">{title}</h2></header>{body}</section>',
        name=name,
        title=title,
        body=body,
    )
