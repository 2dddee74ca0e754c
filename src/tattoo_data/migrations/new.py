"""New: the file of a new step in a project's own folder, with a test beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tattoo_data.errors import BadSetting, FileFailed, UsageError
from tattoo_data.files import write_file
from tattoo_data.migrations.load import file_name
from tattoo_data.migrations.step import Step

_STEP = '''"""{title}."""

VERSION = "{version}"
#: Every field that `up` may change, and others that it looks at.
WRITES = ("example",)
READS = ()
#: Properties that the index's mapping gets: {{"example": {{"type": "keyword"}}}}
MAPPING = {{}}


def up(record, context):
    """The record as it is to be. Doing it twice is doing it once; a number is an int or a Decimal, never a float."""
    record.setdefault("example", None)
    return record
'''
_TEST = '''"""What {stem} does to a record."""

from datetime import date
from pathlib import Path

import pytest

from tattoo_data.migrations.load import load_steps
from tattoo_data.migrations.step import Context

CONTEXT = Context(as_of=date(2026, 1, 31))


@pytest.fixture
def up():
    (step,) = (each for each in load_steps(Path(__file__).parent) if each.id == "{name}")
    return lambda record: step.up(dict(record), CONTEXT)


def test_it_adds_what_is_missing(up):
    assert up({{"artistId": "a"}}) == {{"artistId": "a", "example": None}}


def test_it_changes_nothing_that_is_there(up):
    record = {{"artistId": "a", "example": "kept"}}
    assert up(record) == record
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files of a new step."""

    step: Path
    test: Path
    version: str


def write_step(folder: Path, name: str, steps: Sequence[Step]) -> Written:
    """Write a step and its test, with the version after those of `steps`. Raises `UsageError` for a name that no step
    can have or that one has, and `FileFailed`."""
    try:
        file = file_name(name)
    except ValueError as error:
        raise BadSetting(name="NAME", value=name, source="the command line", reason=str(error)) from error
    stem = file.removesuffix(".py")
    path, test = folder / file, folder / f"test_{file}"
    called = stem.replace("_", "-")
    if path.exists() or called in {step.id for step in steps}:
        raise UsageError(what=f"there is a migration {called} already", hint="`tattoo-data migrate list` lists them.")
    if test.exists():
        raise UsageError(what=f"there is a file {test} already", hint="Choose another name, or move it away.")
    version = _next([step.version for step in steps])
    title = stem.replace("_", " ").capitalize()
    try:
        write_file(path, _STEP.format(title=title, version=version).encode())
        write_file(test, _TEST.format(stem=stem, name=called).encode())
    except OSError as error:
        raise FileFailed(path=str(folder), reason=error.strerror or str(error)) from error
    return Written(step=path, test=test, version=version)


def _next(versions: Sequence[str]) -> str:
    major, minor, _ = max((tuple(map(int, each.split("."))) for each in versions), default=(1, 0, 0))
    return f"{major}.{minor + 1}.0"
