"""Kept: what doctor finds out about the file of alerts and history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tattoo_data.clock import Clock
from tattoo_data.monitoring.database import FILE, Database
from tattoo_data.monitoring.kept import kept
from tattoo_data.views.machine import Health


def _other_format(path: Path) -> None:
    with closing(sqlite3.connect(path)) as there:
        there.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("spoil", "health", "words"),
    [
        (_other_format, Health.BROKEN, "is of format 99"),
        (lambda path: (path.unlink(), path.mkdir()), Health.WARNING, "is no file"),
        (lambda path: path.write_bytes(b"no database at all" * 9), Health.WARNING, "cannot be read"),
        (lambda path: None, Health.OK, "are kept in"),
        (lambda path: path.unlink(), Health.OK, "not made yet"),
    ],
)
def test_what_is_in_the_place_of_the_file(tmp_path: Path, spoil: object, health: Health, words: str) -> None:
    Database(tmp_path, Clock(), print).close()
    assert callable(spoil)
    spoil(tmp_path / FILE)
    before = sorted(path for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm")))
    (check,) = kept(tmp_path)
    assert (check.id, check.status) == ("monitoring", health)
    assert words in check.message
    assert bool(check.hint) == (health is not Health.OK)
    assert sorted(path for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))) == before


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    (check,) = kept(tmp_path / "state")
    assert check.status is Health.OK
    assert not (tmp_path / "state").exists()
