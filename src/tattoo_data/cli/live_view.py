"""The live view: one `View` drawn to the size of the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from tattoo_data.cli.render import amounts
from tattoo_data.cli.watching import agreement, alert_words, health_of, milliseconds, since
from tattoo_data.clock import Clock
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Alert, Change, Event, Severity
from tattoo_data.monitoring.interval import span
from tattoo_data.monitoring.monitor import Options
from tattoo_data.monitoring.sample import Compared, Difference, Health, Sample
from tattoo_data.monitoring.view import View

_BLOCKS, _ASCII = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_HEALTH = {Health.HEALTHY: "green", Health.DEGRADED: "yellow", Health.UNHEALTHY: "red"}
_SEVERITY = {Severity.CRITICAL: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_CHANGE = {Change.OPENED: "red", Change.ESCALATED: "red", Change.CLOSED: "green", Change.ACKNOWLEDGED: "cyan"}
_DIFFERS = {"missing": "has no document", "extra": "has a document and no item", "different": "differs in"}
#: How much of each section is shown where there is little room.
_DIFFERENCES, _ALERTS, _EVENTS = 4, 4, 3
#: What each column is called, how wide it is, and from which width of the terminal on there is room for it.
_COLUMNS = (
    ("store", 8, 0),
    ("health", 12, 0),
    ("entries", 9, 0),
    ("p50", 9, 0),
    ("p95", 9, 0),
    ("p99", 9, 100),
    ("requests", 10, 100),
    ("failed", 8, 0),
)
_OVER_TIME = "p95, check by check"
#: So many checks the response times are drawn of at most.
_CHECKS = 200


class LiveView:
    """What is on the screen. It is drawn from another thread than it is told of views from."""

    def __init__(self, options: Options, clock: Clock, said: Sequence[str]) -> None:
        self._view: View | None = None
        self._times: Mapping[StoreName, Sequence[float | None]] = dict.fromkeys(StoreName, ())
        self._options = options
        self._clock = clock
        self._said = said

    def tell(self, view: View) -> None:
        """Take the newest view."""
        assert view.sample is not None
        self._times = {
            name: (*self._times[name], store.requests.p95)[-_CHECKS:] for name, store in view.sample.stores.items()
        }
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self._lines(options.max_width, options.height or console.height, ascii_only=options.ascii_only)
        for line in lines:
            line.no_wrap, line.overflow = True, "crop" if options.ascii_only else "ellipsis"
            yield line

    def _lines(self, width: int, height: int, *, ascii_only: bool) -> list[Text]:
        view = self._view
        if view is None or view.sample is None:
            return [Text("The first check is being made ...")]
        head = [self._status(view, view.sample), Text(), *self._stores(view, width, _ASCII if ascii_only else _BLOCKS)]
        head += [Text(), *self._contents(view)]
        notes = [Text(note, style="dim") for note in (*view.notes, *self._said)]
        end = [Text(f"Ctrl-C ends. {_where(view)}", style="dim")]
        room = height - len(head) - len(notes) - len(end)
        return [*head, *self._sections(view, room), *notes, *end]

    def _status(self, view: View, sample: Sample) -> Text:
        ago = span((self._clock.now() - view.at).total_seconds())
        how = "light" if sample.light else "full"
        return Text.assemble(
            (f" {sample.health.value.upper()} ", f"reverse bold {_HEALTH[sample.health]}"),
            f"  {view.target.get('table')}  ",
            (f"check {view.checks:,} ({how}) {ago} ago, every {_interval(self._options.interval)}", "dim"),
        )

    def _stores(self, view: View, width: int, blocks: str) -> Iterator[Text]:
        """The table of stores, with their response times over time where there is room for them."""
        assert view.sample is not None
        left = width - sum(size for _, size, least in _COLUMNS if width >= least) - 3
        head = "".join(_cells([name for name, _, _ in _COLUMNS], width))
        yield Text(f"{head}   {_OVER_TIME}" if left >= len(_OVER_TIME) else head, style="bold")
        for name, store in view.sample.stores.items():
            known = store.count
            if known is None and store.reachable and view.full is not None:
                known = view.full.stores[name].count  # a light check does not count what the last full one did
            requests = store.requests
            cells = [
                name.value,
                health_of(store),
                "-" if known is None else f"{known:,}",
                *map(milliseconds, (requests.p50, requests.p95, requests.p99)),
                f"{requests.count:,}",
                f"{requests.errors + requests.throttled:,}",
            ]
            first, health, *rest = _cells(cells, width)
            line = Text.assemble(first, (health, "green" if store.healthy else "red"), "".join(rest))
            if left > 0:
                line.append(f"   {spark(self._times[name][-left:], blocks)}", "cyan")
            yield line

    def _contents(self, view: View) -> Iterator[Text]:
        """The last counts by kind, whether table and index agree, and what is kept."""
        full, sample = view.full, view.sample
        assert sample is not None
        if full is not None and (kinds := full.stores[StoreName.TABLE].kinds) is not None:
            state = f"  ({full.state})" if full.state else ""
            yield _named("records", f"{amounts(kinds)}{state}", "")
        found = sample.consistency
        style = {True: "green", False: "red", None: "yellow"}[found.consistent]
        yield _named("agreement", agreement(found), style)
        if full is not None and found.compared is not Compared.FULL:
            ago = span((self._clock.now() - full.at).total_seconds())
            yield _named("full pass", f"{ago} ago: {agreement(full.consistency)}", "dim")
        if view.kept:
            last = view.kept[0]
            ago = span((self._clock.now() - last.created_at).total_seconds())
            yield _named("last kept", f"{last.kind} {last.reference}, {ago} ago", "")

    def _sections(self, view: View, room: int) -> list[Text]:
        """Problems, differences, alerts and events, as far as there is room: what is worst first."""
        sample = view.sample
        assert sample is not None
        wrong = [_problem(name, text) for name, store in sample.stores.items() for text in store.problems]
        differ = [_difference(each) for each in sample.consistency.differences]
        alerts = [self._alert(each) for each in view.alerts]
        events = [self._event(each) for each in view.events]
        wanted = [
            ("Problems", wrong, len(wrong), len(wrong)),
            ("Differences", differ, sample.consistency.differing, _DIFFERENCES),
            ("Open alerts", alerts, len(alerts), _ALERTS),
            ("Last events", events, len(events), _EVENTS),
        ]
        shown = [each for each in wanted if each[1]]
        sizes = _share([min(len(lines), least) for _, lines, _, least in shown], [len(each[1]) for each in shown], room)
        found: list[Text] = []
        for (title, lines, count, _), size in zip(shown, sizes, strict=True):
            if size:
                cut = f", {size:,} shown" if size < count else ""
                found += [Text(), Text(f"{title} ({count:,}{cut})", style="bold"), *lines[:size]]
        if not view.alerts and room > len(found) + 1:
            found += [Text(), Text("No alert is open.", style="dim")]
        return found

    def _alert(self, alert: Alert) -> Text:
        seen = ", acknowledged" if alert.acknowledged_at else ""
        lasts = f"  {since(alert, self._clock.now())}{seen}  "
        return Text.assemble("  ", (alert.severity.value, _SEVERITY[alert.severity]), lasts, _without(alert))

    def _event(self, event: Event) -> Text:
        change = (f"{event.change.value:12}", _CHANGE[event.change])
        ago = span((self._clock.now() - event.at).total_seconds())
        alert, end = event.alert, event.alert.closed_at
        lasted = (
            f"{alert.severity.value} {alert.cause} after {span((end - alert.opened_at).total_seconds())}" if end else ""
        )
        return Text.assemble(f"  {ago + ' ago':14}", change, lasted or alert_words(alert))


def _cells(cells: Sequence[str], width: int) -> Iterator[str]:
    """Cells in their columns, as far as there is room for these: words to the left, numbers to the right."""
    for number, (cell, (_, size, least)) in enumerate(zip(cells, _COLUMNS, strict=True)):
        if width >= least:
            yield cell.ljust(size) if number < 2 else cell.rjust(size)


def spark(values: Sequence[float | None], blocks: str = _BLOCKS) -> str:
    """Values as a line of blocks, from nothing to the largest of them; a gap is a space."""
    largest = max((value for value in values if value is not None), default=0.0)
    return "".join(" " if value is None else _block(value, largest, blocks) for value in values)


def _block(value: float, largest: float, blocks: str) -> str:
    part = value / largest if largest > 0 else 0.0
    return blocks[max(0, min(len(blocks) - 1, math.ceil(part * len(blocks)) - 1))]


def _share(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """How many lines each section gets: a section costs two more. The first come first, and none is left without what
    is least unless there is no room at all; what remains goes to them in their order."""
    sizes: list[int] = []
    for lines in least:
        size = max(0, min(lines, room - 2))
        sizes.append(size)
        room -= size + 2 if size else 0
    for number, lines in enumerate(wanted):
        if sizes[number]:
            more = max(0, min(lines - sizes[number], room))
            sizes[number] += more
            room -= more
    return sizes


def _named(name: str, text: str, style: str) -> Text:
    return Text.assemble((f"{name:11}", "bold"), (text, style))


def _problem(name: StoreName, text: str) -> Text:
    return Text(f"  {name.value}: {text}", style="red")


def _difference(each: Difference) -> Text:
    fields = f" {', '.join(each.fields)}" if each.fields else ""
    what = _DIFFERS[each.kind] if fields or each.kind != "different" else "differs"
    return Text(f"  {each.key} {what}{fields}")


def _without(alert: Alert) -> str:
    """An alert in words, without its severity."""
    return alert_words(alert).removeprefix(alert.severity.value).lstrip()


def _interval(seconds: float) -> str:
    return span(seconds) if seconds >= 1 else f"{seconds * 1000:g} ms"


def _where(view: View) -> str:
    return ", ".join(str(view.target[name]) for name in ("awsEndpoint", "opensearchEndpoint") if view.target.get(name))
