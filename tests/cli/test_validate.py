"""`validate` and `data-validator`: what they print and write, and how they end."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tattoo_data.model.records import Kind
from tests.system.test_states import application
from tests.tool import AS_OF, PROGRAMS, Tool
from tests.validation.samples import ARTIST, STUDIO, STYLE, changed, text

DOTWORK = {"styleId": "dotwork", "styleName": "Dotwork", "description": "Dots."}
SUMMARY = {"checked", "errors", "warnings", "infos", "known", "gone"}
SEVEN = ["severity", "rule", "store", "key", "field", "message", "value"]


def folder(tool: Tool, **changes: Any) -> str:
    """A folder of records, good but for the artist's changes."""
    path = tool.cwd / "records"
    path.mkdir(exist_ok=True)
    artist = changed(Kind.ARTIST, {name.replace("_", "."): value for name, value in changes.items()})
    for name, records in {"artists": [artist], "studios": [STUDIO], "styles": [STYLE, DOTWORK]}.items():
        (path / f"{name}.json").write_bytes(text(records))
    return "records"


def test_files_need_no_target(bare: Tool) -> None:
    done = bare.ok("validate", "files", folder(bare), "--json")
    document = done.json()
    assert (document["command"], document["what"], document["target"]) == ("validate", "files", None)
    assert document["findings"] == []
    assert set(document["summary"]) == SUMMARY
    assert document["summary"]["checked"] == 4
    assert "starting one" not in done.stderr
    assert not (bare.cwd / "state").exists(), "no stack was started"


def test_without_a_path_the_catalogue_is_checked_and_that_is_said(bare: Tool) -> None:
    shown = bare.ok("validate", "files").stdout
    assert "note: files: the catalogue that ships, because no PATH was given" in shown
    assert "Checked 93 of files" in shown


def test_errors_end_with_4_and_are_all_in_the_document(bare: Tool) -> None:
    done = bare.run("validate", "files", folder(bare, rating=6, geohash="gcvwrya"), "--json")
    assert done.code == 4
    findings = done.json()["findings"]
    assert [each["rule"] for each in findings] == ["geohash-form", "rating-range"]
    assert list(findings[1])[:7] == SEVEN
    rating = findings[1]
    assert (rating["severity"], rating["store"], rating["key"]) == ("error", "files", "artist-a")
    assert (rating["field"], rating["value"], rating["pointer"]) == ("rating", 6, "/0/rating")
    assert rating["file"] == str(Path("records") / "artists.json")
    assert done.json()["rules"] == {"geohash-form": 1, "rating-range": 1}


@pytest.mark.parametrize(
    ("changes", "strict", "lenient"), [({}, 0, 0), ({"specialties": ["a", "a"]}, 4, 0), ({"hobby": 1}, 0, 0)]
)
def test_warnings_count_where_they_are_meant_to(bare: Tool, changes: Any, strict: int, lenient: int) -> None:
    path = folder(bare, **changes)
    assert bare.run("validate", "files", path).code == lenient
    assert bare.run("validate", "files", path, "--fail-on", "warning").code == strict


def test_text_is_grouped_by_rule_and_cut_unless_verbose(bare: Tool) -> None:
    artists = [
        {**ARTIST, "artistId": f"a{number:02}", "instagramHandle": f"h{number}", "rating": 9} for number in range(15)
    ]
    (bare.cwd / "x.json").write_bytes(
        text({"artists": artists, "studios": [{**STUDIO, "artists": [each["artistId"] for each in artists]}]})
    )
    short = bare.run("validate", "files", "x.json").stdout
    assert "error     rating-range  15 findings" in short
    assert short.count("x.json:1 a") == 10
    assert "... and 5 more (-v shows all)" in short
    assert "Checked 16 of files: 15 errors." in short
    assert short.isascii()
    long = bare.run("validate", "files", "x.json", "-v").stdout
    assert long.count("x.json:1 a") == 15


def test_lines_of_json(bare: Tool) -> None:
    done = bare.run("validate", "files", folder(bare, rating=6), "--jsonl")
    assert done.code == 4
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["finding", "summary"]
    assert lines[0]["rule"] == "rating-range"
    assert lines[1]["summary"]["errors"] == 1


def test_annotations(bare: Tool) -> None:
    done = bare.run("validate", "files", folder(bare, rating=6), "--github")
    assert done.stdout == (
        "::error file=records/artists.json,line=1,title=rating-range::files artist-a rating: a rating is from 0 to 5\n"
    )


