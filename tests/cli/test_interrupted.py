"""Ctrl-C, whenever it comes: told in one message, never by a traceback, and the end of what goes on without one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.tool import AS_OF, Result, Tool

#: A command line, in which Ctrl-C comes as soon as a module is looked for.
_RUN = """
import importlib.abc, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class CtrlC(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, CtrlC())
from tattoo_data.cli.main import main
main()
"""


def interrupted_at(tool: Tool, module: str, *arguments: str) -> Result:
    """What a command says, and how it ends, if Ctrl-C comes while a module of it is loaded."""
    script = _RUN.format(module=module)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=tool.variables(),
        cwd=tool.cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "module", ["click", "tattoo_data.cli.failure", "tattoo_data.cli.commands.status", "tattoo_data.settings"]
)
def test_at_the_start_it_is_told_as_later(bare: Tool, module: str) -> None:
    told = interrupted_at(bare, module, "status")
    assert (told.code, told.stdout) == (130, "")
    assert (
        told.stderr.lstrip("\n") == "error: interrupted\n\nhint: Run the same command again: it ends what was begun.\n"
    )
    as_json = interrupted_at(bare, module, "status", "--json")
    assert (as_json.code, as_json.stdout) == (130, "")
    assert as_json.error()["id"] == "Interrupted"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("tattoo_data.monitoring.monitor", ("watch", "1s")),
        ("tattoo_data.monitoring.watching", ("watch", "1s")),
        ("tattoo_data.web.live", ("serve", "--port", "0")),
        ("tattoo_data.monitoring.watching", ("serve", "--port", "0")),
    ],
)
def test_a_monitor_ends_well_before_its_first_check_too(bare: Tool, module: str, arguments: tuple[str, ...]) -> None:
    done = interrupted_at(bare, module, "monitor", *arguments)
    assert (done.code, done.stderr) == (0, "")


def test_following_ends_well_before_it_has_begun_too(tool: Tool) -> None:
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    done = interrupted_at(tool, "tattoo_data.sync.follow", "sync", "follow", "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["type"] == "stopped"
