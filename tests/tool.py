"""The command line as a user runs it: in a process of its own, against a target of this test alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import forks

if TYPE_CHECKING:
    from tests.conftest import GetEngine

PROGRAMS = Path(sys.executable).parent
AS_OF = "2026-11-24"
#: target -> the engines of its table, its index and its buckets.
TARGETS = {
    "embedded": ("ministack", "osmem", "ministack"),
    "real": ("dynamodb-local", "opensearch-3", "seaweedfs"),
    "real-2": ("dynamodb-local", "opensearch-2", "seaweedfs"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said, and how it ended."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.stdout)

    def error(self) -> Any:
        """The one document on stderr."""
        return json.loads(self.stderr)["error"]


@dataclass(slots=True)
class Tool:
    """Runs commands with environment variables of its own; where `forked`, in processes that need no start."""

    environment: Mapping[str, str]
    cwd: Path
    extra: dict[str, str] = field(default_factory=dict)
    forked: bool = False

    def run(self, *arguments: str, program: str = "tattoo-data", **variables: str) -> Result:
        """Run to the end, without a terminal."""
        if self.forked:
            return Result(*forks.run(program, arguments, self.variables(**variables), self.cwd))
        done = subprocess.run(
            [PROGRAMS / program, *arguments],
            env=self.variables(**variables),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str, **variables: str) -> Result:
        """Run, and require that it ended with 0."""
        result = self.run(*arguments, **variables)
        assert result.code == 0, result.stdout + result.stderr
        return result

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start, and do not wait."""
        return subprocess.Popen(
            [PROGRAMS / "tattoo-data", *arguments],
            env=self.variables(**variables),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hear_signals,
        )

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a command."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, **self.environment, **self.extra, **more}


def _hear_signals() -> None:
    """A test run in the background of a shell ignores Ctrl-C, and under nohup a hangup; so would its children."""
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


def database_of(table: str) -> str:
    """The access key whose database a table lives in, so that few tables share one.

    DynamoDB Local keeps a database for each access key, and a write to a table with a stream takes longer the more
    rows the streams of its database hold: after 5,000 rows, three times as long.
    """
    return f"test{zlib.crc32(table.encode()) % 64}"


def names() -> dict[str, str]:
    """A table, an index and buckets that nobody else has, and the access key that reaches them."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    return {
        "AWS_ACCESS_KEY_ID": database_of(name),
        "AWS_SECRET_ACCESS_KEY": "test",
        "DYNAMODB_TABLE_NAME": name,
        "OPENSEARCH_INDEX": name,
        "IMAGE_BUCKET": f"{name}-images",
        "BACKUP_BUCKET": f"{name}-backups",
    }


def target(kind: str, get_engine: GetEngine, home: Path) -> dict[str, str]:
    """The variables that name a target; skips, or fails in CI, where one of its engines cannot be had."""
    table, index, objects = (get_engine(name).url for name in TARGETS[kind])
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": table,
        "AWS_ENDPOINT_URL_S3": objects,
        "OPENSEARCH_ENDPOINT": index,
        "TATTOO_DATA_HOME": str(home),
        **names(),
    }


def forking(kind: str, get_engine: GetEngine, folder: Path) -> Tool:
    """The command line on a kind of target, for tests of what many commands do to the stores."""
    return Tool(target(kind, get_engine, folder / "state"), folder, forked=True)
