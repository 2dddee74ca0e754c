"""The document that the Node tools came with: every command of its shell blocks, in its order, as written there but for
`node` and `.js`. tests/golden/seed-commands.txt has them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tattoo_data.cli import main
from tests.tool import PROGRAMS, Tool

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "seed-commands.txt"
DOCUMENT = ROOT.parent / "shared" / "seed.md"
COMPOSE = "docker-compose -f docker-compose.local.yml run --rm data-seeder "
#: What stands for each placeholder, one command each; optional ones are left out first.
FILLED = {
    "[path]": ("", "./chosen-exports"),
    "<path>": ('"$(ls -d exports/export-* | tail -n 1)"',),
    "<backup-key>": ("my-own",),
    "[name]": ("", "my-own"),
    "<name>": ("my-own",),
    "<snapshot>": ("my-own",),
    "<scenario-name>": ("style-traditional+pricing-range",),
    "<state>": ("location-test",),
    "[type]": ("opensearch", ""),
    "<migration-name>": ("add-social-media",),
    "[interval]": ("1",),
    "[severity]": ("", "critical"),
    "[strategy]": ("", "latest", "dynamo_wins", "opensearch_wins"),
    "<file>": ('"$(ls sync-points/*.json | tail -n 1)"',),
}
#: What a command names and nothing before it made.
MADE_FIRST = {
    "node data-manager.js import ./exports/export-2024-01-15T10-30-00-000Z": (
        'mv "$(ls -d exports/export-* | tail -n 1)" exports/export-2024-01-15T10-30-00-000Z'
    ),
    'node data-manager.js restore "backup-2024-01-15T10-30-00-000Z"': (
        "data-manager backup backup-2024-01-15T10-30-00-000Z"
    ),
    'node data-manager.js restore "backup-20240115T103000000Z"': (
        "data-reset reset fresh && data-manager backup backup-20240115T103000000Z"
    ),
}
#: Commands that look and find something: the index still has the artists that the command before took from the table.
FINDS = {("Utilities / 4. Data Reset (`data-reset.js`) / Examples", "node data-reset.js validate")}
ENDLESS = "node data-monitoring-utility.js monitor"
TABLES = {
    "data-manager": main.DATA_MANAGER,
    "selective-seeder": main.SELECTIVE_SEEDER,
    "data-validator": main.DATA_VALIDATOR,
    "data-reset": main.DATA_RESET,
    "data-migration-utility": main.DATA_MIGRATION_UTILITY,
    "data-monitoring-utility": main.DATA_MONITORING_UTILITY,
    "data-sync-utility": main.DATA_SYNC_UTILITY,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One command and the headings that it stands under."""

    section: str
    text: str


def lines_of(golden: str) -> list[Line]:
    """The commands of the copy: a heading is a line that begins with #."""
    section, found = "", []
    for text in golden.splitlines():
        if text.startswith("# "):
            section = text.removeprefix("# ")
        elif text:
            found.append(Line(section, text))
    return found


def extract(document: str) -> Iterator[Line]:
    """The commands of the document's shell blocks."""
    headings: list[str] = []
    block: str | None = None
    for text in map(str.strip, document.splitlines()):
        if text.startswith("```"):
            block = text.removeprefix("```") if block is None else None
        elif block is None and (heading := re.match(r"(#{2,}) (.*)", text)):
            headings[len(heading[1]) - 2 :] = [heading[2]]
        elif block == "bash" and text and not text.startswith("#"):
            yield Line(" / ".join(headings), text)


LINES = lines_of(GOLDEN.read_text("utf-8"))


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the document itself is not in a clone")
def test_the_copy_has_every_command_of_the_document() -> None:
    assert lines_of(GOLDEN.read_text("utf-8")) == list(extract(DOCUMENT.read_text("utf-8")))


@pytest.mark.parametrize("program", TABLES)
def test_a_utility_has_just_the_documents_verbs(program: str) -> None:
    lines = [line.text.split() for line in LINES]
    verbs = {words[2] for words in lines if words[:2] == ["node", f"{program}.js"]}
    assert verbs == set(TABLES[program])


def in_our_words(text: str) -> str:
    """A command without what was only Node's, and without the container around it."""
    return re.sub(r"^node ([a-z-]+)\.js", r"\1", text.removeprefix(COMPOSE))


def filled(text: str) -> list[str]:
    """A command with each text that its placeholder stands for."""
    found = re.search(r"\[[a-z]+\]|<[a-z-]+>", text)
    return [text.replace(found[0], each).rstrip() for each in FILLED[found[0]]] if found else [text]


class Shell:
    """A shell in the folder of a project that has our package.json."""

    def __init__(self, tool: Tool) -> None:
        self.cwd = tool.cwd
        self.environment = {**tool.variables(), "npm_config_update_notifier": "false"}
        self.environment["PATH"] = f"{PROGRAMS}:{os.environ['PATH']}"
        shutil.copy(ROOT / "package.json", self.cwd)
        (self.cwd / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "npm.sh", self.cwd / "tools")

    def run(self, text: str) -> tuple[int, str]:
        """Run to the end; the exit code and all that was said."""
        done = subprocess.run(
            ["sh", "-c", text],
            env=self.environment,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout

    def interrupted(self, text: str) -> tuple[int, str]:
        """Run until it said a line, and press Ctrl-C."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {text}"],
            env=self.environment,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        return process.returncode, first + rest


@pytest.mark.timeout(1200)
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_every_command_in_the_documents_order(any_tool: Tool) -> None:
    shell = Shell(any_tool)
    prelude, section = "", ""
    for line in LINES:
        if line.section != section:
            prelude, section = "", line.section
        if line.text.startswith("export "):
            prelude = f"{line.text}; "
            continue
        if line.text in MADE_FIRST:
            code, said = shell.run(MADE_FIRST[line.text])
            assert code == 0, f"before {line.text}: {said}"
        for text in filled(in_our_words(line.text)):
            endless = line.text.startswith(ENDLESS)
            code, said = shell.interrupted(text) if endless else shell.run(prelude + text)
            expected = 4 if (line.section, line.text) in FINDS else 0
            assert code == expected, f"{line.section}: {text} ended with {code}: {said[-3000:]}"
            assert "InternalError" not in said, f"{line.section}: {text}: {said[-3000:]}"
    assert {each.name[:6] for each in (shell.cwd / "exports").iterdir()} == {"export"}
    assert len(list((shell.cwd / "my-exports").iterdir())) == 1
    status = any_tool.ok("status", "--json").json()
    assert (status["consistent"], status["interrupted"], status["lock"]) == (True, None, None)
