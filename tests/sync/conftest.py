"""What the tests of sync share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sync.stand import Stand


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """A target in memory without a record."""
    with ThreadPoolExecutor(4) as pool:
        yield Stand(tmp_path, pool)
