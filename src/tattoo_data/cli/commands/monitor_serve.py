"""`monitor serve`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common
from tattoo_data.cli.stopping import ended_by_interrupt

if TYPE_CHECKING:
    from socket import socket

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
  1  the dashboard's libraries are not installed
  2  an interval that makes no sense, or the port is taken
  15 the webhook's host is neither local nor allowed
"""
PORT = 8321


@click.command("serve", epilog=EPILOG)
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0 takes any free one.")
@click.option("--interval", default="30s", show_default=True, metavar="DURATION", help="500ms, 30s, 1m or 1h.")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many checks.")
@click.option("--for", "duration", metavar="DURATION", help="Begin no check later than this after the first.")
@click.option("--light", is_flag=True, help="Send under ten requests a check, and never compare everything.")
@common
@ended_by_interrupt
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
    from tattoo_data.cli.live import lines
    from tattoo_data.cli.watching import Tally, watching
    from tattoo_data.monitoring.monitor import Monitor
    from tattoo_data.monitoring.show import view_of
    from tattoo_data.web.live import Live
    from tattoo_data.web.server import serve, url_of

    tally, said = Tally(), lines(invocation, checks=invocation.output.verbose > 0)
    with watching(invocation, invocation.output.say, progress=False) as target:
        watched, ledger = target.watched, target.ledger
        monitor = Monitor(watched.check, ledger, watched.kept, watched.target, invocation.clock, options)

        def checks(stop: threading.Event) -> Iterator[View]:
            for view in monitor.run(stop):
                tally.add(view, monitor.happened)
                yield view
                said.show(view, monitor.happened)

        first = view_of(watched.target, ledger, invocation.clock, sample=None, full=None, kept=())
        _say_where(invocation, url_of(listener))
        try:
            serve(listener, Live(first, options.interval, invocation.clock), ledger, checks)
        finally:
            said.end(tally, watched.target)


def _say_where(invocation: Invocation, url: str) -> None:
    if invocation.output.json:
        invocation.output.object({"type": "serving", "url": url})
    else:
        invocation.output.event(f"The dashboard is at {url} (Ctrl-C stops it)")
