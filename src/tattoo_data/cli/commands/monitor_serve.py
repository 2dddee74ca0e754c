"""`monitor serve`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from socket import socket

    from tattoo_data.cli.watching import Tally
    from tattoo_data.monitoring.alert import Event
    from tattoo_data.monitoring.monitor import Options
    from tattoo_data.monitoring.view import View

EPILOG = """\b
Answers on 127.0.0.1 only: / is the dashboard, /metrics is for Prometheus, /healthz answers 200 or 503, and
/api/status, /api/alerts, /api/events and /api/series are JSON.

\b
Touches: no live store; checks and alerts are kept in the state folder.

\b
Example:
  tattoo-data monitor serve
  tattoo-data monitor serve --port 0 --interval 10s
  curl -s http://127.0.0.1:8321/healthz

\b
Exit status:
  0  stopped, by Ctrl-C too, or ended by --count or --for, whatever was found
  2  an interval that makes no sense, or the port is taken
"""
PORT = 8321


@click.command("serve", epilog=EPILOG)
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0 takes any free one.")
@click.option("--interval", default="30s", show_default=True, metavar="DURATION", help="500ms, 30s, 1m or 1h.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many checks.")
@click.option("--for", "duration", metavar="DURATION", help="Begin no check later than this after the first.")
@click.option("--light", is_flag=True, help="Send under ten requests a check, and never compare everything.")
@common
def command(
    invocation: Invocation, port: int, interval: str, count: int | None, duration: str | None, light: bool
) -> int:
    """Check the stores again and again, and show them on a web page, until Ctrl-C.

    The address is printed first, then a line for each change of an alert. With --json these are JSON, one document a
    line, each with a `type`: serving, check, event, and at the end summary.
    """
    from tattoo_data import web
    from tattoo_data.monitoring.interval import parse_duration
    from tattoo_data.monitoring.monitor import Options

    web.require()
    from tattoo_data.web.server import listen

    invocation.command = "monitor serve"
    options = Options(
        interval=parse_duration(interval, "--interval"),
        count=count,
        duration=parse_duration(duration, "--for") if duration else None,
        light=light,
    )
    with listen(port) as listener:
        _serve(invocation, options, listener)
    return 0


def _serve(invocation: Invocation, options: Options, listener: socket) -> None:
    from tattoo_data.cli.watching import Tally, watching
    from tattoo_data.monitoring.monitor import Monitor
    from tattoo_data.monitoring.show import view_of
    from tattoo_data.web.live import Live
    from tattoo_data.web.server import serve, url_of

    tally, lines = Tally(), _Lines(invocation)
    with watching(invocation, invocation.output.say, progress=False) as (watched, ledger):
        monitor = Monitor(watched.check, ledger, watched.kept, watched.target, invocation.clock, options)

        def checks(stop: threading.Event) -> Iterator[View]:
            for view in monitor.run(stop):
                tally.add(view, monitor.happened)
                yield view
                lines.show(view, monitor.happened)

        first = view_of(watched.target, ledger, invocation.clock, sample=None, full=None, kept=())
        lines.begin(url_of(listener))
        try:
            serve(listener, Live(first, options.interval, invocation.clock), ledger, checks)
        finally:
            lines.end(tally, watched.target)


class _Lines:
    """What is printed beside the page: lines of text, or of JSON."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation

    def begin(self, url: str) -> None:
        """Say where the page is."""
        self._print("serving", {"url": url}, f"The dashboard is at {url} (Ctrl-C stops it)")

    def show(self, view: View, happened: Sequence[Event]) -> None:
        """Say what a check found, and what it made of the alerts."""
        from tattoo_data.cli.watching import check_line, event_line
        from tattoo_data.monitoring.document import alert_document, event_document, sample_document

        if view.sample is not None:
            fields = {"checks": view.checks, **sample_document(view.sample)}
            fields["alerts"] = [alert_document(each) for each in view.alerts]
            self._print("check", fields, check_line(view.sample) if self._invocation.output.verbose else None)
        for event in happened:
            self._print("event", event_document(event), event_line(event))

    def end(self, tally: Tally, target: Mapping[str, object]) -> None:
        """Say what came of all checks."""
        about = {"command": self._invocation.command, "elapsedSeconds": self._invocation.elapsed()}
        self._print("summary", {**about, "target": dict(target), **tally.document()}, tally.words)

    def _print(self, kind: str, fields: Mapping[str, object], text: str | None) -> None:
        if self._invocation.output.json:
            import msgspec

            text = msgspec.json.encode({"type": kind, **fields}).decode()
        if text is not None:
            self._invocation.output.line(text)
            sys.stdout.flush()  # whoever reads a pipe waits for it
