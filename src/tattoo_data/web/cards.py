"""Cards: a store each, drawn from the view alone.

What a check measured bears `data-of` and `data-value`: its path in the JSON of a check, and the value as it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.sample import Sample, StoreSample
from tattoo_data.monitoring.view import View
from tattoo_data.web.html import Html, fill, join
from tattoo_data.web.pieces import more, pill
from tattoo_data.web.words import clipped, count, moment, seconds

PROBLEMS = 5
_NOUNS = {StoreName.TABLE: "items", StoreName.INDEX: "documents", StoreName.IMAGES: "images"}


def stores(view: View) -> Html:
    """A card for each store."""
    sample = view.sample
    cards = () if sample is None else (_card(view, sample, name) for name in StoreName if name in sample.stores)
    return fill(
        '<section aria-labelledby="stores"><h2 id="stores">Stores</h2><div class="cards">{cards}</div></section>',
        cards=join(cards),
    )


def _card(view: View, sample: Sample, name: StoreName) -> Html:
    store = sample.stores[name]
    tone, words = _store_health(store)
    return fill(
        '<article class="panel card {tone}" id="store-{name}" aria-labelledby="name-{name}"><header>'
        '<h3 id="name-{name}">{title}</h3><span data-of="stores.{name}.healthy" data-value="{healthy}">{pill}</span>'
        '</header><p class="quiet">{place}</p>{problems}{count}{kinds}{requests}</article>',
        name=name.value,
        tone=tone,
        title=name.value.capitalize(),
        healthy=str(store.healthy).lower(),
        pill=pill(tone, words),
        place=join((_place(view, name), fill("{engine}", engine=store.engine or "engine not known")), " · "),
        problems=_problems(store.problems),
        count=_count(view, sample, name),
        kinds=_kinds(view, sample, name),
        requests=_requests(name, store),
    )


def _store_health(store: StoreSample) -> tuple[str, str]:
    if not store.reachable:
        return "bad", "Unreachable"
    if not store.healthy:
        return "bad", "Unhealthy"
    if store.requests.errors or store.requests.throttled:
        return "warn", "Degraded"
    return "good", "Healthy"


def _place(view: View, name: StoreName) -> Html:
    key = "imageBucket" if name is StoreName.IMAGES else name.value
    return fill("<code>{name}</code>", name=clipped(str(view.target.get(key) or "not named")))


def _problems(problems: Sequence[str]) -> Html:
    if not problems:
        return Html()
    items = join(fill("<li>{text}</li>", text=clipped(each)) for each in problems[:PROBLEMS])
    return fill('<ul class="problems">{items}{more}</ul>', items=items, more=more(len(problems), PROBLEMS, "li"))


def counted_by(view: View, name: StoreName) -> Sample | None:
    """The newest check that counted a store: the newest of all, or the last that passed over everything."""
    found = (each for each in (view.sample, view.full) if each and name in each.stores)
    return next((each for each in found if each.stores[name].count is not None), None)


def _count(view: View, sample: Sample, name: StoreName) -> Html:
    source = counted_by(view, name)
    if source is None:
        return Html('<p class="figure"><b>–</b> <span>not counted</span></p>')
    number = source.stores[name].count
    _, _, noun = count(number, _NOUNS[name]).partition(" ")
    when = Html() if source is sample else fill("<span>, counted {at}</span>", at=moment(source.at))
    return fill(
        '<p class="figure"><b data-of="stores.{name}.count" data-value="{number}">{shown}</b> '
        "<span>{noun}</span>{when}</p>",
        name=name.value,
        number=number,
        shown=count(number),
        noun=noun,
        when=when,
    )


def _kinds(view: View, sample: Sample, name: StoreName) -> Html:
    source = counted_by(view, name) or sample
    kinds: Mapping[str, int] = source.stores[name].kinds or {}
    if not kinds or set(kinds) == {_NOUNS[name]}:  # which the count says already
        return Html()
    items = (
        fill(
            '<li><b data-of="stores.{name}.kinds.{kind}" data-value="{number}">{shown}</b> {kind}</li>',
            name=name.value,
            kind=kind,
            number=number,
            shown=count(number),
        )
        for kind, number in kinds.items()
    )
    return fill('<ul class="kinds" aria-label="By kind">{items}</ul>', items=join(items))


def _requests(name: StoreName, store: StoreSample) -> Html:
    found = store.requests
    times = [("p50", found.p50), ("p95", found.p95), ("p99", found.p99)]
    cells = [
        *(
            _cell(name, f"{label}Seconds", label, "null" if value is None else round(value, 6), seconds(value))
            for label, value in times
        ),
        _cell(name, "count", "requests", found.count, count(found.count)),
        _cell(name, "errors", "errors", found.errors, count(found.errors), "bad" if found.errors else ""),
        _cell(
            name, "throttled", "throttled", found.throttled, count(found.throttled), "warn" if found.throttled else ""
        ),
    ]
    return fill('<dl class="numbers">{cells}</dl>', cells=join(cells))


def _cell(name: StoreName, field: str, label: str, value: object, shown: str, tone: str = "") -> Html:
    return fill(
        '<div class="{tone}"><dt>{label}</dt><dd data-of="stores.{name}.requests.{field}" data-value="{value}">'
        "{shown}</dd></div>",
        tone=tone,
        name=name.value,
        field=field,
        label=label,
        value=value,
        shown=shown,
    )
