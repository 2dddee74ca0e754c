"""The house: what style and design say of every file, checked on every file."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import tattoo_data

SOURCE = Path(tattoo_data.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MAX_FILE, MAX_FUNCTION = 400, 50
#: Only these rooms may ask for the time, sleep or draw random numbers; and print.
CLOCK = ("clock.py",)
PRINTERS = ("cli", "migrations/printing.py")  # the latter keeps what others print off stdout
_TIMES = {"time", "sleep", "monotonic", "perf_counter", "now", "utcnow", "today", "random", "urandom", "uuid4"}


def _name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_file_says_what_it_owns_and_fits_a_reader(path: Path) -> None:
    tree = _tree(path)
    if path.read_text("utf-8").strip():
        assert ast.get_docstring(tree), "the first line says what the file owns"
    assert len(path.read_text("utf-8").splitlines()) <= MAX_FILE
    long = {each.name: _length(each) for each in _functions(tree) if _length(each) > MAX_FUNCTION}
    assert long == {}


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


@pytest.mark.parametrize("path", [path for path in FILES if _name(path) not in CLOCK], ids=_name)
def test_only_the_clock_knows_the_time(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            assert {"time", "random", "secrets", "uuid"}.isdisjoint(each.name for each in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.module not in ("time", "random", "secrets", "uuid")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TIMES:
            owner = node.func.value
            assert not (isinstance(owner, ast.Name) and owner.id in ("time", "datetime", "date", "os", "random"))


@pytest.mark.parametrize("path", [path for path in FILES if not _name(path).startswith(PRINTERS)], ids=_name)
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "exit", "quit", "input")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in (("sys", "exit"), ("sys", "stdout"), ("sys", "stderr"))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_error_is_swallowed(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            assert not (broad and all(isinstance(each, ast.Pass) for each in node.body))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_values_are_frozen_and_slotted_or_say_why_they_move(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Name):
                assert decorator.id != "dataclass", f"{node.name}: a bare dataclass"


@pytest.mark.parametrize("path", [path for path in FILES if path.name != "__init__.py"], ids=_name)
def test_public_functions_and_classes_have_docstrings(path: Path) -> None:
    for node in _tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if isinstance(node, ast.ClassDef) and path.name == "errors.py":
                continue  # an error's template says what it is
            assert ast.get_docstring(node), f"{node.name} says nothing of its contract"


def _packages() -> list[str]:
    return [each.name for each in pkgutil.walk_packages([str(SOURCE)], "tattoo_data.") if each.ispkg]


@pytest.mark.parametrize("name", _packages())
def test_what_a_package_exports_is_sorted_and_there(name: str) -> None:
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", None)
    if exported is None:
        return
    assert list(exported) == sorted(exported, key=lambda each: (not each.isupper(), not each[0].isupper(), each))
    assert all(hasattr(module, each) for each in exported)


def test_help_loads_neither_clients_nor_models() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['tattoo-data', '--help']\n"
        "from tattoo_data.cli import main\n"
        "try: main.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'boto3', 'botocore', 'opensearchpy', 'pydantic', 'rich', 'jmespath', 'psutil', 'msgspec'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_thread_makes_msgspec_know_a_class(path: Path) -> None:
    """`decode(..., type=C)` looks at C when it is first called, and two threads that do so at once crash the process
    (seen with msgspec 0.22): decoders are made where a module is imported, or under a lock."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decode":
            assert "type" not in [keyword.arg for keyword in node.keywords], f"line {node.lineno}"
