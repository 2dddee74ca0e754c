"""Fixtures for the self-test's tests: one bench for a module, on the embedded engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tattoo_data.cli.commands.integration_test import _surface
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment, open_environment
from tattoo_data.selftest.bench import Bench, open_bench
from tattoo_data.settings import resolve
from tests.conftest import GetEngine
from tests.tool import target


def environ() -> dict[str, str]:
    """What a program needs of the machine, and nothing of ours."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}


@contextmanager
def opened(variables: dict[str, str], folder: Path) -> Iterator[Environment]:
    """A user's target, open."""
    with open_environment(resolve({}, variables, folder), Clock()) as env:
        yield env


@pytest.fixture(scope="module")
def mine(get_engine: GetEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A user's target that holds nothing yet."""
    folder = tmp_path_factory.mktemp("mine")
    with opened(target("embedded", get_engine, folder / "state"), folder) as env:
        yield env


@pytest.fixture(scope="module")
def bench(mine: Environment) -> Iterator[Bench]:
    """A bench beside it."""
    with open_bench(_surface(), environ(), mine, watch=True) as made:
        yield made
