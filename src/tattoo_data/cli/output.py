"""What a command prints: tables and progress on a terminal, plain text in a pipe, one document with `--json`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from tattoo_data.cli import streams
from tattoo_data.engine.flow import Progress, no_progress

_GAP = "  "
#: What Python makes of the bytes of a file's name that are no UTF-8.
_HALF = re.compile("[\ud800-\udfff]")


class Output:
    """stdout is data; everything said beside it goes to stderr, and not at all with `--quiet`."""

    def __init__(self, *, json: bool = False, quiet: bool = False, verbose: int = 0) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self._end_progress: Callable[[], None] = _nothing

    def document(self, document: Mapping[str, object], **rows: Iterable[object]) -> None:
        """Print one JSON document. `rows` are its last fields, whose members are printed as they come: there may be
        millions."""
        import msgspec

        self.end_progress()
        text = msgspec.json.format(json_text(document), indent=2)
        for name, members in rows.items():
            sys.stdout.write(text.removesuffix("\n}") + f',\n  "{name}": [')
            for number, member in enumerate(members):
                sys.stdout.write(("," if number else "") + "\n    " + json_text(member))
            text = "\n  ]\n}"
        sys.stdout.write(text + "\n")

    def line(self, text: str = "") -> None:
        """Print one line of the result."""
        self.end_progress()
        sys.stdout.write(text + "\n")

    def object(self, fields: Mapping[str, object]) -> None:
        """Print one JSON object in a line of its own, at once: what endless commands print with `--json`."""
        self.event(json_text(fields))

    def event(self, text: str) -> None:
        """Print one line of an endless command, at once: whoever reads a pipe waits for it."""
        self.line(text)
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Say something beside the result."""
        if not self.quiet:
            self.end_progress()
            with suppress(OSError):  # it is told at the end: what is being done is not to be stopped by it
                sys.stdout.flush()
            streams.say(text + "\n")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: drawn on a terminal, aligned plain text in a pipe."""
        self.end_progress()
        if _is_terminal(sys.stdout):
            _draw(head, rows)
        else:
            for row in _aligned([head, *rows]):
                self.line(row)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Progress on stderr, where that is a terminal."""
        if self.quiet or self.json or not _is_terminal(sys.stderr):
            yield no_progress
            return
        from rich.console import Console

        with Console(stderr=True, no_color=not colours()).status("working") as status:
            self._end_progress = status.stop

            def show(stage: str, done: int, total: int | None) -> None:
                status.update(f"{stage}: {done:,}" + (f" of {total:,}" if total else ""))

            yield show

    def end_progress(self) -> None:
        """Take the progress off the terminal, before anything else is written there."""
        self._end_progress()


def json_text(value: object) -> str:
    """A value as JSON in one line; what is no UTF-8 in a file's name is told as in plain text."""
    import msgspec

    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        import json

        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
        return _HALF.sub(lambda found: f"\\\\u{ord(found[0]):x}", text)


def _nothing() -> None:
    """Where no progress is shown."""


def colours() -> bool:
    """Whether colours are wanted at all."""
    return "NO_COLOR" not in os.environ


def _is_terminal(stream: object) -> bool:
    return streams.is_terminal(stream) and os.environ.get("TERM") != "dumb"


def _draw(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(head):
        numeric = bool(rows) and all(row[index].replace(",", "").isdigit() for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(no_color=not colours()).print(table)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        yield _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