def test_reports_are_written_beside_another_output(bare: Tool) -> None:
    done = bare.run("validate", "files", folder(bare, rating=6), "--junit", "out/x.xml", "--html", "x.html", "--json")
    assert done.code == 4
    assert done.json()["summary"]["errors"] == 1
    root = ElementTree.parse(bare.cwd / "out" / "x.xml").getroot()
    assert root.attrib["failures"] == "1"
    page = (bare.cwd / "x.html").read_text("utf-8")
    assert '"rating-range"' in page
    assert "1 error" in page
    assert sorted(path.name for path in bare.cwd.iterdir() if path.name.startswith(".")) == []
    assert bare.run("validate", "files", "records", "--junit", "-").stdout.startswith("<?xml")
    assert bare.run("validate", "files", "records", "--html", "-").stdout.startswith("<!doctype html>")


def test_a_report_that_cannot_be_written_says_so(bare: Tool) -> None:
    (bare.cwd / "file").write_text("")
    done = bare.run("validate", "files", folder(bare), "--html", "file/x.html")
    assert done.code == 2
    assert "--html is 'file/x.html'" in done.stderr


@pytest.mark.parametrize("two", [("--json", "--jsonl"), ("--github", "--json"), ("--junit", "-", "--html", "-")])
def test_stdout_takes_one_thing(bare: Tool, two: tuple[str, ...]) -> None:
    done = bare.run("validate", "files", *two)
    assert done.code == 2
    assert "stdout takes one of" in done.stderr


def test_rules_are_chosen_by_id(bare: Tool) -> None:
    path = folder(bare, rating=6, geohash="gcvwrya")
    only = bare.run("validate", "files", path, "--rule", "geohash-form", "--json").json()
    assert list(only["rules"]) == ["geohash-form"]
    rest = bare.run("validate", "files", path, "--skip-rule", "geohash-form", "--json").json()
    assert list(rest["rules"]) == ["rating-range"]
    none = bare.ok("validate", "files", path, "--skip-rule", "geohash-form", "--skip-rule", "rating-range")
    assert "nothing is wrong" in none.stdout
    unknown = bare.run("validate", "files", path, "--rule", "geohash")
    assert unknown.code == 2
    assert "Did you mean 'geohash-form'?" in unknown.stderr or "Did you mean 'geohash-place'?" in unknown.stderr


def test_a_baseline_is_written_and_leaves_out_what_is_known(bare: Tool) -> None:
    path = folder(bare, rating=6)
    written = bare.ok("validate", "files", path, "--write-baseline", "known.jsonl")
    assert "known.jsonl: 1 finding" in written.stderr
    again = bare.ok("validate", "files", path, "--baseline", "known.jsonl")
    assert "1 finding of the baseline left out" in again.stdout
    folder(bare, geohash="gcvwrya")
    other = bare.run("validate", "files", path, "--baseline", "known.jsonl", "--json")
    assert other.code == 4
    assert (other.json()["summary"]["known"], other.json()["summary"]["gone"]) == (0, 1)
    assert bare.run("validate", "files", path, "--baseline", "nowhere.jsonl").code == 2
    both = bare.run("validate", "files", path, "--baseline", "known.jsonl", "--write-baseline", "known.jsonl")
    assert both.code == 2


def test_a_path_that_is_not_there_is_a_finding(bare: Tool) -> None:
    done = bare.run("validate", "files", "nowhere", folder(bare), "--json")
    assert done.code == 4
    assert [(each["rule"], each["file"]) for each in done.json()["findings"]] == [("file-unreadable", "nowhere")]
    assert done.json()["summary"]["checked"] == 4


@pytest.mark.parametrize("zipped", [False, True])
def test_a_dash_is_stdin(bare: Tool, zipped: bool) -> None:
    content = text([{**ARTIST, "rating": 9, "studioInfo": None}, STYLE, DOTWORK])
    done = subprocess.run(
        [PROGRAMS / "tattoo-data", "validate", "files", "-", "--json"],
        env=bare.variables(),
        cwd=bare.cwd,
        input=gzip.compress(content) if zipped else content,
        capture_output=True,
    )
    found = [(each["rule"], each["file"], each["line"]) for each in json.loads(done.stdout)["findings"]]
    assert (done.returncode, found) == (4, [("rating-range", "-", 1)])


