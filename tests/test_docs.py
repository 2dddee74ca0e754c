"""The documentation: what is generated is current, links and paths lead somewhere, and every shell block runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import click
import pytest
from tools import reference
from tools.reference_commands import UTILITIES, exit_status, leaves, part

from tattoo_data.cli.failure import report
from tests.cli.test_help import PROGRAMS as TESTED
from tests.tool import AS_OF, PROGRAMS, Tool

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RUN = [ROOT / "README.md", *sorted((DOCS / "guides").glob("*.md")), DOCS / "concepts.md"]
_LINK = re.compile(r"""(?:\[[^\]\n]*\]\(|(?:src|href)=")([^)"\s]+)[)"]""")
_FENCE = re.compile(r"^( *)```(\w*) *$")
_MARK = re.compile(r"^<!-- (not run|file): (.+) -->$")
_EXIT = re.compile(r"\s+# exit (\d+)$")
_SHELLS = ("sh", "console")
_OTHERS = ("toml", "yaml", "json", "python", "text")
_VARIES = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.-]+Z(-[0-9a-f]+)?|\d{8}T\d+Z-[0-9a-f]+|\d+\.\d+ m?s\b|osmem [\d.]+", re.ASCII
)
#: Files that a page speaks of, of this repository: with a folder that is there in a checkout.
_PATH = re.compile(r"`((?:src|docs|tests|tools|examples|bench|docker)/[\w./-]*\w/?)(?::[^`]*)?`")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: where it begins, its language, its text, and what the comment before it says."""

    line: int
    language: str
    text: str
    mark: str = ""
    said: str = ""


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        if begin := _FENCE.match(lines[number]):
            end = next(each for each in range(number + 1, len(lines)) if lines[each].strip() == "```")
            body = "\n".join(line.removeprefix(begin[1]) for line in lines[number + 1 : end]) + "\n"
            mark = _MARK.match(lines[number - 1].strip()) if number else None
            said = (mark[1], mark[2]) if mark else ("", "")
            yield Block(line=number + 1, language=begin[2], text=body, mark=said[0], said=said[1])
            number = end
        number += 1


def _blocks(path: Path) -> list[Block]:
    return list(blocks(path.read_text("utf-8")))


def _is_run(block: Block) -> bool:
    return block.language in _SHELLS and block.mark != "not run"


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    kept, inside = [], False
    for line in text.splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def anchors(text: str) -> set[str]:
    """What a link may name of a page, as GitHub makes it of the headings."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


# --- what is generated


@pytest.mark.parametrize("page", list(reference.pages()))
def test_the_reference_is_current(page: str) -> None:
    path = reference.FOLDER / page
    assert path.is_file(), "run `make docs`"
    assert path.read_text("utf-8") == reference.pages()[page], "run `make docs`"


def test_the_reference_has_every_program_command_option_and_error() -> None:
    assert {"tattoo-data", *UTILITIES} == set(TESTED)
    assert sorted(path.name for path in reference.FOLDER.glob("*.md")) == sorted(reference.pages())
    commands = (reference.FOLDER / "commands.md").read_text("utf-8")
    for name, command in leaves():
        assert f"\n## {name}\n" in commands
        assert all(part(command, title) for title in ("Touches", "Example", "Exit status")), name
        shown = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        assert all(each.opts[-1] in commands for each in shown), name
    assert {code for code, _, _ in exit_status()} <= set(reference.MEANINGS)
    assert {each.exit_code for each in reference.kinds()} <= set(reference.MEANINGS)


def test_errors_that_are_not_ours_are_told_as_the_reference_says(capsys: pytest.CaptureFixture[str]) -> None:
    for error, name in ((KeyboardInterrupt(), "Interrupted"), (ValueError("x"), "InternalError")):
        code, message, hint = reference.OUTSIDE[name]
        assert report(error, ["--json"]) == code
        told = json.loads(capsys.readouterr().err)["error"]
        assert (told["id"], told["hint"]) == (name, hint)
        assert name == "InternalError" or told["message"] == message


def test_advice_is_given_for_errors_that_there_are() -> None:
    known = {each.__name__ for each in reference.kinds()} | set(reference.OUTSIDE)
    assert set(reference.advised()) <= known
    assert len(reference.advised()) >= 10


