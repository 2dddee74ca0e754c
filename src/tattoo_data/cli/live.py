"""The screen of `monitor watch`: a live view on a terminal, plain lines in a pipe, JSON lines with `--json`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from tattoo_data.cli.options import Invocation
from tattoo_data.cli.output import colours
from tattoo_data.cli.watching import Tally, check_line, event_line

if TYPE_CHECKING:
    from tattoo_data.cli.live_view import LiveView
    from tattoo_data.monitoring.alert import Event
    from tattoo_data.monitoring.monitor import Options
    from tattoo_data.monitoring.view import View


class Screen(Protocol):
    """Where views are shown. A context manager while it does."""

    @property
    def is_live(self) -> bool:
        """Whether it holds the terminal, so that nothing else may be written there."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def show(self, view: View, happened: Sequence[Event]) -> None:
        """Show the newest check, and what it made of the alerts."""

    def end(self, tally: Tally, target: Mapping[str, object]) -> None:
        """Say what came of all checks."""


def screen(invocation: Invocation, options: Options, said: Sequence[str]) -> Screen:
    """The screen that an invocation wants. `said` is what else is to be told, where the screen is a live one."""
    if invocation.output.json:
        return lines(invocation)
    wants_lines = invocation.output.quiet or invocation.settings.debug  # every request is a line of its own
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not wants_lines:
        from tattoo_data.cli.live_view import LiveView

        return _Live(invocation, LiveView(options, invocation.clock, said))
    return lines(invocation)


def lines(invocation: Invocation, *, checks: bool = True) -> Lines:
    """Lines, of JSON where an invocation wants that; of text, those of checks only where `checks` says so."""
    return JsonLines(invocation) if invocation.output.json else Lines(invocation, checks=checks)


class Lines:
    """A line for each check, and one for each change of an alert."""

    is_live = False

    def __init__(self, invocation: Invocation, *, checks: bool = True) -> None:
        self._invocation = invocation
        self._checks = checks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to leave."""

    def show(self, view: View, happened: Sequence[Event]) -> None:
        if view.sample is not None and self._checks:
            self._invocation.output.event(check_line(view.sample))
        for event in happened:
            self._invocation.output.event(event_line(event))

    def end(self, tally: Tally, target: Mapping[str, object]) -> None:
        self._invocation.output.event(f"{tally.words[0].upper()}{tally.words[1:]}")


class JsonLines(Lines):
    """The same as one JSON document a line, each with a `type`."""

    def show(self, view: View, happened: Sequence[Event]) -> None:
        from tattoo_data.monitoring.document import alert_document, event_document, sample_document

        if view.sample is not None:
            alerts = [alert_document(each) for each in view.alerts]
            self._document("check", {"checks": view.checks, **sample_document(view.sample), "alerts": alerts})
        for event in happened:
            self._document("event", event_document(event))

    def end(self, tally: Tally, target: Mapping[str, object]) -> None:
        about = {
            "command": self._invocation.command,
            "elapsedSeconds": self._invocation.elapsed(),
            "target": dict(target),
        }
        self._document("summary", {**about, **tally.document()})

    def _document(self, kind: str, fields: Mapping[str, object]) -> None:
        self._invocation.output.object({"type": kind, **fields})


class _Live(Lines):
    """The whole terminal, drawn anew each second; it is as it was before when the monitor ends."""

    is_live = True

    def __init__(self, invocation: Invocation, view: LiveView) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(invocation)
        self._view = view
        console = Console(no_color=not colours())
        self._live = Live(view, console=console, screen=True, refresh_per_second=1, redirect_stderr=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, view: View, happened: Sequence[Event]) -> None:
        self._view.tell(view)
        self._live.refresh()
