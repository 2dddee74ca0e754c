"""`export` and `import` as commands: what they print, their exit codes, and what a wrong use leaves behind."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_terminal import on_a_terminal
from tests.tool import AS_OF, PROGRAMS, Tool
from tests.transfer.plain_reader import read_aws, read_dump, read_manifest


def exported(tool: Tool, *arguments: str) -> Path:
    """An export's directory."""
    return tool.cwd / Path(tool.ok("export", "./x", "--json", *arguments).json()["path"])


def piped(tool: Tool, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run with bytes on both sides."""
    command: list[str | Path] = [PROGRAMS / "tattoo-data", *arguments]
    return subprocess.run(
        command, env=tool.variables(), cwd=tool.cwd, input=stdin, capture_output=True, timeout=300, check=False
    )


def dump(tool: Tool, lines: Sequence[bytes], name: str = "docs.json") -> Path:
    """A file of elasticdump."""
    path = tool.cwd / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def hit(number: int, name: str = "Ada") -> bytes:
    source = {"artistId": f"artist-{number:03}", "artistName": name}
    return json.dumps({"_index": "a", "_id": f"artist-{number:03}", "_score": 1, "_source": source}).encode()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("import",), 2, ["PATH"]),
        (("import", "nowhere"), 10, ["nowhere", "export"]),
        (("import", "x$(touch y)"), 10, ["x$(touch y)"]),
        (("import", "-"), 12, ["empty"]),
        (("import", "mine.txt"), 2, ["mine.txt"]),
        (("import", "mine.txt", "--only", "dynamo"), 2, ["dynamodb"]),
        (("import", "half"), 12, ["half"]),
        (("import", "docs.json", "--only", "dynamodb"), 2, ["holds no dynamodb", "It holds: opensearch"]),
        (("import", "bad.json", "--strict"), 12, ["bad.json, line 2", "Nothing was written"]),
        (("import", "cut.json.gz"), 12, ["cut.json.gz"]),
        (("export", "--only", "dynamo"), 2, ["dynamodb"]),
    ],
)
def test_wrong_use_is_told_before_anything_is_started(
    bare: Tool, arguments: tuple[str, ...], code: int, words: list[str]
) -> None:
    (bare.cwd / "mine.txt").write_text("mine")
    (bare.cwd / "half" / "AWSDynamoDB" / "01795538395534-25b8d549" / "data").mkdir(parents=True)
    (bare.cwd / "half" / "opensearch").mkdir()
    dump(bare, [hit(1)])
    dump(bare, [hit(1), b'{"_id":7,"_source":{}}'], "bad.json")
    (bare.cwd / "cut.json.gz").write_bytes(gzip.compress(hit(1) + b"\n")[:-9])
    before = sorted(bare.cwd.rglob("*"))
    result = bare.run(*arguments)
    assert (result.code, result.stdout) == (code, ""), result.stderr
    for each in words:
        assert each in result.stderr
    assert sorted(bare.cwd.rglob("*")) == before, "no stack was started, and no file is new"
    assert bare.run(*arguments, "--json").error()["exitCode"] == code


def test_what_export_prints(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    done = tool.ok("export", "--json").json()
    assert done["command"] == "export"
    assert done["path"].startswith("exports/export-")
    assert list(done["stores"]) == ["table", "index"]
    assert set(done["stores"]["table"]) == {"count", "bytes", "fingerprint"}
    assert (done["images"], done["stores"]["table"]["count"], done["stores"]["index"]["count"]) == (False, 93, 60)
    manifest = read_manifest(tool.cwd / done["path"])
    assert done["files"] == len(manifest["files"])
    assert done["exportId"] == manifest["exportId"]
    assert done["target"]["table"] == manifest["source"]["table"] == tool.environment["DYNAMODB_TABLE_NAME"]
    assert len(read_aws(tool.cwd / done["path"], done["exportId"])) == 93
    assert len(read_dump(tool.cwd / done["path"], tool.environment["OPENSEARCH_INDEX"])) == 60
    live = tool.ok("status", "--json").json()["stores"]
    assert {name: each["fingerprint"] for name, each in done["stores"].items()} == {
        name: live[name]["fingerprint"] for name in done["stores"]
    }
    said = tool.ok("export", "./other", "--images")
    assert "export: done, other/export-" in said.stdout
    assert "images  57" in said.stdout
    assert said.stderr == ""


def test_the_data_manager_has_both(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    assert tool.run("export", "./my-exports", program="data-manager").code == 0
    (path,) = (tool.cwd / "my-exports").iterdir()
    tool.ok("clear")
    done = tool.run("import", f"./my-exports/{path.name}", "--json", program="data-manager")
    assert done.code == 0
    assert done.json()["changes"]["table"]["created"] == 11


def test_what_import_prints(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    path = exported(tool, "--images")
    tool.ok("clear")
    done = tool.ok("import", str(path), "--json")
    document = done.json()
    assert document["source"] == {"kind": "tattoo-data export", "path": str(path)}
    assert (document["rejected"], document["rejects"], document["duplicates"]) == ([], None, 0)
    assert document["notes"] == []
    assert {name: each["created"] for name, each in document["changes"].items()} == {
        "table": 11,
        "index": 3,
        "images": document["changes"]["images"]["created"],
    }
    assert document["run"]
    assert tool.ok("status", "--json").json()["state"] == "minimal"
    again = tool.ok("import", str(path)).stdout
    assert "nothing to do" in again
    planned = tool.ok("import", str(path), "--replace", "--dry-run", "--json").json()
    assert (planned["dryRun"], planned["plan"]) == (True, [])


def test_an_aws_export_gives_the_index_its_documents_and_says_so(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    path = exported(tool) / "AWSDynamoDB"
    tool.ok("clear")
    only = tool.ok("import", str(path), "--only", "dynamodb", "--json").json()
    assert (only["changes"]["table"]["created"], only["changes"]["index"]["created"], only["notes"]) == (11, 0, [])
    both = tool.ok("import", str(path), "--json")
    assert "no index" in both.stderr
    assert any("no index" in note for note in both.json()["notes"])
    assert both.json()["changes"]["index"]["created"] == 3
    status = tool.ok("status", "--json").json()
    assert (status["consistent"], status["records"]["artists"]) == (True, 3)


def test_elasticdump_alone_is_the_index_alone(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    path = dump(tool, [hit(number) for number in range(1, 6)])
    done = tool.ok("import", str(path), "--replace", "--json").json()
    assert done["source"]["kind"] == "elasticdump"
    assert sum(done["changes"]["table"].values()) == 0
    assert tool.ok("status", "--json").json()["stores"]["index"]["count"] == 5
    assert tool.ok("status", "--json").json()["stores"]["table"]["count"] == 11


def test_one_bad_record_and_one_duplicate_keep_no_other_out(tool: Tool) -> None:
    tool.ok("reset", "clean")
    path = dump(tool, [hit(1), hit(2), b'{"_id":"x","_source":[]}', hit(1, "Zora"), hit(3)])
    done = tool.run("import", str(path), "--json")
    assert done.code == 3, done.stderr
    document = done.json()
    assert document["changes"]["index"]["created"] == 3
    assert [(each["store"], each["file"], each["number"]) for each in document["rejected"]] == [
        ("index", "docs.json", 3),
        ("index", "docs.json", 4),
    ]
    assert document["rejected"][1]["key"] == "artist-001"
    assert "docs.json, line 1" in document["rejected"][1]["message"]
    assert document["duplicates"] == 1
    lines = [json.loads(line) for line in (tool.cwd / document["rejects"]).read_text().splitlines()]
    assert [each["itemS3Pointer"]["itemIndex"] for each in lines] == [3, 4]
    text = tool.run("import", str(path), "--rejects", "r.jsonl")
    assert text.code == 3
    assert "left out: docs.json, line 4: docs.json, line 1 has the same key, and stands" in text.stdout
    assert "2 records left out: r.jsonl" in text.stdout
    assert (tool.cwd / "r.jsonl").exists()


def test_strict_writes_nothing_and_takes_no_lock(tool: Tool) -> None:
    tool.ok("reset", "clean")
    path = dump(tool, [hit(1), b'{"_id":"x","_source":[]}'])
    refused = tool.run("import", str(path), "--strict")
    assert (refused.code, refused.stdout) == (12, "")
    assert "docs.json, line 2" in refused.stderr
    assert tool.ok("status", "--json").json()["stores"]["index"]["count"] == 0
    assert [each["command"] for each in tool.ok("history", "--json").json()["runs"]] == ["reset clean"]


def test_a_stream_is_the_archive_and_nothing_else(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    text = piped(tool, "export", "-")
    assert text.returncode == 0
    assert text.stdout[:2] == b"\x1f\x8b"
    assert b"export: done" in text.stderr
    as_json = piped(tool, "export", "-", "--json", "--images")
    said = json.loads(as_json.stderr)
    assert (said["command"], said["path"], said["images"]) == ("export", "-", True)
    assert as_json.stdout[:2] == b"\x1f\x8b"
    tool.ok("clear")
    read = piped(tool, "import", "-", "--json", stdin=as_json.stdout)
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["source"] == {"kind": "tattoo-data export", "path": "-"}
    assert tool.ok("status", "--json").json()["state"] == "minimal"
    assert piped(tool, "export", "-", "--quiet").stderr == b""
    cut = piped(tool, "import", "-", stdin=text.stdout[: len(text.stdout) // 2])
    assert (cut.returncode, cut.stdout) == (12, b"")


def test_a_terminal_is_no_place_for_an_archive(tool: Tool) -> None:
    code, said = on_a_terminal(tool, "export", "-")
    assert (code, "is a terminal" in said) == (2, True)
    code, said = on_a_terminal(tool, "import", "-")
    assert (code, "is a terminal" in said) == (2, True)


def test_an_archive_that_did_not_arrive_is_no_success(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    reading, writing = os.pipe()
    child = subprocess.Popen(
        [PROGRAMS / "tattoo-data", "export", "-", "--images"],
        env=tool.variables(),
        cwd=tool.cwd,
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    os.read(reading, 10)
    os.close(reading)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said.decode().splitlines()[0]) == (1, "error: stdout cannot be written: Broken pipe")
    assert b"Exception" not in said
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAMS / "tattoo-data", "export", "-"],
            env=tool.variables(),
            cwd=tool.cwd,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, b"No space left on device" in done.stderr, b"Exception" in done.stderr) == (1, True, False)


@pytest.mark.parametrize(("where", "program"), [("file", "tattoo-data"), ("file/deeper", "data-manager")])
def test_a_place_where_nothing_can_be_written_is_named(tool: Tool, where: str, program: str) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    (tool.cwd / "file").write_text("mine")
    failed = tool.run("export", where, "--json", program=program)
    assert (failed.code, failed.stdout) == (1, "")
    assert failed.error()["id"] == "FileFailed"
    assert "file" in failed.error()["message"]
    assert (tool.cwd / "file").read_text() == "mine"


@pytest.mark.parametrize("limit", [1, 3_000, 30_000])
def test_a_full_disk_leaves_nothing_half_made(tool: Tool, limit: int) -> None:
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    failed = limited(tool, limit, "export", "./x", "--json")
    assert failed.returncode == 1, failed.stderr
    error = json.loads(failed.stderr)["error"]
    assert error["id"] == "FileFailed"
    assert "x/export-" in error["message"]
    assert "File too large" in error["message"]
    assert list((tool.cwd / "x").iterdir()) == []
    stream = limited(tool, limit, "export", "-", "--json")
    assert (stream.returncode, stream.stdout) == (1, "")
    assert json.loads(stream.stderr)["error"]["id"] == "ScratchFailed"


def limited(tool: Tool, limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run where no file may be larger than `limit` bytes."""
    return subprocess.run(
        [PROGRAMS / "tattoo-data", *arguments],
        env=tool.variables(),
        cwd=tool.cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


@pytest.mark.parametrize(("store", "variable"), [("table", "DYNAMODB_TABLE_NAME"), ("index", "OPENSEARCH_INDEX")])
def test_a_missing_store_names_reset(tool: Tool, store: str, variable: str) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    missing = tool.run("export", "./x", **{variable: "not-there"})
    assert (missing.code, missing.stdout) == (10, "")
    assert f"the {store} not-there does not exist" in missing.stderr
    assert "tattoo-data reset fresh" in missing.stderr
    assert not (tool.cwd / "x").exists()
    nothing = tool.run("export", "./x", "--images", "--json", IMAGE_BUCKET="not-there-either")
    assert (nothing.code, nothing.error()["id"]) == (10, "StoreMissing")


def test_images_of_a_bucket_that_is_not_there_are_no_success(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    failed = tool.run("export", "--images", "--image-bucket", "nosuch", "--json")
    assert (failed.code, failed.error()["id"], failed.error()["details"]["name"]) == (10, "StoreMissing", "nosuch")
    assert not (tool.cwd / "exports").exists()
    tool.ok("export", "--image-bucket", "nosuch")


def test_every_file_of_an_export_may_be_read_alike(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    path = tool.cwd / tool.ok("export", "--images", "--json").json()["path"]
    modes = {each.stat().st_mode & 0o777 for each in path.rglob("*") if each.is_file()}
    assert modes == {(path / "manifest.json").stat().st_mode & 0o777}
    assert len(modes) == 1


def test_a_damaged_export_is_refused_and_nothing_is_written(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    path = exported(tool, "--images")
    tool.ok("clear")
    runs = len(tool.ok("history", "--json").json()["runs"])
    for damage in _damages(path):
        refused = tool.run("import", str(path), "--json")
        assert (refused.code, refused.stdout) == (12, ""), damage
        assert "Nothing was written" in refused.error()["hint"], damage
    assert len(tool.ok("history", "--json").json()["runs"]) == runs
    tool.ok("import", str(path))
    assert tool.ok("status", "--json").json()["state"] == "minimal"


def _damages(root: Path) -> Any:
    """Every file of the export changed, cut, or gone, one after the other; each is mended afterwards."""
    for path in sorted(each for each in root.rglob("*") if each.is_file())[::7]:
        content = path.read_bytes()
        for what, damaged in (("cut", content[:-1]), ("longer", content + b"\n"), ("changed", content[:-1] + b"\0")):
            if damaged != content:
                path.write_bytes(damaged)
                yield f"{path.name} {what}"
        path.unlink()
        yield f"{path.name} gone"
        path.write_bytes(content)
    manifest = json.loads((root / "manifest.json").read_bytes())
    content = (root / "manifest.json").read_bytes()
    one_more = {**manifest["stores"], "index": {**manifest["stores"]["index"], "count": 4}}
    for change in ({"format": 99}, {"stores": one_more}):
        (root / "manifest.json").write_text(json.dumps({**manifest, **change}))
        yield str(change)
    for name in ("table", "index", "images"):
        stores = {**manifest["stores"], name: {**manifest["stores"][name], "fingerprint": "0" * 64}}
        (root / "manifest.json").write_text(json.dumps({**manifest, "stores": stores}))
        yield f"the fingerprint of the {name}"
    (root / "manifest.json").write_bytes(content)
