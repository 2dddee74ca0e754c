"""Archives: a hostile one is refused by its member's name, before that member is written and before it costs much."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tattoo_data.errors import IntegrityFailed, ScratchFailed, TattooDataError, UsageError
from tattoo_data.formats import archive
from tattoo_data.formats.archive import Limits, unpack

Members = list[tuple[tarfile.TarInfo, bytes]]


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object) -> Members:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = kind, len(content), 0o4777
    for field, value in fields.items():
        setattr(info, field, value)
    return [(info, content)]


def pack(*members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=form) as tar:
        for info, content in (each for some in members for each in some):
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def refused(content: bytes, folder: Path, limits: Limits = archive.DEFAULT) -> str:
    with pytest.raises(IntegrityFailed) as raised:
        unpack(io.BytesIO(content), folder, limits)
    assert raised.value.exit_code == 12 and raised.value.hint
    return raised.value.message


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_files_and_folders_come_out_for_their_owner_alone(folder: Path, form: int) -> None:
    long = "/".join(["d" * 200] * 3)
    unpack(
        io.BytesIO(
            pack(
                member("./", kind=tarfile.DIRTYPE),
                member("./a/", kind=tarfile.DIRTYPE),
                member("./a/b.json", b"x" * 100_000),
                member("c/d/é\u200d\xa0", b""),
                member("c/x$(touch y)", b"y"),
                member(f"{long}/e", b"z"),
                member("a/", kind=tarfile.DIRTYPE),
                form=form,
            )
        ),
        folder,
    )
    assert files(folder) == {
        "a/b.json": b"x" * 100_000,
        "c/d/é\u200d\xa0": b"",
        "c/x$(touch y)": b"y",
        f"{long}/e": b"z",
    }
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


HOSTILE = {
    "up": (member("../x", b"x"), "'../x' is refused: its name leads out of the archive's folder"),
    "up inside": (member("a/../../x", b"x"), "its name leads out"),
    "up and back": (member("a/../x", b"x"), "its name leads out"),
    "up as a folder": (member("../x", kind=tarfile.DIRTYPE), "its name leads out"),
    "absolute": (member("/etc/x", b"x"), "'/etc/x' is refused: its name leads out"),
    "two slashes": (member("a//x", b"x"), "its name leads out"),
    "symbolic link": (
        member("x", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "'x' is refused: it is a symbolic link",
    ),
    "hard link": (member("x", kind=tarfile.LNKTYPE, linkname="/etc/passwd"), "it is a hard link"),
    "character device": (member("x", kind=tarfile.CHRTYPE, devmajor=1, devminor=5), "it is a device"),
    "block device": (member("x", kind=tarfile.BLKTYPE), "it is a device"),
    "pipe": (member("x", kind=tarfile.FIFOTYPE), "it is a pipe"),
    "contiguous file": (member("x", b"x", kind=tarfile.CONTTYPE), "it is neither a file nor a folder"),
    "unknown kind": (member("x", kind=b"Z"), "it is neither a file nor a folder"),
    "long name": (member("x" * 256, b"x"), "its name has over 255 bytes"),
    "long name in bytes": (member("é" * 128, b"x"), "its name has over 255 bytes"),
    "long folder": (member("x" * 256 + "/a", b"x"), "its name has over 255 bytes"),
    "line end in a name": (member("a\nb", b"x"), "its name holds what no name does"),
    "bytes that are no text in a name": (member("a\udcff", b"x"), "its name holds what no name does"),
    "escape in a name": (member("a\x1b[2J", b"x"), "its name holds what no name does"),
    "twice": (member("a", b"1") + member("a", b"2"), "'a' is refused: it is in the archive twice"),
    "twice in other words": (member("a", b"1") + member("./a", b"2"), "it is in the archive twice"),
    "a folder that is a file": (member("a", b"1") + member("a/b", b"2"), "it is in the archive twice"),
    "a file that is a folder": (member("a/b", b"1") + member("a", b"2"), "it is in the archive twice"),
    "a folder where a file is": (member("a", b"1") + member("a", kind=tarfile.DIRTYPE), "it is in the archive twice"),
    "the folder itself": (member(".", b"x"), "'.' is refused: it is the archive's folder itself"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_hostile_member_is_refused_before_it_is_written(folder: Path, tmp_path: Path, case: str, form: int) -> None:
    bad, reason = HOSTILE[case]
    message = refused(pack(member("good", b"good"), bad, member("after", b"after"), form=form), folder)
    assert reason in message and message.startswith("the archive: the member ")
    written = files(folder)
    assert written.pop("good") == b"good" and "after" not in written
    assert set(written) <= {"a", "a/b"} and set(written.values()) <= {b"1"}
    outside = [path for path in tmp_path.rglob("*") if not path.is_relative_to(folder) and path not in folder.parents]
    assert {path.name for path in outside} <= {"home"}


def test_a_name_with_nul_is_refused(folder: Path) -> None:
    """A header of the extended form may hold what no field can."""
    info = tarfile.TarInfo("plain")
    info.pax_headers = {"path": "a\0b"}
    assert "its name holds what no name does" in refused(pack([(info, b"")]), folder)
    assert files(folder) == {}


def test_a_sparse_file_is_refused(folder: Path) -> None:
    info = tarfile.TarInfo("big")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": "9",
    }
    assert "'big' is refused: it is" in refused(pack([(info, b"")]), folder)


def test_too_many_members_are_refused_by_the_first_that_is_too_many(folder: Path) -> None:
    content = pack(*(member(f"{number}", b"") for number in range(6)))
    assert refused(content, folder, Limits(members=5)).endswith(
        "the member '5' is refused: the archive has more than 5 members"
    )
    assert len(files(folder)) == 5


def test_folders_that_a_name_brings_with_it_count(folder: Path) -> None:
    content = pack(member("a/b/c", b"x"), member("a/b/d", b"y"), member("e/f/g", b"z"))
    assert "'e/f/g' is refused: the archive has more than 6 members" in refused(content, folder, Limits(members=6))
    assert set(files(folder)) == {"a/b/c", "a/b/d"}


def test_a_million_members_are_refused_long_before_the_end(folder: Path) -> None:
    def headers() -> Iterator[bytes]:
        yield from (tarfile.TarInfo(f"d{number}").tobuf() for number in range(1_000_000))

    stream = Packed(headers())
    message = refused_stream(stream, folder, Limits(members=2_000))
    assert message.endswith("the member 'd2000' is refused: the archive has more than 2000 members")
    assert stream.given < 100_000


def test_many_members_take_no_more_memory_than_few(folder: Path) -> None:
    content = pack(*(member("a", kind=tarfile.DIRTYPE) for _ in range(10_000)))
    tracemalloc.start()
    try:
        unpack(io.BytesIO(content), folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_too_many_bytes_are_refused_before_the_first_of_them(folder: Path) -> None:
    content = pack(member("a", b"x" * 100), member("b", os.urandom(50_000)))
    message = refused(content, folder, Limits(bytes=40_000))
    assert message == "the archive is refused at the member 'b': it holds over 40000 bytes"
    assert files(folder) == {"a": b"x" * 100}


class Packed(io.RawIOBase):
    """A gzip of what comes, made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.given = 0
        self._pieces = pieces
        self._packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._ready) < size:
            piece = next(self._pieces, None)
            if piece is None:
                self._ready += self._packer.flush()
                break
            self._ready += self._packer.compress(piece)
        given, self._ready = self._ready[:size], self._ready[size:]
        self.given += len(given)
        return given


