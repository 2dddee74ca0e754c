"""Files: written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

_numbers = count()


def write_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder and rename it, each step on disk before the next.
    Folders are made. Raises OSError, and leaves nothing behind then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def printable(name: object) -> str:
    """A file's name as text that every format takes: what is no UTF-8 in it is told as `\\udcff`."""
    return str(name).encode("utf-8", "backslashreplace").decode()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, under a temporary name in the same folder, that gets its name when the block ends. Who may read
    it is what the umask says, or what was said of the file that it replaces. Raises OSError, and leaves nothing behind
    then."""
    handle, temporary = _created(path)
    try:
        with os.fdopen(handle, "wb") as file:
            if path.is_file():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            yield file
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _created(path: Path) -> tuple[int, Path]:
    """A new file beside another. It is not one of `tempfile`'s, which none but their owner can ever read."""
    while True:
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}")
        with suppress(FileExistsError):  # left by a process of the same number that was killed
            return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), temporary
