"""`integration-test`: what it prints, as a table, as JSON and as JUnit, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

import pytest

from tests.tool import Result, Tool

WITHOUT_A_TARGET = ("--category", "help", "--category", "configuration")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """The command line with nothing named."""
    folder = tmp_path_factory.mktemp("bare")
    return Tool({"TATTOO_DATA_HOME": str(folder / "state")}, folder)


@contextmanager
def without_help(tool: Tool) -> Iterator[None]:
    """An installation in which one program was lost: the environment of every process breaks `data-reset`."""
    (tool.cwd / "sitecustomize.py").write_text(
        "import sys\nif sys.argv[0].endswith('data-reset'):\n    sys.exit('data-reset is broken \\x07')\n"
    )
    tool.extra["PYTHONPATH"] = str(tool.cwd)
    try:
        yield
    finally:
        del tool.extra["PYTHONPATH"]


def run(tool: Tool, *arguments: str, program: str = "integration-test") -> Result:
    return tool.run(*arguments, program=program)


def test_the_document(shared: Tool) -> None:
    done = run(shared, *WITHOUT_A_TARGET, "--json")
    assert done.code == 0, done.stdout + done.stderr
    document = done.json()
    assert (document["command"], document["target"], document["scratch"]) == ("integration-test", None, None)
    checks = document["checks"]
    assert document["summary"] == {"checks": len(checks), "passed": len(checks), "failed": 0, "skipped": 0}
    assert {each["category"] for each in checks} == {"help", "configuration"}
    assert all(
        set(each) == {"category", "name", "proves", "result", "elapsedSeconds", "reason"}
        and (each["result"], each["reason"]) == ("passed", None)
        and each["elapsedSeconds"] >= 0
        for each in checks
    )
    assert not (shared.cwd / "state").exists(), "no target is needed, so none is started"


def test_the_same_under_tattoo_data(shared: Tool) -> None:
    done = run(shared, "integration-test", "--category", "help", "--json", program="tattoo-data")
    assert (done.code, done.json()["command"]) == (0, "integration-test")


def test_the_table_and_the_sum(shared: Tool) -> None:
    shown = run(shared, "--category", "help")
    lines = shown.stdout.splitlines()
    assert lines[0].split()[:4] == ["category", "check", "result", "seconds"]
    assert lines[1].split()[:3] == ["help", "tattoo-data", "passed"]
    assert lines[2].startswith(" "), "a category is named once"
    assert f"{len(lines) - 2} checks: {len(lines) - 2} passed, " in lines[-1]
    quiet = run(shared, "--category", "help", "--quiet").stdout.splitlines()
    assert len(quiet) == 1
    assert quiet[0].startswith(f"{len(lines) - 2} checks: ")


def test_a_failed_check_ends_with_4_and_is_named(shared: Tool) -> None:
    report = shared.cwd / "reports" / "report.xml"
    with without_help(shared):
        done = run(shared, "--category", "help", "--quiet", "--junit", str(report))
        as_json = run(shared, "--category", "help", "--json")
    assert done.code == as_json.code == 4
    head, failed, total = done.stdout.splitlines()
    assert head.startswith("category")
    assert failed.split()[:3] == ["help", "data-reset", "failed"]
    assert "data-reset is broken" in failed
    assert ", 1 failed, " in total
    assert [each["name"] for each in as_json.json()["checks"] if each["result"] == "failed"] == ["data-reset"]
    (suite,) = ElementTree.parse(report).getroot()
    assert (suite.get("name"), suite.get("failures"), suite.get("skipped")) == ("help", "1", "0")
    cases = {case.get("name"): case for case in suite}
    assert str(len(cases)) == suite.get("tests")
    (failure,) = cases["data-reset"]
    assert failure.tag == "failure"
    assert "data-reset is broken" in str(failure.get("message"))
    assert "lists every verb" in str(failure.text)
    assert len(cases["data-manager"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--category", "nothing"), 2, "nothing"),
        (("unexpected",), 2, "unexpected"),
        (("--config", "nowhere.toml"), 2, "nowhere.toml"),
        (("--category", "help", "--junit", "/proc/nothing/report.xml"), 2, "--junit"),
    ],
)
def test_wrong_usage(shared: Tool, arguments: tuple[str, ...], code: int, words: str) -> None:
    result = run(shared, *arguments)
    assert (result.code, result.stdout) == (code, "")
    assert words in result.stderr


def test_where_no_service_answers_it_ends_with_14(shared: Tool) -> None:
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "OPENSEARCH_ENDPOINT": "http://127.0.0.1:9"}
    result = shared.run("--json", program="integration-test", **nobody)
    assert (result.code, result.stdout) == (14, "")
    assert result.error()["id"] == "StoreUnreachable"


def test_a_target_that_is_not_allowed_ends_with_15(shared: Tool) -> None:
    url = "https://dynamodb.eu-west-2.amazonaws.com"
    result = shared.run(program="integration-test", AWS_ENDPOINT_URL=url, OPENSEARCH_ENDPOINT=url)
    assert (result.code, "nothing was sent" in result.stderr) == (15, True)


def test_help_and_version(shared: Tool) -> None:
    for arguments in (("--help",), ("-h",)):
        shown = run(shared, *arguments)
        assert (shown.code, "Exit status:" in shown.stdout) == (0, True)
    assert "integration-test, version" in run(shared, "--version").stdout
