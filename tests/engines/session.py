"""One set of engines for a whole test session, shared by its workers, each started when it is first asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

from filelock import FileLock

from tests.engines.install import EngineMissing
from tests.engines.start import Engine, start

REAL = ("dynamodb-local", "opensearch-3", "opensearch-2", "seaweedfs")
VARIABLE = "TATTOO_DATA_TEST_ENGINES"


def is_wanted(name: str) -> bool:
    """Whether an engine is switched on: the embedded ones always, the real ones by the variable."""
    named = os.environ.get(VARIABLE, "").split(",")
    return name not in REAL or "all" in named or name in named


def engine(name: str, folder: Path) -> Engine:
    """The session's engine of a name; the first who asks starts it. Raises EngineMissing."""
    state = folder / f"{name}.json"
    with FileLock(folder / f"{name}.lock"):
        if state.exists():
            known = json.loads(state.read_text())
            if "missing" in known:
                raise EngineMissing(known["missing"])
            return Engine(**known)
        try:
            started = start(name, folder / name)
        except EngineMissing as error:
            state.write_text(json.dumps({"missing": str(error)}))
            raise
        state.write_text(started.to_json())
        return started


def stop_all(folder: Path) -> None:
    """End every engine that the session started."""
    for state in folder.glob("*.json"):
        known = json.loads(state.read_text())
        if "pid" in known:
            Engine(**known).stop()
