"""What a path or a stream holds is told by its content, and what is not to be imported is refused by what it is."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tattoo_data.errors import IntegrityFailed, NotFound, TattooDataError, UsageError
from tattoo_data.formats import detect
from tattoo_data.formats.detect import open_source, open_stream
from tests.formats.builders import (
    aws_export,
    aws_line,
    compact,
    document,
    elasticdump,
    hit,
    item,
    node_document,
    node_export,
    node_item,
    own_export,
    pretty,
    tar_gz,
)

LINES = hit("a", document(1))
KINDS = {"own": "tattoo-data export", "node": "Node export", "aws": "AWS export", "elasticdump": "elasticdump"}


def make(kind: str, root: Path) -> Path:
    match kind:
        case "own":
            return own_export(root, aws_line(item(1)), LINES)
        case "node":
            return node_export(root, [node_item(1)], [node_document(1)])
        case "aws":
            return aws_export(root, [aws_line(item(1))])
    return elasticdump(root, LINES)


def failure(path: Path) -> TattooDataError:
    with pytest.raises(TattooDataError) as raised:
        open_source(path)
    return raised.value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("inner", [None, ".", "./x", "x/y/z"])
def test_every_kind_is_read_from_an_archive_and_a_stream(
    folder: Path, tmp_path: Path, temporary: Path, kind: str, inner: str | None
) -> None:
    packed = tar_gz(make(kind, folder / "made"), inner)
    archive = tmp_path / "an export.zip"
    archive.write_bytes(packed)
    for shown in (str(archive), "-"):
        source = open_stream(io.BytesIO(packed)) if shown == "-" else open_source(archive)
        assert (source.kind, source.path) == (KINDS[kind], shown)
        found = list(source.read())
        assert found and [each.problem for each in found if each.problem] == []
        assert len(list(temporary.iterdir())) == 1
        source.close()
        source.close()
        assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["manifest.json", "AWSDynamoDB", "export-x", "a b\n'c'", "x$(touch y)"])
def test_the_name_of_a_folder_says_nothing(folder: Path, kind: str, name: str) -> None:
    source = open_source(make(kind, folder / "made").rename(folder / name))
    assert source.kind == KINDS[kind]


def test_of_several_exports_the_newest_is_named_first(folder: Path) -> None:
    for day in ("01", "03", "02"):
        made = own_export(folder / day, aws_line(item(1)))
        made.rename(folder / f"export-2026-11-{day}T00-00-00-000Z")
        (folder / day).rmdir()
    error = failure(folder)
    assert isinstance(error, UsageError)
    names = ", ".join(f"export-2026-11-{day}T00-00-00-000Z" for day in ("03", "02", "01"))
    assert error.message == f"{folder} holds 3 exports: {names}"
    assert "export-2026-11-03" in error.hint


def test_of_two_exports_in_an_archive_the_folder_within_it_is_named(folder: Path, tmp_path: Path) -> None:
    for day in ("01", "02"):
        own_export(folder / "inner" / day, aws_line(item(1)), LINES)
    archive = tmp_path / "two.tar.gz"
    archive.write_bytes(tar_gz(folder, "outer"))
    error = failure(archive)
    assert isinstance(error, UsageError) and error.message.startswith(f"{archive} holds 2 exports: ")
    assert tempfile.gettempdir() not in error.hint
    assert "such as outer/inner/" in error.hint and error.hint.startswith("Unpack it")


@pytest.mark.parametrize(
    "left", [("AWSDynamoDB",), ("opensearch",), ("AWSDynamoDB", "opensearch"), ("images", "AWSDynamoDB"), ()]
)
def test_a_half_written_export_of_ours_is_refused(folder: Path, left: tuple[str, ...]) -> None:
    made = own_export(folder, aws_line(item(1)), LINES, {"a.png": b"x"})
    (made / "manifest.json").unlink()
    for path in list(made.iterdir()):
        if path.name not in left:
            path.rename(folder.parent / path.name)
    for path in (made, folder):
        error = failure(path)
        assert isinstance(error, IntegrityFailed)
        assert "is a half-written export: it has no manifest.json, which is written last" in error.message


def test_a_half_written_export_is_one_under_another_name_too(folder: Path) -> None:
    made = own_export(folder, aws_line(item(1)), LINES).rename(folder / "moved")
    (made / "manifest.json").unlink()
    assert isinstance(failure(made), IntegrityFailed)


@pytest.mark.parametrize("name", ["artists.json", "studios.json", "styles.json", "opensearch_documents.json"])
def test_a_half_written_export_of_the_node_tool_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes(pretty([node_document(1) if "documents" in name else node_item(1)]))
    error = failure(folder)
    assert isinstance(error, IntegrityFailed) and "half-written" in error.message


@pytest.mark.parametrize("path", ["", "artists.json"])
def test_test_data_is_for_seed(folder: Path, path: str) -> None:
    (folder / "artists.json").write_bytes(pretty([{"artistId": "a"}]))
    error = failure(folder / path)
    assert isinstance(error, UsageError)
    assert "it holds test data" in error.message and "`tattoo-data seed FILE`" in error.hint


@pytest.mark.parametrize("name", ["artists.json", "opensearch_documents.json"])
def test_one_file_of_a_node_export_is_refused(folder: Path, name: str) -> None:
    made = node_export(folder, [node_item(1)], [node_document(1)])
    error = failure(made / name)
    assert isinstance(error, UsageError)
    assert "one file of an export of the Node tool" in error.message and "whole export" in error.hint


def test_one_data_file_of_an_aws_export_is_refused(folder: Path) -> None:
    made = aws_export(folder, [aws_line(item(1))])
    error = failure(next((made / "data").iterdir()))
    assert isinstance(error, UsageError)
    assert "one data file of an AWS export" in error.message and "whole export" in error.hint


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x", b"", "this file is empty"),
        ("x.csv", b"a,b\n1,2\n", "this file cannot be imported"),
        ("x.json", b'{"a":1}', "this file cannot be imported"),
        ("x.json", b'"text"', "this file cannot be imported"),
        ("x.json", b"7", "this file cannot be imported"),
        ("x.bin", bytes(range(256)) * 10, "this file cannot be imported"),
        ("x.gz", gzip.compress(b"text", mtime=0), "this file cannot be imported"),
        ("x.gz", gzip.compress(b"", mtime=0), "this file cannot be imported"),
    ],
)
def test_what_is_not_known_is_refused_and_what_was_looked_for_named(
    folder: Path, name: str, content: bytes, reason: str
) -> None:
    (folder / name).write_bytes(content)
    error = failure(folder / name)
    assert isinstance(error, UsageError) and error.exit_code == 2
    assert reason in error.message and error.hint.startswith("Looked for: manifest.json of tattoo-data")
    assert ("give the folder that holds both files" in error.hint) == (reason == "this file is empty")
    assert isinstance(failure(folder), UsageError)


def test_an_empty_folder_and_an_empty_archive_are_refused(folder: Path, tmp_path: Path) -> None:
    assert "nothing in this folder can be imported" in failure(folder).message
    archive = tmp_path / "x"
    archive.write_bytes(tar_gz(folder, "."))
    error = failure(archive)
    assert isinstance(error, UsageError) and error.message.startswith(f"{archive} cannot be imported")


@pytest.mark.parametrize("manifest", [{"name": "web app"}, {"format": "1"}, {"format": True}, [], "x"])
def test_a_manifest_of_something_else_is_refused(folder: Path, manifest: object) -> None:
    (folder / "manifest.json").write_bytes(compact(manifest))
    error = failure(folder)
    assert isinstance(error, UsageError)
    assert "its manifest.json is neither tattoo-data's nor the Node tool's" in error.message


def test_a_manifest_that_is_no_json_is_named_by_its_line(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b'{\n"format": 1,\n"tool": }\n')
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert error.message.startswith("manifest.json: line 3 is no JSON")


@pytest.mark.parametrize("name", ["gone", "x$(touch y)", "a/b/c", "x" * 300, "a\nb"])
def test_what_is_not_there_is_not_found(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(folder)
    error = failure(Path(name))
    assert isinstance(error, NotFound) and error.exit_code == 10
    assert name in error.message
    assert list(folder.iterdir()) == []


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert isinstance(failure(folder / "pipe"), UsageError)
    assert isinstance(failure(folder), UsageError)


def test_a_stream_that_is_no_archive_is_refused(temporary: Path) -> None:
    with pytest.raises(UsageError, match=r"- cannot be imported: it is no \.tar\.gz"):
        open_stream(io.BytesIO(LINES))
    with pytest.raises(IntegrityFailed, match="- is empty"):
        open_stream(io.BytesIO(b""))
    with pytest.raises(UsageError, match="nothing in this folder"):
        open_stream(io.BytesIO(tar_gz(temporary, ".")))
    assert list(temporary.iterdir()) == []


def test_a_stream_that_gives_little_at_a_time_is_read(folder: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(7, size) if size and size > 0 else 7)

    source = open_stream(Slow(tar_gz(make("aws", folder))))
    assert len(list(source.read())) == 1
    source.close()


@pytest.mark.parametrize("kind", ["own", "node", "aws"])
def test_an_export_is_found_below_other_folders(folder: Path, kind: str) -> None:
    made = make(kind, folder / "a" / "b")
    made.rename(made.parent / "other name") if kind == "own" else None
    (folder / "a" / "manifest.json").mkdir()
    (folder / "c").mkdir()
    (folder / "c" / "manifest.json").write_bytes(b'{"name":"web app"}')
    assert open_source(folder).kind == KINDS[kind]
    aws_export(folder / "c" / "d", [], export_id="09999999999999-2d8752fd")
    error = failure(folder)
    assert isinstance(error, UsageError) and f"{folder} holds 2 exports: " in error.message


def test_a_folder_beside_it_that_may_not_be_read_is_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("aws", folder)
    (folder / "lost+found").mkdir()
    listed = Path.iterdir

    def refusing(path: Path) -> Iterator[Path]:
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert open_source(folder).kind == "AWS export"


def test_a_tree_without_end_is_not_walked_to_its_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "_MAX_FOLDERS", 10)
    (folder / "x.txt").write_bytes(b"x")
    for number in range(30):
        (folder / f"{number:02}" / "x" / "y").mkdir(parents=True)
    aws_export(folder / "99", [])
    error = failure(folder)
    assert isinstance(error, UsageError) and "nothing in this folder can be imported" in error.message


def test_an_archive_of_one_file_is_read(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("dump.json")
        member.size = len(LINES)
        tar.addfile(member, io.BytesIO(LINES))
    packed.seek(0)
    source = open_stream(packed)
    assert len(list(source.read())) == 1
    source.close()
