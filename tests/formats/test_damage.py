"""Damage of every kind to every file of every format: found before reading ends, and told by one of our errors."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tattoo_data.errors import IntegrityFailed, NotFound, TattooDataError, UsageError
from tattoo_data.formats.detect import open_source
from tattoo_data.formats.source import Found
from tests.formats.builders import (
    aws_export,
    aws_line,
    document,
    elasticdump,
    hit,
    item,
    node_document,
    node_export,
    node_item,
    own_export,
    tar_gz,
)

ITEMS = aws_line(item(1)) + aws_line(item(2))
DOCUMENTS = hit("artist-001", document(1)) + hit("artist-002", document(2))


def an_archive(root: Path, folder: Path) -> Path:
    (root / "archive").write_bytes(tar_gz(folder))
    shutil.rmtree(folder)
    return root / "archive"


MAKERS: dict[str, Callable[[Path], Path]] = {
    "own": lambda root: own_export(root, ITEMS, DOCUMENTS, {"a.png": b"picture"}),
    "own archive": lambda root: an_archive(root, own_export(root, ITEMS, DOCUMENTS)),
    "aws": lambda root: aws_export(root, [ITEMS, b""]),
    "node": lambda root: node_export(root, [node_item(1), node_item(2)], [node_document(1)]),
    "node archive": lambda root: an_archive(root, node_export(root, [node_item(1)], [node_document(1)])),
    "elasticdump": lambda root: elasticdump(root / "dump", DOCUMENTS),
    "elasticdump, packed": lambda root: elasticdump(root / "dump", DOCUMENTS, packed=True),
}
#: Formats in which every byte of every file is sealed, but for what the functions below say.
SEALED = ("own", "aws")


def read(path: Path) -> list[Found]:
    with closing(open_source(path)) as source:
        return [replace(found, entry=found.entry and replace(found.entry, load=None)) for found in source.read()]


def all_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())


def nothing_seals(file: Path) -> bool:
    """The manifest of ours, which is at the root; and a file of AWS's that only says that the export began."""
    return file.name in ("manifest.json", "_started")


def outcome(path: Path) -> list[Found] | TattooDataError:
    try:
        return read(path)
    except TattooDataError as error:
        return error


def damages(content: bytes) -> Iterator[bytes]:
    """Cut at every eighth; one bit flipped in the first and last 20 bytes, and in every seventh or so between; and
    added to."""
    step = 7 if len(content) < 1_000 else 43
    yield from (content[: len(content) * eighth // 8] for eighth in range(8))
    places = {
        *range(0, len(content), step),
        *range(min(20, len(content))),
        *range(max(0, len(content) - 20), len(content)),
    }
    for place in sorted(places):
        yield content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]
    yield content + b"{"


@pytest.mark.parametrize("kind", MAKERS)
def test_no_damage_gives_anything_but_records_or_an_error_of_ours(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path)
    whole = read(path)
    seen: set[type[TattooDataError]] = set()
    for file in all_files(path):
        content = file.read_bytes()
        for damaged in damages(content):
            file.write_bytes(damaged)
            result = outcome(path)
            if isinstance(result, TattooDataError):
                seen.add(type(result))
                assert result.exit_code in (2, 12), result
            elif kind in SEALED and not nothing_seals(file):
                assert damaged == content, f"{file} was damaged, and nobody saw it"
            elif damaged and ("archive" in kind or kind.endswith("packed")):
                assert result == whole, f"{file} was damaged, and gave something else"
        file.write_bytes(content)
    assert read(path) == whole
    assert IntegrityFailed in seen


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if "archive" not in kind])
def test_a_file_that_is_gone_is_missed(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path)
    for file in all_files(path):
        away = tmp_path / "away"
        file.rename(away)
        result = outcome(path)
        if kind.startswith("elasticdump") and file.name != "artists-local.json":
            assert isinstance(result, list), "what is no data is not needed"
        elif kind.startswith("elasticdump"):
            assert isinstance(result, UsageError)
        elif kind == "aws" and file.name == "_started":
            assert isinstance(result, list), "it says nothing"
        else:
            assert isinstance(result, IntegrityFailed), (file, result)
            named = Path(file.name).stem.split(".")[0] if file.name != "manifest.json" else "manifest.json"
            assert named in result.message, (file, result.message)
        away.rename(file)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_cut_of_the_largest_file_is_found(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path)
    names = ("artists.json", "artists-local.json", "archive")
    file = next(each for each in all_files(path) if each.name in names or "data" in each.parts)
    content = file.read_bytes()
    text = content if kind != "elasticdump" else content.rstrip(b"\n")
    for length in range("elasticdump" in kind, len(text), 1 if len(text) < 1_000 else 13):
        file.write_bytes(text[:length])
        result = outcome(path)
        if kind == "elasticdump" and text[:length].count(b"}}") == text[:length].count(b"_index"):
            continue  # a file that is cut between two lines is a shorter file
        assert isinstance(result, IntegrityFailed | UsageError), length
        if length > (10 if kind == "elasticdump" else 2):
            assert isinstance(result, IntegrityFailed), length


@pytest.mark.parametrize("line", [1, 2, 3])
@pytest.mark.parametrize("bad", [b"", b"{", b"{]", b"nul", b'{"a":01}', b"\xff", b"{}{}"])
def test_bad_json_is_named_by_its_line_in_every_format_of_lines(tmp_path: Path, line: int, bad: bytes) -> None:
    items = [aws_line(item(number)) for number in range(3)]
    items[line - 1] = bad + b"\n"
    documents = [hit(str(number), {}) for number in range(3)]
    documents[line - 1] = bad + b"\n"
    (tmp_path / "dump").write_bytes(b"".join(documents))
    (tmp_path / "packed").write_bytes(gzip.compress(b"".join(documents)))
    export = aws_export(tmp_path, [b"".join(items)], counts=[3 if bad else 2])
    for path in (tmp_path / "dump", tmp_path / "packed", export):
        result = outcome(path)
        if not bad:
            assert isinstance(result, list) and len(result) == 2, "a blank line is no record"
        elif line == 1 and path != export:
            assert isinstance(result, UsageError), "whose first line is not elasticdump's is not elasticdump's"
        else:
            assert isinstance(result, IntegrityFailed) and f"line {line} is no JSON" in result.message


def test_a_name_of_a_shell_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound):
        open_source(Path("x$(touch y)"))
    made = MAKERS["aws"](tmp_path / "x$(touch y)")
    assert len(read(made)) == 2
    assert not (tmp_path / "y").exists()
