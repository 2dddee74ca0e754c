"""`monitor watch [INTERVAL]`."""

from __future__ import annotations

import re
import threading
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from tattoo_data.cli.options import Invocation, common
from tattoo_data.cli.stopping import ended_by_interrupt, stopped_by_signals

if TYPE_CHECKING:
    from tattoo_data.monitoring.monitor import Options

EPILOG = """\b
INTERVAL is 500ms, 30s, 1m or 1h; a bare number is seconds.

\b
Touches: no live store; checks and alerts are kept in the state folder.

\b
Example:
  tattoo-data monitor watch
  tattoo-data monitor watch 10s --for 1h
  tattoo-data monitor watch 5s --count 3 --json | jq -r 'select(.type == "check") | .health'

\b
Exit status:
  0  stopped, by Ctrl-C too, or ended by --count or --for, whatever was found
  2  an interval that makes no sense
  15 the webhook's host is neither local nor allowed
"""
_NOTES = 3
_INTERVAL = "the interval"
_NEGATIVE = re.compile(r"-[\d.]")


class _Watch(click.Command):
    """So that a negative interval is refused as such, and not as an option that nobody knows."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from tattoo_data.monitoring.interval import parse_duration

        for before, each in pairwise(["", *args]):
            if _NEGATIVE.match(each) and not before.startswith("-"):
                parse_duration(each, _INTERVAL)
        return super().parse_args(ctx, args)


@click.command("watch", cls=_Watch, epilog=EPILOG)
@click.argument("interval", metavar="[INTERVAL]", default="30s")
@click.option("--count", type=click.IntRange(1), metavar="N", help="End after so many checks.")
@click.option("--for", "duration", metavar="DURATION", help="Begin no check later than this after the first.")
@click.option("--light", is_flag=True, help="Send under ten requests a check, and never compare everything.")
@common
@ended_by_interrupt
def command(invocation: Invocation, interval: str, count: int | None, duration: str | None, light: bool) -> int:
    """Check the stores again and again, until Ctrl-C.

    On a terminal it shows a live view, else a line for each check and each change of an alert. With --json these are
    JSON, one document a line, each with a `type`: check, event, and at the end summary.

    Every check is full where that takes at most a tenth of the interval, and at least every tenth is; one that finds a
    difference is followed by a full one. The others are light, as `monitor check --light`.
    """
    from tattoo_data.monitoring.interval import parse_duration
    from tattoo_data.monitoring.monitor import Options

    invocation.command = "monitor watch"
    options = Options(
        interval=parse_duration(interval, _INTERVAL),
        count=count,
        duration=parse_duration(duration, "--for") if duration else None,
        light=light,
    )
    _watch(invocation, options)
    return 0


def _watch(invocation: Invocation, options: Options) -> None:
    from tattoo_data.cli.live import screen
    from tattoo_data.cli.watching import Tally, watching
    from tattoo_data.monitoring.monitor import Monitor

    tally, stop = Tally(), threading.Event()
    said: deque[str] = deque(maxlen=_NOTES)
    shown = screen(invocation, options, said)
    say = said.append if shown.is_live else invocation.output.say
    with watching(invocation, say, progress=False) as target:
        watched = target.watched
        monitor = Monitor(watched.check, target.ledger, watched.kept, watched.target, invocation.clock, options)
        try:
            with stopped_by_signals(stop), shown:
                for view in monitor.run(stop):
                    tally.add(view, monitor.happened)
                    shown.show(view, monitor.happened)
        except KeyboardInterrupt:  # the second, within a check
            pass
        shown.end(tally, watched.target)
