"""Fixtures for backups in memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.backups.stand import Stand, stand


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
def here(tmp_path: Path, pool: Executor) -> Stand:
    """A target in memory."""
    return stand(tmp_path, pool)


@pytest.fixture
def there(tmp_path: Path, pool: Executor, here: Stand) -> Stand:
    """Another target, whose backup bucket and time are the same."""
    other = stand(tmp_path, pool, vault=here.vault, table="another")
    here.time, here.env = other.time, replace(here.env, clock=other.env.clock)
    return other