def refused_stream(stream: Packed, folder: Path, limits: Limits = archive.DEFAULT) -> str:
    with pytest.raises(IntegrityFailed) as raised:
        unpack(stream, folder, limits)  # type: ignore[arg-type]
    return raised.value.message


ZEROS = bytes(1 << 20)
TEN_GB = 10 << 30


def file_of_zeros() -> Iterator[bytes]:
    info = tarfile.TarInfo("zeros")
    info.size = TEN_GB
    yield info.tobuf(tarfile.GNU_FORMAT)
    yield from (ZEROS for _ in range(TEN_GB >> 20))


def header_of_zeros() -> Iterator[bytes]:
    """A name of 10 GB, which a reader of tar would gather in memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.size, info.type = TEN_GB, tarfile.GNUTYPE_LONGNAME
    yield info.tobuf(tarfile.GNU_FORMAT)
    yield from (ZEROS for _ in range(TEN_GB >> 20))


def random_header() -> Iterator[bytes]:
    """The same, of what does not compress."""
    yield next(header_of_zeros())
    yield from (os.urandom(1 << 20) for _ in range(64))


def zeros_after_the_end() -> Iterator[bytes]:
    info = tarfile.TarInfo("a")
    yield info.tobuf()
    yield from (ZEROS for _ in range(TEN_GB >> 20))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file_of_zeros, "the archive is refused at the member 'zeros': it holds over 200 times its own size"),
        (header_of_zeros, "it has a header of over 1 MiB"),
        (random_header, "it has a header of over 1 MiB"),
        (zeros_after_the_end, "it holds over 200 times its own size"),
    ],
)
def test_ten_gb_of_zeros_cost_neither_memory_nor_disk(
    folder: Path, content: Callable[[], Iterator[bytes]], reason: str
) -> None:
    stream = Packed(content())
    tracemalloc.start()
    try:
        message = refused_stream(stream, folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason in message
    assert peak < 16 << 20
    assert sum(map(len, files(folder).values())) <= 65 << 20
    assert stream.given < 3 << 20


def test_what_compresses_well_and_is_small_is_taken(folder: Path) -> None:
    content = pack(member("zeros", bytes(20 << 20)))
    assert len(content) * 200 < 20 << 20
    unpack(io.BytesIO(content), folder)
    assert len(files(folder)["zeros"]) == 20 << 20


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = pack(member("a", b"first"), member("b", os.urandom(300)))
    for length in range(2, len(content)):
        folder = tmp_path / str(length)
        folder.mkdir()
        assert "is cut or damaged" in refused(content[:length], folder)


def test_a_tar_that_is_cut_inside_a_whole_gzip_is_refused(folder: Path) -> None:
    text = gzip.decompress(pack(member("a", os.urandom(5000))))
    assert "is cut or damaged" in refused(gzip.compress(text[:3000]), folder)


def test_a_damaged_archive_is_refused_or_gives_the_same(tmp_path: Path) -> None:
    content = pack(member("a", b"first"), member("b", b"second"))
    for place in range(len(content)):
        folder = tmp_path / str(place)
        folder.mkdir()
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        try:
            unpack(io.BytesIO(bytes(flipped)), folder)
        except (IntegrityFailed, UsageError):
            continue
        assert files(folder) == {"a": b"first", "b": b"second"} and place < 10, "a gzip's header has no checksum"


def test_what_is_no_archive_says_so(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"the archive cannot be imported: it is no \.tar\.gz"):
        unpack(io.BytesIO(b"PK\x03\x04"), folder)
    assert refused(b"", folder) == "the archive is empty: whatever wrote it failed"
    assert "is cut or damaged" in refused(gzip.compress(b"no tar at all" * 100), folder)


def test_a_full_disk_is_told_as_such(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(ScratchFailed, match="No space left on device") as raised:
        unpack(io.BytesIO(pack(member("a", b"x"))), folder)
    assert isinstance(raised.value, TattooDataError)
