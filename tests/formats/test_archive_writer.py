"""The archive: the files of an export in one stream, the manifest last."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from tattoo_data.formats.archive_writer import write_archive


def folder(tmp_path: Path) -> Path:
    root = tmp_path / "export-x"
    for name, content in {"b.json": b"bb", "sub/a.json": b"a" * 100_000, "manifest.json": b"{}"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_files_come_in_their_order_and_the_manifest_last(tmp_path: Path) -> None:
    root, stream = folder(tmp_path), io.BytesIO()
    write_archive(root, ["sub/a.json", "b.json"], stream)
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:gz") as archive:
        members = archive.getmembers()
        assert [each.name for each in members] == ["export-x/sub/a.json", "export-x/b.json", "export-x/manifest.json"]
        read = {each.name.partition("/")[2]: archive.extractfile(each) for each in members}
        assert {name: file.read() for name, file in read.items() if file} == {
            path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
        }
        assert {(each.uid, each.gid, each.uname, each.gname) for each in members} == {(0, 0, "", "")}
        # one header a file, and no second one for the sake of a fraction of a second
        assert all(each.offset_data - each.offset == tarfile.BLOCKSIZE for each in members)


def test_a_stream_that_broke_off_holds_no_manifest(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_archive(folder(tmp_path), ["sub/a.json", "b.json"], stream)
    text = gzip.decompress(stream.getvalue())
    at = text.index(b"export-x/manifest.json")
    assert at > text.index(b"export-x/b.json") > text.index(b"export-x/sub/a.json")
    with pytest.raises(EOFError):
        gzip.decompress(stream.getvalue()[:-20])


def test_a_stream_that_takes_no_more_is_an_error(tmp_path: Path) -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        write_archive(folder(tmp_path), ["b.json"], Full())  # type: ignore[arg-type]
