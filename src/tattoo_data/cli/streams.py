"""The standard streams: closed ones made safe, and a stdout whose failures are told from all others.

A number below 3 that is closed would go to the next file or socket that is opened, and what is printed would end
there. So it is taken by a file on which every read or write fails, for a command that is started from here, too.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TextIO

from tattoo_data.errors import FileFailed, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_STDOUT, _STDERR = 1, 2
_HINT = "What the command did is done; only what it had to say is lost. Make room, or send it elsewhere."


class StdoutFailed(OSError):
    """stdout takes nothing more, and not because its reader is gone."""


class _Stdout(io.FileIO):
    """The file under stdout, whose errors have a name of their own."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Raises `StdoutFailed`, and `BrokenPipeError` where the reader is gone."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StdoutFailed(error.errno, _reason(error)) from error


def open_streams() -> None:
    """Make the standard streams safe. For a process's first moment: what was opened before must not be in the way."""
    if sys.stdin is None:
        _take(0, os.O_WRONLY)
    if sys.stdout is None:
        _take(_STDOUT, os.O_RDONLY)
    if sys.stderr is None:
        _take(_STDERR, os.O_RDONLY)
        sys.stderr = open(_STDERR, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if sys.stdout is None or isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _told_apart(sys.stdout)


def stdin() -> BinaryIO:
    """What is read from stdin. Raises `UsageError` where it is closed."""
    if sys.stdin is None:
        raise UsageError(what="stdin cannot be read: it is closed", hint="Give it something: `... < FILE`, or a pipe.")
    return sys.stdin.buffer


def is_terminal(stream: object) -> bool:
    """Whether a stream is there and is a terminal."""
    isatty: Callable[[], bool] | None = getattr(stream, "isatty", None)
    return bool(isatty and isatty())


def failed(error: OSError) -> FileFailed:
    """What is told of a stdout that failed."""
    return FileFailed(path="stdout", reason=_reason(error), hint=_HINT)


def finish_stdout() -> OSError | None:
    """Write out what is left, and return why it could not be. What stays then has nowhere to go, and Python would try
    it again at its end, and end with an exit code of its own."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _drop(_STDOUT, sys.stdout)
        return error
    return None


def finish_stderr() -> None:
    """The same for what is said, without which a command ends as it would."""
    try:
        sys.stderr.flush()
    except OSError:
        _drop(_STDERR, sys.stderr)


def say(text: str) -> None:
    """Write to stderr. Where nobody hears it, that is no reason to stop."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _told_apart(stream: io.TextIOWrapper | None) -> TextIO:
    raw = _Stdout(_STDOUT, "wb", closefd=False)
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="surrogateescape")
    direct = stream.write_through  # as with PYTHONUNBUFFERED
    return io.TextIOWrapper(
        raw if direct else io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,  # what it has no sign for
        line_buffering=stream.line_buffering,
        write_through=direct,
    )


def _take(number: int, way: int) -> None:
    handle = os.open(os.devnull, way)
    if handle == number:
        os.set_inheritable(handle, True)
    else:
        os.dup2(handle, number)
        os.close(handle)


def _drop(number: int, stream: TextIO) -> None:
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, number)
    os.close(handle)
    with suppress(OSError):
        stream.flush()


def _reason(error: OSError) -> str:
    return "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
