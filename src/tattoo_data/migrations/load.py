"""Load: the steps that ship, and those of a project's own folder. A file is a step; its name is the step's id."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tattoo_data.errors import StepBroken, UnknownName
from tattoo_data.migrations import steps as shipped
from tattoo_data.migrations.printing import print_beside
from tattoo_data.migrations.step import Left, Step
from tattoo_data.model.project import is_field
from tattoo_data.model.records import Kind
from tattoo_data.model.structure import INDEX_MAPPING, mapping_difference

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Files of a folder that are no steps: tests beside them, and what is hidden or private.
_BESIDE = ("test_", "_", ".")
_CONFTEST = "conftest.py"


def load_steps(own: Path | None = None) -> list[Step]:
    """Every step in the order of versions; `own` is a project's folder, where there is one.

    Raises `StepBroken` for a file that is no step, and where two have one version. A folder that is not there has none.
    """
    if own is not None and own.is_file():
        raise StepBroken(path=str(own), reason="it is a file, and should be a folder of migrations")
    folders = [*map(Path, shipped.__path__), *([own] if own is not None and own.is_dir() else [])]
    found: dict[str, Step] = {}
    for path in (path for folder in folders for path in _files(folder)):
        step = _step(path)
        for other in found.values():
            if _number(other.version) == _number(step.version):
                raise StepBroken(path=step.path, reason=f"its version {step.version} is that of {other.path}")
            if other.id == step.id:
                raise StepBroken(path=step.path, reason=f"{other.path} has its name")
        found[step.id] = step
    return sorted(found.values(), key=lambda step: _number(step.version))


def find_step(steps: Collection[Step], name: str) -> Step:
    """The step of a name. Raises `UnknownName`, which suggests the nearest."""
    for step in steps:
        if step.id == name:
            return step
    raise UnknownName(kind="migration", name=name, known=[step.id for step in steps])


def file_name(name: str) -> str:
    """The file of a step that is called so. Raises ValueError where no step can be called so."""
    stem = name.replace("-", "_")
    if not _NAME.fullmatch(stem):
        raise ValueError("a migration's name has a-z, 0-9 and dashes, and begins with a letter")
    if not _is_step(f"{stem}.py"):
        raise ValueError("a file of this name is taken for a test beside the migrations")
    return f"{stem}.py"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("*.py")) if _is_step(path.name))


def _is_step(file: str) -> bool:
    return not file.startswith(_BESIDE) and file != _CONFTEST


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _step(path: Path) -> Step:
    module = _module(path)
    says = vars(module)
    version = _checked(path, says, "VERSION", "a text such as 1.5.0", lambda value: isinstance(value, str))
    if not _VERSION.fullmatch(version):
        raise StepBroken(path=str(path), reason=f"VERSION is {version!r}, and a version is three numbers such as 1.5.0")
    if not callable(says.get("up")):
        raise StepBroken(path=str(path), reason="it has no function up(record, context)")
    _require_plain(path, says, "up")
    writes = _names(path, says, "WRITES")
    for name in writes:
        if not is_field(name) or name in {kind.id_field for kind in Kind}:
            raise StepBroken(path=str(path), reason=f"WRITES has {name}, which is a record's key and never changes")
    return Step(
        id=path.stem.replace("_", "-"),
        version=version,
        description=(module.__doc__ or path.stem).strip().partition("\n")[0],
        up=says["up"],
        writes=writes,
        reads=_names(path, says, "READS", ()),
        kinds=_kinds(path, says),
        mapping=_mapping(path, says),
        left=_left(path, says),
        path=str(path),
    )


def _module(path: Path) -> ModuleType:
    """The file as a module of its own. Whatever it raises is its own fault."""
    name = f"tattoo_data_migration_{path.stem}"
    if path.parent in map(Path, shipped.__path__):
        name = f"{shipped.__name__}.{path.stem}"
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(path):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    vars(module)["print"] = print_beside
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise StepBroken(path=str(path), reason=f"line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise StepBroken(path=str(path), reason=f"{type(error).__name__}: {error}") from error
    return module


def _require_plain(path: Path, says: Mapping[str, Any], name: str) -> None:
    """Raise `StepBroken` where a function gives something to be awaited, and no value."""
    if inspect.iscoroutinefunction(says[name]) or inspect.isasyncgenfunction(says[name]):
        raise StepBroken(path=str(path), reason=f"{name} is `async def`, and should be `def`")


def _checked(path: Path, says: Mapping[str, Any], name: str, form: str, is_right: Any) -> Any:
    if name not in says:
        raise StepBroken(path=str(path), reason=f"it has no {name}, which is {form}")
    if not is_right(says[name]):
        raise StepBroken(path=str(path), reason=f"{name} is {says[name]!r}, and should be {form}")
    return says[name]


def _names(path: Path, says: Mapping[str, Any], name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    def is_right(value: object) -> bool:
        return isinstance(value, tuple | list) and all(isinstance(each, str) for each in value)

    if name not in says and default is not None:
        return default
    return tuple(_checked(path, says, name, 'field names such as ("rating",)', is_right))


def _mapping(path: Path, says: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties that a step adds. What contradicts those that the application's searches need is refused."""

    def is_right(value: object) -> bool:
        return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())

    mapping: Mapping[str, Any] = says.get("MAPPING", {})
    _checked(path, {"MAPPING": mapping}, "MAPPING", 'properties such as {"example": {"type": "keyword"}}', is_right)
    ours: Mapping[str, Any] = INDEX_MAPPING["properties"]
    wrong = mapping_difference({**INDEX_MAPPING, "properties": {**ours, **mapping}})
    if wrong:
        raise StepBroken(path=str(path), reason=f"MAPPING contradicts what searches need: {'; '.join(wrong)}")
    return mapping


def _left(path: Path, says: Mapping[str, Any]) -> Left | None:
    if "left" in says:
        _checked(path, says, "left", "a function left(record)", callable)
        _require_plain(path, says, "left")
    return says.get("left")


def _kinds(path: Path, says: Mapping[str, Any]) -> frozenset[Kind]:
    names = _names(path, says, "KINDS", (Kind.ARTIST.value,))
    try:
        return frozenset(map(Kind, names))
    except ValueError as error:
        raise StepBroken(path=str(path), reason=f"KINDS: {error}") from error