# --- links and paths


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in _LINK.findall(prose(text)):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), target


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_paths_that_are_named_are_there(path: Path) -> None:
    for named in _PATH.findall(prose(path.read_text("utf-8"))):
        assert (ROOT / named).exists(), named


def test_every_page_is_in_the_index() -> None:
    linked = {
        (DOCS / target.partition("#")[0]).resolve()
        for target in _LINK.findall((DOCS / "README.md").read_text("utf-8"))
        if "://" not in target
    }
    assert {path for path in PAGES if path.parent != ROOT and path.name != "README.md"} <= linked


# --- shell blocks


@pytest.mark.parametrize("path", [*RUN, ROOT / "CONTRIBUTING.md"], ids=_name)
def test_no_block_is_left_out_unseen(path: Path) -> None:
    for block in _blocks(path):
        assert block.language in (*_SHELLS, *_OTHERS), f"line {block.line}: a block needs one of these languages"
        assert block.mark != "not run" or (block.language in _SHELLS and len(block.said) > 10), f"line {block.line}"
        shown = re.search(r"^\s*(\$ )?(tattoo-data|make|npm|docker\S*|data-\w+) ", block.text, re.MULTILINE)
        assert block.language in (*_SHELLS, "yaml", "python") or not shown, f"line {block.line}: commands are `sh`"
    assert not re.search(r"\n\n {4}\S", prose(path.read_text("utf-8"))), "an indented block has no language"


@pytest.mark.parametrize("path", [each for each in RUN if any(map(_is_run, _blocks(each)))], ids=_name)
def test_the_shell_blocks_of_a_page_run(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    tool = Tool(_variables(tmp_path), folder)
    try:
        done = subprocess.run(
            ["bash", "-c", _script(path, folder)],
            cwd=folder,
            env=tool.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        said = {_masked(line) for line in (done.stdout + done.stderr).splitlines()}
        for line, expected in _shown(path):
            assert _masked(expected) in said, f"{_name(path)}:{line} shows what is not printed: {expected}"
    finally:
        for home in (tmp_path / "state", *folder.glob("job-*")):
            tool.run("stack", "wipe", "--yes", TATTOO_DATA_HOME=str(home))


def _variables(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
        "TATTOO_DATA_HOME": str(folder / "state"),
        "TATTOO_DATA_AS_OF": AS_OF,
        "TATTOO_DATA_AWS_PORT": str(_free_port()),
        "TATTOO_DATA_OPENSEARCH_PORT": str(_free_port()),
    }


def _free_port() -> int:
    with closing(socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _script(path: Path, folder: Path) -> str:
    """One script of a page's commands, each held against the exit code that it is to end with. Files that the page
    shows are written first."""
    lines = []
    for block in _blocks(path):
        if block.mark == "file":
            file = folder / block.said
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, "utf-8")
        if _is_run(block):
            lines += [_checked(command, f"{_name(path)}, block at {block.line}") for command in _commands(block)]
    return "\n".join(lines)


def _commands(block: Block) -> Iterator[str]:
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        if block.language == "console":
            if line.startswith("$ "):
                yield line.removeprefix("$ ")
        elif line.strip() and not line.startswith("#"):
            yield line


def _checked(command: str, where: str) -> str:
    wanted = _EXIT.search(command)
    code = wanted[1] if wanted else "0"
    said = shlex.quote(f"{where}: {command}: ended with")
    return f"{command}\nended=$?; [ $ended -eq {code} ] || {{ echo {said} $ended, not {code} >&2; exit 99; }}"


def _shown(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of output that a page's `console` blocks show; `...` stands for anything."""
    for block in _blocks(path):
        if block.language == "console" and _is_run(block):
            for number, line in enumerate(block.text.splitlines(), block.line + 1):
                if line.strip() and not line.startswith("$ ") and line.strip() != "...":
                    yield number, line


def _masked(line: str) -> str:
    """A line without what differs from run to run: times, ids, an engine's version, and the width of columns."""
    return _VARIES.sub("#", " ".join(line.split()))