@pytest.mark.parametrize("words", [("validate", "databse"), ("validate",)])
def test_what_there_is_to_validate_is_listed(bare: Tool, words: tuple[str, ...]) -> None:
    done = bare.run(*words)
    assert done.code == 2
    for name in ("files", "database", "opensearch", "consistency", "all"):
        assert name in done.stdout + done.stderr
    if len(words) > 1:
        assert "Did you mean 'database'?" in done.stderr


def test_images_are_looked_for_in_the_live_bucket(tool: Tool) -> None:
    path = folder(tool)
    absent = tool.run("validate", "files", path, "--check-images", "--json")
    assert (absent.code, list(absent.json()["rules"])) == (4, ["store-absent"])
    with application(tool) as live:
        live.s3.create_bucket(Bucket=live.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        live.s3.put_object(Bucket=live.bucket, Key="avatars/avatar-1.png", Body=b"x")
    images = f"http://localhost:4566/{tool.environment['IMAGE_BUCKET']}"
    portfolio = [{"url": f"{images}/styles/celtic-1.png"}]
    folder(tool, avatar=f"{images}/avatars/avatar-1.png", portfolioImages=portfolio)
    found = tool.run("validate", "files", path, "--check-images", "--json").json()["findings"]
    assert [(each["rule"], each["field"]) for each in found] == [("image-missing", "portfolioImages.0.url")]
    shipped = tool.run("validate", "files", "--check-images", "--json").json()
    assert shipped["checked"] == {"images": 1, "files": 93}
    assert shipped["rules"]["image-missing"] > 60


@pytest.mark.parametrize("what", ["database", "opensearch", "consistency", "all"])
def test_every_utility_gives_the_same_document(tool: Tool, what: str) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    ours = tool.ok("validate", what, "--json").json()
    theirs = [tool.run(what, "--json", program="data-validator")]
    if what == "all":
        theirs.append(tool.run("validate", "--json", program="data-reset"))
    for done in theirs:
        assert done.code == 0
        assert {**done.json(), "elapsedSeconds": 0} == {**ours, "elapsedSeconds": 0}
    assert ours["target"]["table"] == tool.environment["DYNAMODB_TABLE_NAME"]


def test_a_service_that_does_not_answer_ends_with_14(tool: Tool) -> None:
    gone = {"OPENSEARCH_ENDPOINT": "http://127.0.0.1:9"}
    for what in ("opensearch", "consistency", "all"):
        done = tool.run("validate", what, "--json", **gone)
        assert done.code == 14, done.stderr
        assert done.stdout == ""
        assert done.error()["id"] == "StoreUnreachable"
    assert tool.run("validate", "database", "--json", **gone).code == 4


def test_nothing_is_written(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    before = tool.ok("status", "--json").json()
    assert tool.ok("validate", "all", "--debug").code == 0
    after = tool.ok("status", "--json").json()
    assert {**after, "elapsedSeconds": 0} == {**before, "elapsedSeconds": 0}


def test_a_terminal_gets_a_drawn_table(bare: Tool) -> None:
    path = folder(bare, rating=6)
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [PROGRAMS / "tattoo-data", "validate", "files", path],
        env=bare.variables(TERM="xterm", COLUMNS="200"),
        cwd=bare.cwd,
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
    )
    os.close(follower)
    shown = b""
    while chunk := _read(leader):
        shown += chunk
    os.close(leader)
    assert process.wait() == 4
    assert "rating-range" in shown.decode()
    assert "─" in shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # the other end is closed
        return b""


def test_a_million_is_not_held_a_large_file_is_checked_in_flat_memory(bare: Tool) -> None:
    record = text(ARTIST)
    with (bare.cwd / "many.jsonl").open("wb") as file:
        for number in range(20_000):
            own = record.replace(b'"artist-a"', b'"a%d"' % number).replace(b'"ada.brown"', b'"h%d"' % number)
            file.write(own + b"\n")
        file.write(text(STYLE) + b"\n" + text(DOTWORK) + b"\n")
        file.write(text({**STUDIO, "artists": [f"a{number}" for number in range(20_000)]}) + b"\n")
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", _MEASURE, str(PROGRAMS / "tattoo-data"), "validate", "files", "many.jsonl"],
        env=bare.variables(),
        cwd=bare.cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Checked 20,003 of files: nothing is wrong." in done.stdout
    assert int(done.stdout.split()[-1]) < 200_000, "kilobytes"


_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
