"""Kept: what `doctor` asks of the file of alerts and history. Nothing is moved or mended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tattoo_data.errors import IntegrityFailed
from tattoo_data.monitoring.database import FILE, read_format
from tattoo_data.views.machine import Check, Health

_ID = "monitoring"


def kept(home: Path) -> Iterator[Check]:
    """Whether alerts and history can be kept in the state folder, where something is there already."""
    path = home / FILE
    if not path.exists():
        yield Check(id=_ID, status=Health.OK, message=f"{path} (not made yet)")
        return
    if not path.is_file():
        message = f"{path} is no file, so alerts and history are not kept"
        yield Check(id=_ID, status=Health.WARNING, message=message, hint="Move it away: a new one is begun.")
        return
    try:
        read_format(path)
    except IntegrityFailed as error:
        yield Check(id=_ID, status=Health.BROKEN, message=error.message, hint=error.hint)
    except sqlite3.DatabaseError as error:
        message = f"{path} cannot be read ({error})"
        hint = "`tattoo-data monitor check` moves a damaged one aside and begins a new one."
        yield Check(id=_ID, status=Health.WARNING, message=message, hint=hint)
    else:
        yield Check(id=_ID, status=Health.OK, message=f"alerts and history are kept in {path}")
