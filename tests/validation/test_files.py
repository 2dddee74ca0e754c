"""Files: records however they are stored, and files that are broken in every way; the rest is checked all the same."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.catalog import Context, load
from tattoo_data.catalog.copies import copies
from tattoo_data.model.records import Kind
from tattoo_data.settings import resolve
from tattoo_data.validation.files import FileCheck, Tokens
from tattoo_data.validation.images import Images
from tattoo_data.validation.rule import Finding, Place
from tattoo_data.validation.rules.files import RULES
from tattoo_data.validation.validate import ValidateOptions, What, validate_files
from tests.validation.museum import BROKEN, Exhibit
from tests.validation.samples import ARTIST, DROP, STUDIO, STYLE, changed, document, item, text

DAY = date(2026, 11, 24)
BASE = "http://localhost:4566/tattoo-directory-images/"
DOTWORK = {"styleId": "dotwork", "styleName": "Dotwork", "description": "Dots."}
GOOD = {"artists": [ARTIST], "studios": [STUDIO], "styles": [STYLE, DOTWORK]}


def look(*paths: Path, images: Images | None = None) -> tuple[list[Finding], int]:
    held: list[Finding] = []
    check = FileCheck(report=held.append, tokens=Tokens(as_of=DAY, image_base=BASE), images=images)
    for path in paths:
        check.path(path)
    check.finish()
    return sorted(held, key=lambda each: each.order), check.checked


def rules(held: list[Finding]) -> list[str]:
    return [each.rule for each in held]


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else text(content))
    return path


def folder(path: Path, **arrays: Any) -> Path:
    for name, records in (arrays or GOOD).items():
        write(path / f"{name}.json", records)
    return path


def lines(*records: Any) -> bytes:
    return b"".join(text(record) + b"\n" for record in records)


def every_form(tmp_path: Path) -> list[Path]:
    """The same good records in every form that is read."""
    records = [ARTIST, STUDIO, STYLE, DOTWORK]
    documents = [{"_index": "x", "_id": "artist-a", "_score": 1, "_source": json.loads(document(ARTIST).body)}]
    kinds = ((Kind.ARTIST, ARTIST), (Kind.STUDIO, STUDIO), (Kind.STYLE, STYLE), (Kind.STYLE, DOTWORK))
    items = [{"Item": json.loads(item(kind, fields).body)} for kind, fields in kinds]
    return [
        folder(tmp_path / "layout"),
        write(tmp_path / "one.json", GOOD),
        write(tmp_path / "pretty.json", json.dumps(json.loads(text(GOOD)), indent=2).encode()),
        write(tmp_path / "array.json", records),
        write(tmp_path / "lines.jsonl", lines(*records)),
        write(tmp_path / "lines.json", lines(*records)),
        write(tmp_path / "zipped.json.gz", gzip.compress(text(GOOD))),
        write(tmp_path / "deep" / "er" / "x.ndjson", lines(*records)).parents[1],
        write(tmp_path / "documents.json", lines(*documents)),
        write(tmp_path / "items.json", lines(*items)),
    ]


def test_good_records_in_every_form_have_no_finding(tmp_path: Path) -> None:
    for path in every_form(tmp_path):
        held, checked = look(path)
        assert (held, checked) == ([], 1 if path.name == "documents.json" else 4), path


def test_a_finding_names_file_line_and_pointer(tmp_path: Path) -> None:
    bad = changed(Kind.ARTIST, {"pricing.hourlyRate": -5, "studioInfo": DROP})
    array = write(tmp_path / "a" / "artists.json", b'[\n %s,\n {"artistId": "x"}\n]' % text(bad))
    (first, *missing), _ = look(array)
    assert (first.rule, first.key, first.field, first.value) == ("number-range", "artist-a", "pricing.hourlyRate", "-5")
    assert (first.file, first.line, first.pointer) == (str(array), 2, "/0/pricing/hourlyRate")
    assert {(each.rule, each.key, each.line) for each in missing} == {("required-field", "x", 3)}
    container = write(tmp_path / "b.json", {"styles": [STYLE, DOTWORK], "artists": [bad]})
    ((each,), _) = look(container)
    assert (each.line, each.pointer) == (1, "/artists/0/pricing/hourlyRate")
    jsonl = write(tmp_path / "c.jsonl", lines(STYLE, DOTWORK, STYLE | {"styleId": "other"}, bad))
    ((each,), _) = look(jsonl)
    assert (each.line, each.pointer) == (4, "")


def test_every_exhibit_of_the_museum_is_found_in_one_file(tmp_path: Path) -> None:
    exhibits = [exhibit for exhibit in BROKEN if "artistId" not in exhibit.changes]
    records: list[Any] = [STYLE, DOTWORK]
    records += [exhibit_of(number, exhibit) for number, exhibit in enumerate(exhibits)]
    held, checked = look(write(tmp_path / "museum.jsonl", lines(*records)))
    assert checked == len(records)
    by_key: dict[str, list[tuple[str, str]]] = {}
    for each in held:
        if each.rule not in _BETWEEN:
            by_key.setdefault(each.key, []).append((each.rule, each.field))
    for number, exhibit in enumerate(exhibits):
        assert by_key.get(f"own_{number}", []) == [(exhibit.rule, exhibit.field)], exhibit.name


def exhibit_of(number: int, exhibit: Exhibit) -> dict[str, Any]:
    """An exhibit under an id and handle of its own, that refers to no studio or artist unless that is its point."""
    own: dict[str, Any] = {exhibit.kind.id_field: f"own_{number}"}
    if exhibit.kind is Kind.ARTIST:
        own |= {"instagramHandle": f"own{number}", "studioInfo": DROP}
    if exhibit.kind is Kind.STUDIO:
        own |= {"artists": DROP}
    roots = {path.partition(".")[0] for path in exhibit.changes}
    return changed(
        exhibit.kind, {name: value for name, value in own.items() if name not in roots} | dict(exhibit.changes)
    )


#: Rules that look at other records too.
_BETWEEN = ("style-unknown", "studio-unknown")


# The catalogue and generated data.


def test_the_catalogue_that_ships_has_no_error(tmp_path: Path) -> None:
    report = validate_files(resolve({}, {}, tmp_path), DAY, ValidateOptions(what=What.FILES))
    assert [each for each in report.findings if each.severity == "error"] == []
    assert {each.rule for each in report.findings} <= {"old-schema"}
    assert report.checked == {"files": 93}
    assert "catalogue" in report.notes[0]


def test_generated_data_has_no_error() -> None:
    dataset = load(Context(as_of=DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))
    held: list[Finding] = []
    check = FileCheck(report=held.append, tokens=Tokens(as_of=DAY, image_base=BASE))
    for record in copies(dataset, 502).records():
        check.fields(record.kind, record.fields, Place("files", record.id))
    check.finish()
    assert check.checked == 60 * 503 + 33
    assert {each.rule for each in held} <= {"old-schema"}


def test_the_tokens_of_test_data_are_resolved(tmp_path: Path) -> None:
    fields = {**ARTIST, "createdAt": "@as-of-10dT09:00:00.000Z", "avatar": "@images/avatars/avatar-1.png"}
    path = write(tmp_path / "own.json", {**GOOD, "artists": [fields]})
    assert look(path)[0] == []
    images = Images(BASE, ["styles/celtic-1.png"])
    ((missing,), _) = look(path, images=images)
    assert (missing.rule, missing.field, missing.value) == ("image-missing", "avatar", f'"{BASE}avatars/avatar-1.png"')
    bad = write(tmp_path / "bad.json", {**GOOD, "artists": [{**fields, "createdAt": "@as-of-999999d"}]})
    assert "record-unreadable" in rules(look(bad)[0])


def test_the_shipped_files_themselves_are_test_data() -> None:
    import tattoo_data.catalog

    held, checked = look(Path(tattoo_data.catalog.__file__).parent / "dataset")
    assert checked == 93
    assert [each for each in held if each.severity == "error"] == []


# Broken files.


def test_two_files_with_the_same_id(tmp_path: Path) -> None:
    one = folder(tmp_path / "one")
    two = write(tmp_path / "two.json", [{**ARTIST, "instagramHandle": "other"}])
    held, checked = look(one, two)
    assert checked == 5
    assert [(each.rule, each.key, each.file) for each in held] == [("duplicate-id", "artist-a", str(two))]
    assert held[0].message.endswith(f"{one / 'artists.json'}:1")


@pytest.mark.parametrize(
    ("name", "content", "rule", "detail"),
    [
        ("artists.json", b"[{", "json-broken", "byte 2"),
        ("artists.json", b'[{"artistId": tru}]', "json-broken", "at byte 15"),
        ("x.jsonl", b'\n\n{"artistId" 1}\n', "json-broken", "at byte 14"),
        ("x.json", '[{"artistId":"\xe9"}]'.encode("latin-1"), "text-encoding", "byte 14; Latin-1"),
        ("x.json", text([ARTIST]).decode().encode("utf-16"), "text-encoding", "UTF-16"),
        ("x.json", b'[{"artistId":"\\ud800"}]', "json-broken", "surrogate"),
        ("x.json", b'[{"artistId":' + b"[" * 5000 + b"]" * 5000 + b"}]", "json-broken", "nested too deep"),
        ("x.json", b'{"name":"a package"}', "not-a-record", ""),
        ("x.json", b"[1,2]", "not-a-record", "1,2"),
        ("x.json", b'{"_id":"a","_source":5}', "record-unreadable", "_source is no object"),
        ("x.json", b'{"Item":{"PK":{"S":"x"}}}', "record-unreadable", "no SK"),
        ("x.json.gz", gzip.compress(text([ARTIST]))[:-9], "file-unreadable", ""),
        ("x.json", b'[{"artistId":"a","bio":"%s"}]' % (b"x" * (17 << 20)), "record-too-large", "bytes"),
        ("x.jsonl", b'{"artistId":"a","bio":"%s"}\n' % (b"x" * (17 << 20)), "record-too-large", "bytes"),
    ],
)
def test_a_broken_record_is_named(name: str, content: bytes, rule: str, detail: str, tmp_path: Path) -> None:
    held, _ = look(write(tmp_path / name, content))
    matching = [each for each in held if each.rule == rule]
    assert len(matching) == 1, held
    assert detail in matching[0].message
    assert matching[0].file.endswith(name)


@pytest.mark.parametrize("bad", [b'{"artistId": tru}', b'{"artistId":"\xe9"}', b"7", b'{"x":1}', b'{"artistId":"x"'])
@pytest.mark.parametrize("form", ["x.jsonl", "x.json"])
def test_one_broken_record_keeps_no_other_back(bad: bytes, form: str, tmp_path: Path) -> None:
    good = [STUDIO, STYLE, DOTWORK, ARTIST]
    texts = [*(text(each) for each in good[:2]), bad, *(text(each) for each in good[2:])]
    content = b"\n".join(texts) if form == "x.jsonl" else b"[%s]" % b",\n".join(texts)
    held, checked = look(write(tmp_path / form, content))
    assert held
    if bad.endswith(b'"x"') and form == "x.json":
        # Where a brace is missing, nothing tells where the record ends: what follows in its array is read with it.
        assert (checked, "json-broken" in rules(held)) == (2, True)
    else:
        assert checked >= 4
        assert all(each.key in ("", "x") for each in held), held


@pytest.mark.parametrize("make", ["empty", "other", "missing", "no records", "unreadable"])
def test_nothing_to_check_is_a_finding(make: str, tmp_path: Path) -> None:
    path = tmp_path / "folder"
    if make == "missing":
        assert rules(look(path)[0]) == ["file-unreadable"]
        return
    path.mkdir()
    if make == "other":
        (path / "notes.txt").write_text("nothing")
        (path / ".hidden.json").write_bytes(text(GOOD))
    if make == "no records":
        folder(path, artists=[], studios=[])
    if make == "unreadable":
        (path / "artists.json").symlink_to(path / "nowhere")
        (path / "x.json").mkdir()
    held, checked = look(path)
    assert checked == 0
    assert rules(held) == ["no-records"]
    assert held[0].file == str(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", [ARTIST])
    path.chmod(0)
    assert rules(look(path)[0]) == ["file-unreadable", "no-records"]


def test_every_rule_of_files_is_shown_here_or_with_exports() -> None:
    shown = {"file-unreadable", "no-records", "json-broken", "text-encoding", "record-too-large", "not-a-record"}
    assert {rule.id for rule in RULES} == shown | {"export-damaged"}


# Exports.


def node_export(path: Path, *, artist: Any = ARTIST, stated: int = 5) -> Path:
    """What the Node tool exported: whole items as plain JSON, and documents."""

    def plain(kind: Kind, fields: Any) -> Any:
        values = json.loads(item(kind, fields).body)
        return {
            **json.loads(text(fields)),
            **{name: values[name]["S"] for name in values if name[:3] in ("PK", "SK", "gsi")},
        }

    path.mkdir(parents=True)
    write(path / "artists.json", [plain(Kind.ARTIST, artist)])
    write(path / "studios.json", [plain(Kind.STUDIO, STUDIO)])
    write(path / "styles.json", [plain(Kind.STYLE, STYLE), plain(Kind.STYLE, DOTWORK)])
    source = json.loads(document(artist).body)
    write(path / "opensearch_documents.json", [{"_id": "artist-a", "_source": source}])
    stats = {"exported": stated}
    write(
        path / "manifest.json",
        {"timestamp": "x", "version": "1.0.0", "services": ["dynamodb", "opensearch"], "stats": stats},
    )
    return path


def test_an_export_of_the_node_tool(tmp_path: Path) -> None:
    held, checked = look(node_export(tmp_path / "good"))
    assert (rules(held), checked) == ([], 5)
    held, _ = look(node_export(tmp_path / "bad", artist=changed(Kind.ARTIST, {"instagramHandle": "@ada.brown"})))
    assert [(each.rule, Path(each.file).name, each.pointer) for each in held] == [
        ("handle-form", "artists.json", "/0/instagramHandle"),
        ("handle-form", "opensearch_documents.json", "/0/instagramHandle"),
    ]


def test_an_export_in_an_archive(tmp_path: Path) -> None:
    export = node_export(tmp_path / "export-2026-11-24T10-00-00-000Z")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(export, arcname=export.name)
    held, checked = look(write(tmp_path / "backup.tar.gz", buffer.getvalue()))
    assert (rules(held), checked) == ([], 5)


def test_a_damaged_export_is_a_finding_and_other_paths_are_checked(tmp_path: Path) -> None:
    damaged = node_export(tmp_path / "damaged", stated=99)
    version = node_export(tmp_path / "version")
    write(version / "manifest.json", {"version": "99", "services": ["dynamodb"]})
    held, checked = look(damaged, version, folder(tmp_path / "good"))
    assert [each for each in rules(held) if each.startswith("export")] == ["export-damaged", "export-damaged"]
    assert checked == 5 + 4


def test_exports_and_folders_within_a_folder(tmp_path: Path) -> None:
    node_export(tmp_path / "all" / "exported")
    folder(tmp_path / "all" / "deep" / "records")
    held, checked = look(tmp_path / "all")
    assert (rules(held), checked) == ([], 5 + 4)


def test_items_without_a_manifest_are_held_against_their_keys(tmp_path: Path) -> None:
    export = node_export(tmp_path / "export", artist=ARTIST)
    (export / "manifest.json").unlink()
    assert rules(look(export)[0]) == []
    records = json.loads((export / "artists.json").read_bytes())
    records[0] |= {"PK": "ARTIST#other", "SK": "PROFILE", "gsi2pk": "ARTISTNAME#x"}
    write(export / "artists.json", records)
    assert set(rules(look(export)[0])) == {"id-differs-from-key", "node-key-form", "index-key"}


# Images.


def test_images_that_are_not_there_are_named_by_field(tmp_path: Path) -> None:
    path = folder(tmp_path / "x")
    there = ["avatars/avatar-1.png", "styles/celtic-1.png", "unused.png"]
    images = Images(BASE, there)
    assert look(path, images=images)[0] == []
    assert list(images.unused(there)) == ["unused.png"]
    held, _ = look(path, images=Images(BASE, ["avatars/avatar-1.png"]))
    assert [(each.rule, each.key, each.field) for each in held] == [
        ("image-missing", "artist-a", "portfolioImages.0.url")
    ]
    assert look(path, images=Images("http://elsewhere/", []))[0] == []


def test_an_image_is_found_under_its_url_as_a_browser_asks_for_it() -> None:
    images = Images(BASE, ["a b/ü.png", "x%20y.png"])
    for spelled in ("a%20b/%C3%BC.png", "a b/ü.png", "a%20b/%C3%BC.png?size=2#top", "x%20y.png"):
        assert list(images.problems(text({"avatar": BASE + spelled}))) == [], spelled
    assert not images.has_unused
    assert [each.field for each in images.problems(text({"a": {"b": [BASE + "nowhere.png"]}}))] == ["a.b.0"]
