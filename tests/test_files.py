"""Files that are written whole or not at all, and who may read them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tattoo_data.files import replacing, write_file
from tattoo_data.transfer.rejects import write_rejects


def some_rejects(path: Path) -> None:
    write_rejects(path, "source", [])


def some_content(path: Path) -> None:
    write_file(path, b"content")


@pytest.fixture(params=[0o022, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("write", [some_content, some_rejects])
def test_a_new_file_may_be_read_by_whom_the_umask_lets(
    tmp_path: Path, umask: int, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "new" / "file")
    assert mode(tmp_path / "new" / "file") == 0o666 & ~umask


@pytest.mark.parametrize("write", [some_content, some_rejects])
@pytest.mark.parametrize("before", [0o600, 0o640, 0o444])
def test_one_that_is_replaced_keeps_what_was_said_of_it(
    tmp_path: Path, before: int, write: Callable[[Path], None]
) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(before)
    write(path)
    assert mode(path) == before


def test_what_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "file"
    write_file(path, b"before")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("file", "before")]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "file"
    path.parent.mkdir()
    with replacing(path):
        (mine,) = path.parent.iterdir()
        number = int(mine.name.rpartition("-")[2])
        left = [path.with_name(f".file.{os.getpid()}-{number + more}") for more in (1, 2)]
        for each in left:
            each.write_text("left")
        write_file(path, b"second")
    assert path.exists()
    assert [each.read_text() for each in left] == ["left", "left"]
