"""AWS exports: read in the exact shape of the real service's, and refused wherever one is not what it says."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tattoo_data.errors import IntegrityFailed, TattooDataError, UsageError
from tattoo_data.formats.detect import open_source
from tattoo_data.formats.source import Found
from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import StoreName
from tests.formats import arbitrary
from tests.formats.builders import EXPORT_ID, aws_export, aws_line, item, write_aws_manifest
from tests.model.strategies import Typed, body, items

LINES = b"".join(aws_line(item(number)) for number in range(3))


def read(path: Path) -> list[Found]:
    return list(open_source(path).read())


def keys(path: Path) -> list[str]:
    return [found.entry.key for found in read(path) if found.entry]


def failure(path: Path) -> TattooDataError:
    with pytest.raises(TattooDataError) as raised:
        read(path)
    return raised.value


@pytest.mark.parametrize("prefix", ["", "exports/", "a/b c/"])
@pytest.mark.parametrize("suffix", [".md5", ".checksum"])
def test_it_is_read_from_its_folder_and_from_every_folder_above(tmp_path: Path, prefix: str, suffix: str) -> None:
    folder = aws_export(tmp_path, [LINES, b"", aws_line(item(7))], prefix=prefix, suffix=suffix)
    place = folder
    while place != tmp_path.parent:
        source = open_source(place)
        found = list(source.read())
        assert (source.kind, source.path, list(source.stores)) == ("AWS export", str(place), [StoreName.TABLE])
        assert [each.entry.body for each in found if each.entry] == [
            canonical_item(body(item(number))) for number in (0, 1, 2, 7)
        ]
        assert [each.number for each in found] == [1, 2, 3, 1]
        assert found[3].file == "data/asdl123dasas2mfbhvd4gtoxac.json.gz"
        assert list(source.notes) == [] and source.fingerprints == {}
        source.close()
        place = place.parent


def test_a_folder_that_was_renamed_on_the_way_is_read(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES], prefix="some/prefix/")
    assert len(keys(folder.rename(tmp_path / "fetched"))) == 3


def test_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(aws_export(tmp_path, [LINES]))
    assert len(keys(Path())) == 3


def test_an_export_may_be_empty(tmp_path: Path) -> None:
    assert read(aws_export(tmp_path, [b"", b""])) == []
    assert read(aws_export(tmp_path / "none", [])) == []


def test_windows_line_ends_a_missing_one_and_line_separators_in_text_are_fine(tmp_path: Path) -> None:
    text = item(1, bio={"S": "a\u2028b\u2029c\u0085d\x0be"})
    lines = aws_line(text).replace(b"\n", b"\r\n") + b"\r\n" + aws_line(item(2)).rstrip(b"\n")
    found = read(aws_export(tmp_path, [lines], counts=[2]))
    assert [(each.number, each.problem) for each in found] == [(1, ""), (3, "")]
    assert found[0].entry and found[0].entry.body == canonical_item(body(text))


def test_only_the_first_line_of_the_summary_is_taken(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    summary = (folder / "manifest-summary.json").read_bytes()
    write_aws_manifest(folder, "manifest-summary", summary + b'\n{"version":"99"}\nno JSON')
    assert len(keys(folder)) == 3


def test_of_several_exports_one_has_to_be_named(tmp_path: Path) -> None:
    older = "01593685827463-2d8752fd"
    aws_export(tmp_path, [LINES], export_id=older)
    newer = aws_export(tmp_path, [LINES])
    error = failure(tmp_path)
    assert isinstance(error, UsageError)
    assert error.message.endswith(f"holds 2 exports: {EXPORT_ID}, {older}")
    assert str(newer) in error.hint
    assert len(keys(newer)) == 3


def test_a_data_file_that_the_manifest_does_not_name_is_not_read(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    (folder / "data" / "other.json.gz").write_bytes(gzip.compress(aws_line(item(9))))
    source = open_source(folder)
    assert len(list(source.read())) == 3
    assert list(source.notes) == ["Not read, because manifest-files.json does not name it: data/other.json.gz."]


@pytest.mark.parametrize("number", range(8))
def test_a_record_that_cannot_be_used_is_told_and_keeps_no_other_out(tmp_path: Path, number: int) -> None:
    bad, problem = [
        (b'{"Item":{"SK":{"S":"x"}}}', "it has no PK"),
        (b'{"NewImage":{}}', 'the line is not {"Item": {...}}'),
        (b'{"Item":{"PK":{"S":"a"},"SK":{"S":"b"}},"x":1}', 'the line is not {"Item": {...}}'),
        (b"[]", 'the line is not {"Item": {...}}'),
        (b'{"Item":{"PK":{"S":"a"},"SK":{"S":"b"},"x":{"N":"1"},"x":{"N":"2"}}}', "it has the same name twice"),
        (b'{"Item":{"PK":{"S":"a"},"SK":{"S":"\\ud800"}}}', "its text holds half of a surrogate pair"),
        (b'{"Item":{"PK":{"S":"a"},"SK":{"S":"b"},"x":' + b'{"L":[' * 900 + b"]}" * 900 + b"}}", "nested"),
        (b'{"Item":{"PK":{"S":"a"},"SK":{"S":"b"},"x":1e999}}', "a number in it is out of range"),
    ][number]
    found = read(aws_export(tmp_path, [aws_line(item(1)) + bad + b"\r\n" + aws_line(item(2))]))
    assert [each.number for each in found] == [1, 2, 3]
    assert [each.entry is None for each in found] == [False, True, False]
    assert problem in found[1].problem
    assert found[1].raw == bad


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "2027-01-01"}, "it is of version '2027-01-01', and this tool reads 2020-06-30"),
        ({"itemCount": 4}, "it says 4 items, and the files of manifest-files.json hold 3"),
        ({"itemCount": None}, "it says None items"),
        ({"itemCount": "3"}, "line 1 is no summary of an export"),
    ],
)
def test_a_summary_that_is_wrong_is_refused(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    error = failure(aws_export(tmp_path, [LINES], summary=change))
    assert isinstance(error, IntegrityFailed)
    assert error.message.startswith("manifest-summary.json: ") and reason in error.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "2023-08-01", "exportType": "INCREMENTAL_EXPORT"}, "an incremental export of AWS"),
        ({"exportType": "INCREMENTAL_EXPORT"}, "it cannot be imported yet"),
        ({"outputFormat": "ION"}, "an export in the format ION"),
    ],
)
def test_what_cannot_be_imported_is_refused_by_name(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    error = failure(aws_export(tmp_path, [LINES], summary=change))
    assert isinstance(error, UsageError) and reason in error.message


def test_an_export_type_that_says_full_is_full(tmp_path: Path) -> None:
    assert len(keys(aws_export(tmp_path, [LINES], summary={"exportType": "FULL_EXPORT"}))) == 3


def relist(folder: Path, **change: object) -> None:
    about = json.loads((folder / "manifest-files.json").read_bytes())
    write_aws_manifest(folder, "manifest-files", json.dumps(about | change).encode() + b"\n")


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        f"AWSDynamoDB/{EXPORT_ID}/data/../../../../x.json.gz",
        f"/AWSDynamoDB/{EXPORT_ID}/data/x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/",
        f"AWSDynamoDB/{EXPORT_ID}/x.json.gz",
        "AWSDynamoDB/01593685827463-2d8752fd/data/x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/x\\y",
        f"AWSDynamoDB/{EXPORT_ID}/data/x\0y",
        f"AWSDynamoDB/{EXPORT_ID}/data/.",
        "data/x.json.gz",
        "",
    ],
)
def test_a_key_that_leads_elsewhere_is_refused(tmp_path: Path, key: str) -> None:
    folder = aws_export(tmp_path, [LINES])
    relist(folder, dataFileS3Key=key)
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert error.message == f"manifest-files.json: line 1: {key!r} is no data file of this export"


def test_a_file_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    line = (folder / "manifest-files.json").read_bytes()
    write_aws_manifest(folder, "manifest-files", line + line)
    assert "line 2" in failure(folder).message and "is named twice" in failure(folder).message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"itemCount": 2}, "it says 3 items, and the files of manifest-files.json hold 2"),
        ({"md5Checksum": base64.b64encode(bytes(16)).decode()}, "its MD5 is not the one in manifest-files.json"),
        ({"etag": "0" * 32 + "-1"}, "its ETag is not the one in manifest-files.json"),
        ({"etag": "0" * 32}, "its ETag is not the one in manifest-files.json"),
        ({"dataFileS3Key": f"AWSDynamoDB/{EXPORT_ID}/data/gone.json.gz"}, "data/gone.json.gz: it is missing"),
        ({"dataFileS3Key": f"AWSDynamoDB/{EXPORT_ID}/data/{'x' * 300}"}, "it is missing"),
        ({"itemCount": "3"}, "line 1 names no data file"),
    ],
)
def test_a_file_of_files_that_is_wrong_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    folder = aws_export(tmp_path, [LINES])
    relist(folder, **change)
    error = failure(folder)
    assert isinstance(error, IntegrityFailed) and reason in error.message


def test_an_etag_that_says_nothing_of_the_content_is_passed_over(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    relist(folder, etag=f"{'0' * 32}-7")
    assert len(keys(folder)) == 3
    packed = next((folder / "data").iterdir()).read_bytes()
    relist(folder, etag=f'"{hashlib.md5(packed).hexdigest()}"')
    assert len(keys(folder)) == 3


def test_the_number_of_items_in_each_file_is_checked(tmp_path: Path) -> None:
    """The sum is right, and the files are not."""
    folder = aws_export(tmp_path, [LINES, aws_line(item(7))], counts=[2, 2])
    assert "it holds 3 items, and manifest-files.json says 2" in failure(folder).message


def test_a_cut_gzip_is_found_where_every_checksum_is_right(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    file = next((folder / "data").iterdir())
    cut = file.read_bytes()[:-8]
    file.write_bytes(cut)
    md5 = hashlib.md5(cut).digest()
    relist(folder, md5Checksum=base64.b64encode(md5).decode(), etag=f"{hashlib.md5(md5).hexdigest()}-1")
    error = failure(folder)
    assert isinstance(error, IntegrityFailed) and f"data/{file.name}: the gzip is cut or damaged" in error.message


@pytest.mark.parametrize(
    "bad", [b'{"Item":', b'{"Item":{}}}', b"x", b'{"Item":{"a":"\xff"}}', b'{"Item":{"a":"\x00"}}']
)
def test_a_line_that_is_no_json_is_named(tmp_path: Path, bad: bytes) -> None:
    folder = aws_export(tmp_path, [LINES + bad + b"\n" + LINES])
    error = failure(folder)
    assert isinstance(error, IntegrityFailed)
    assert "data/asdl123dasas2mfbhvd4gtoxaa.json.gz: line 4 is no JSON" in error.message


def test_a_manifest_without_any_checksum_is_refused(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    (folder / "manifest-files.md5").unlink()
    assert failure(folder).message == "manifest-files.md5: it is missing, and so is .checksum"


def test_an_export_that_has_not_ended_is_refused(tmp_path: Path) -> None:
    folder = aws_export(tmp_path, [LINES])
    for name in ("manifest-summary.json", "manifest-summary.md5"):
        (folder / name).unlink()
    assert failure(tmp_path).message == "manifest-summary.json: it is missing"


@settings(max_examples=10)
@given(st.integers())
def test_ten_thousand_arbitrary_items_come_back(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    draw = Random(seed)
    come_back(tmp_path_factory.mktemp("aws"), [arbitrary.item(draw, number) for number in range(1_000)])


@given(st.lists(items, max_size=3))
def test_the_strangest_items_come_back(tmp_path_factory: pytest.TempPathFactory, values: list[Typed]) -> None:
    come_back(tmp_path_factory.mktemp("aws"), values)


def come_back(root: Path, values: list[Typed]) -> None:
    found = read(aws_export(root, [b"".join(map(aws_line, values))]))
    assert [each.problem for each in found if each.problem] == []
    assert [each.entry.body for each in found if each.entry] == [canonical_item(body(value)) for value in values]
