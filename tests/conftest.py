"""Fixtures for all tests: an empty environment, and the engines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.engines.install import EngineMissing
from tests.engines.killable import ministack as ministack
from tests.engines.killable import osmem as osmem
from tests.engines.session import VARIABLE, engine, is_wanted, stop_all
from tests.engines.start import Engine
from tests.tool import Tool, forking, target

_OURS = ("AWS_", "OPENSEARCH_", "DYNAMODB_", "TATTOO_DATA_", "BACKUP_BUCKET", "IMAGE_BUCKET", "DEBUG", "NO_COLOR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_KEPT = ("TATTOO_DATA_TEST_",)

# A shared machine may stand still for longer than any deadline.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")

GetEngine = Callable[[str], Engine]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's reaches a test, and none of a test's reaches the home."""
    for name in os.environ:
        if (name.startswith(_OURS) and not name.startswith(_KEPT)) or name.upper() in _PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TATTOO_DATA_HOME", str(home / "state"))


@pytest.fixture(scope="session")
def engine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's engines live; one folder for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "engines"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def get_engine(engine_folder: Path) -> Iterator[GetEngine]:
    """The session's engine of a name; the test is skipped where it is not switched on or cannot start, and fails
    in CI where it cannot."""

    def get(name: str) -> Engine:
        if not is_wanted(name):
            pytest.skip(f"{name} is not switched on: set {VARIABLE}=all (or its name)")
        try:
            return engine(name, engine_folder)
        except EngineMissing as error:
            if os.environ.get("CI") == "true":
                pytest.fail(f"{name} must run in CI: {error}", pytrace=False)
            pytest.skip(f"{name} cannot run here: {error}")

    yield get
    if "PYTEST_XDIST_WORKER" not in os.environ:
        stop_all(engine_folder)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that leads the workers ends what they started."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and (folder := factory.getbasetemp() / "engines").is_dir():
        stop_all(folder)


@pytest.fixture
def tool(get_engine: GetEngine, tmp_path: Path) -> Tool:
    """The command line on the embedded engines, named by environment variables."""
    return Tool(target("embedded", get_engine, tmp_path / "state"), tmp_path)


@pytest.fixture(params=["embedded", "real"])
def any_tool(request: pytest.FixtureRequest, get_engine: GetEngine, tmp_path: Path) -> Tool:
    """The command line on the embedded engines and on real ones."""
    return forking(request.param, get_engine, tmp_path)


@pytest.fixture(params=["embedded", "real", "real-2"])
def every_tool(request: pytest.FixtureRequest, get_engine: GetEngine, tmp_path: Path) -> Tool:
    """The command line on every kind of target, OpenSearch 2 too: what its stores do differently, the contract suite
    holds for all commands, so that only a few of them need it."""
    return forking(request.param, get_engine, tmp_path)


@pytest.fixture
def bare(tmp_path: Path) -> Tool:
    """The command line with nothing named and a home of its own."""
    return Tool({"TATTOO_DATA_HOME": str(tmp_path / "state")}, tmp_path)
