"""Page: the dashboard as HTML, drawn on the server from the view alone.

The part that changes is one element; the page's script swaps in a newer one when it is told that there is one.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib.resources import files

from tattoo_data.monitoring.sample import Health, Sample
from tattoo_data.monitoring.view import View
from tattoo_data.web import cards, panels
from tattoo_data.web.html import Html, fill, join
from tattoo_data.web.pieces import TONES, pill
from tattoo_data.web.words import clipped, count, moment, seconds, span

_BODY = "<!--body-->"
_NOTES = 5


def asset(name: str) -> bytes:
    """A file that ships beside this module."""
    return (files("tattoo_data.web") / name).read_bytes()


def page(fragment: Html) -> bytes:
    """The whole page around the part that changes."""
    head, tail = _frame()
    return f"{head}{fragment}{tail}".encode()


def fragment(view: View, body: Html, interval: float, old: str | None) -> Html:
    """The part that changes: what is known in a word, and under it `body`. `old` says why it can no longer be trusted;
    then it looks as if nothing were known."""
    health = None if old else view.health
    return fill(
        '<div id="view" class="{state}" data-health="{health}" data-said="{said}" data-title="{title}">'
        "{banner}{header}{body}</div>",
        state="old" if old else "current",
        health=health.value if health else "unknown",
        said=_said(view, health),
        title=f"{_name(health)} – tattoo-data",
        banner=_banner(old),
        header=_header(view, health, interval, old),
        body=body,
    )


def body(view: View) -> Html:
    """All that is under the header."""
    if view.sample is None:
        return Html(
            '<p class="panel quiet">The first check is being made. This page shows it as soon as it is done.</p>'
        )
    side = join((panels.consistency(view), panels.alerts(view)))
    last = join((panels.events(view.events), panels.kept(view.kept)))
    return fill(
        '{stores}<div class="pair">{side}</div>{charts}<div class="pair">{last}</div>',
        stores=cards.stores(view),
        side=side,
        charts=panels.charts(view.series),
        last=last,
    )


@cache
def _frame() -> tuple[str, str]:
    head, _, tail = asset("dashboard.html").decode().partition(_BODY)
    return head, tail


def _banner(old: str | None) -> Html:
    if not old:
        return Html()
    return fill('<p class="banner" id="old" role="alert">{icon} {reason}</p>', icon=pill("bad", "Old data"), reason=old)


def _name(health: Health | None) -> str:
    return health.value.capitalize() if health else "Not known"


def _said(view: View, health: Health | None) -> str:
    alerts = count(len(view.alerts), "open alerts")
    return f"{_name(health)}: {_reason(view, health)}; {alerts}"


def _header(view: View, health: Health | None, interval: float, old: str | None) -> Html:
    tone = TONES[health] if health else "calm"
    return fill(
        '<header class="status {tone}"><div class="verdict"><p class="health" data-of="health" '
        'data-value="{health}">{pill}</p><p>{reason}</p></div>{facts}</header>{notes}',
        tone=tone,
        health=health.value if health else "unknown",
        pill=pill(tone, _name(health)),
        reason=_reason(view, health),
        facts=_facts(view, interval, old),
        notes=_notes(view),
    )


def _reason(view: View, health: Health | None) -> str:
    if view.sample is None:
        return "no check has been made yet"
    if health is None:
        return f"it was {view.sample.health.value} when last looked at"
    return _why(view.sample)


def _why(sample: Sample) -> str:
    """Why a check came out as it did, the worst first."""
    bad = {name: store for name, store in sample.stores.items() if not store.healthy}
    if bad:
        parts = (f"{name} {'has a problem' if store.reachable else 'does not answer'}" for name, store in bad.items())
        return ", ".join(parts)
    found = sample.consistency
    if found.consistent is False:
        return f"table and index disagree on {count(found.differing, 'artists')}"
    slow = [name.value for name, store in sample.stores.items() if store.requests.errors or store.requests.throttled]
    if slow:
        return f"requests to {' and '.join(slow)} failed or were throttled, and were sent again"
    if found.consistent is None:
        return "not known whether table and index agree"
    return "all stores answer, and table and index agree"


def _facts(view: View, interval: float, old: str | None) -> Html:
    if view.sample is None:
        return Html()
    sample = view.sample
    took = f"{'light' if sample.light else 'full'} check in {seconds(sample.seconds)}"
    following = fill("not known") if old else moment(view.at + timedelta(seconds=interval))
    facts: list[tuple[str, Html]] = [
        ("Last check", fill("{at}<small>{took}</small>", at=moment(view.at), took=took)),
        ("Next check", fill("{at}<small>every {every}</small>", at=following, every=span(interval))),
        (
            "State",
            fill(
                '<span data-of="state" data-value="{raw}">{state}</span>',
                raw=sample.state or "null",
                state=clipped(sample.state or "none that is known"),
            ),
        ),
        ("Checks", fill("{number}", number=count(view.checks))),
        ("Target", _target(view)),
    ]
    rows = (fill("<div><dt>{name}</dt><dd>{value}</dd></div>", name=name, value=value) for name, value in facts)
    return fill('<dl class="facts">{rows}</dl>', rows=join(rows))


def _target(view: View) -> Html:
    places = dict.fromkeys(
        str(view.target.get(key) or "") for key in ("awsEndpoint", "s3Endpoint", "opensearchEndpoint")
    )
    kind = "embedded stack" if view.target.get("embedded") else "named target"
    shown = join((fill("<code>{place}</code>", place=clipped(each)) for each in places if each), "<br>")
    return fill("{kind}<small>{places}</small>", kind=kind, places=shown)


def _notes(view: View) -> Html:
    items = join(fill("<li>{text}</li>", text=clipped(each)) for each in view.notes[:_NOTES])
    return fill('<ul class="notes quiet" aria-label="Notes">{items}</ul>', items=items) if items else Html()
