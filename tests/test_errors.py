"""Errors: a stable id, a message, a hint, a true exit code, and the tree as the file draws it."""

from __future__ import annotations

import ast
import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from tattoo_data import errors
from tattoo_data.errors import BadRecord, TattooDataError, UnknownChoice, UnknownName
from tattoo_data.stores.base import TransientError

SOURCE = Path(errors.__file__).parent


def _classes(root: type[TattooDataError]) -> list[type[TattooDataError]]:
    found = [root]
    for each in root.__subclasses__():
        if each.__module__ == "tattoo_data.errors":
            found += _classes(each)
    return found


def test_the_tree_at_the_top_is_the_tree() -> None:
    drawn: list[tuple[str, str]] = []
    parents = ["TattooDataError"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^ {4}([│ ]*(?:├──|└──) )?([A-Z]\w+)", line):
            depth = len(match[1] or "") // 4
            parents[depth:] = [match[2]]
            drawn.append((match[2], parents[depth - 1] if depth else ""))
    real = [
        (each.__name__, "" if each is TattooDataError else each.__bases__[0].__name__)
        for each in _classes(TattooDataError)
    ]
    assert sorted(drawn) == sorted(real)


@pytest.mark.parametrize("kind", _classes(TattooDataError), ids=lambda kind: kind.__name__)
def test_every_error_can_be_made_and_told(kind: type[TattooDataError]) -> None:
    names = set(re.findall(r"{(\w+)", kind.template + kind.hint_template))
    fields: dict[str, Any] = dict.fromkeys(names, "x")
    if kind in (UnknownChoice, UnknownName):
        fields["known"] = ["y"]
    error = kind(**fields)
    assert error.id == kind.__name__
    document = error.document()["error"]
    assert isinstance(document, dict)
    assert set(document) == {"id", "message", "hint", "exitCode", "details"}
    assert document["exitCode"] in (1, 2, 10, 11, 12, 13, 14, 15, 126, 127)
    assert "{" not in error.message + error.hint


def test_every_error_says_what_to_do_next() -> None:
    silent = {each.__name__ for each in _classes(TattooDataError) if not each.hint_template}
    silent -= {UnknownChoice.__name__, UnknownName.__name__}  # their hint is the nearest name, or where all are listed
    without = [
        f"{path.relative_to(SOURCE)}:{call.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in silent
        if "what" in (named := {each.arg for each in call.keywords}) and "hint" not in named
    ]
    assert without == []
    assert UnknownChoice(kind="way", name="qqqq", known=["here", "there"]).hint == "Give one of them."
    assert UnknownName(kind="way", name="qqqq", known=["here", "there"]).hint == "Is it spelt right?"
    assert errors.BadSetting(name="--x", value="y", source="the command line", reason="no").hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("frsh", "Did you mean 'fresh'?"),
        ("FRESH", "Did you mean 'fresh'?"),
        ("qqqq", "`tattoo-data states` lists them."),
    ],
)
def test_the_nearest_name_is_suggested(name: str, hint: str) -> None:
    error = UnknownName(kind="reset state", name=name, known=["fresh", "clean"])
    assert error.hint == hint
    assert "fresh, clean" in error.message
    assert error.exit_code == 10


def test_of_an_enum_the_values_are_named() -> None:
    class Way(StrEnum):
        THERE_ONLY = "there_only"

    for kind in (UnknownChoice, UnknownName):
        error = kind(kind="way", name="there-only", known=list(Way))
        assert error.hint == "Did you mean 'there_only'?"
        assert "there is there_only" in error.message


def test_a_transient_error_is_a_store_error() -> None:
    error = TransientError(service="s3", endpoint="http://x", operation="put", reason="slow down")
    assert (error.exit_code, error.id) == (14, "TransientError")


def test_details_are_plain_values() -> None:
    error = BadRecord(source="a.json", record="a", field="b", reason=["x", 1, None, {"y": 2}])
    assert error.document()["error"]["details"]["reason"] == ["x", 1, None, "{'y': 2}"]  # type: ignore[index]
