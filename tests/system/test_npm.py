"""The names under which npm users know the commands: package.json with real npm, and programs that only say how they
were called. What the commands do under these names, test_seed_document.py runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS: dict[str, str] = json.loads((ROOT / "package.json").read_text("utf-8"))["scripts"]
CALLED = {
    "data:reset": "tattoo-data reset",
    "data:seed": "tattoo-data seed",
    "data:validate": "tattoo-data validate",
    "data:backup": "tattoo-data backup",
    "data:status": "tattoo-data status",
    "reset": "data-reset",
    "manage": "data-manager",
    "seed": "selective-seeder",
    "validate-enhanced": "data-validator",
    "migrate": "data-migration-utility",
    "monitor": "data-monitoring-utility",
    "sync": "data-sync-utility",
}
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with our package.json, and nothing installed."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "package.json", tmp_path)
    shutil.copy(ROOT / "tools" / "npm.sh", tmp_path / "tools")
    return tmp_path


def install(folder: Path, name: str, ends: int = 0) -> None:
    """A program that says where it is and how it was called, a word in brackets each, and ends with a code."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\nprintf "{folder.name}/{name}"\nprintf " [%s]" "$@"\nexit {ends}\n')
    program.chmod(0o755)


def npm(project: Path, *arguments: str, path: Path | None = None) -> tuple[int, str, str]:
    """`npm run` without npm's own words on stdout."""
    done = subprocess.run(
        ["npm", "run", "--silent", *arguments],
        cwd=project,
        env={
            "HOME": os.environ["HOME"],
            "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"],
            "npm_config_update_notifier": "false",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_scripts_call_our_programs_and_only_them() -> None:
    assert {name: script.removeprefix("sh tools/npm.sh ") for name, script in SCRIPTS.items()} == CALLED
    programs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert {called.split()[0] for called in CALLED.values()} <= set(programs)


@needs_npm
@pytest.mark.parametrize("script", ["data:reset", "validate-enhanced"])
def test_words_arrive_as_they_were_typed(project: Path, script: str) -> None:
    program, *first = CALLED[script].split()
    install(project / "bin", program)
    code, said, _ = npm(project, script, "fresh", "--", "--only", "it's two words", '"$HOME"', path=project / "bin")
    words = [*first, "fresh", "--only", "it's two words", '"$HOME"']
    assert (code, said) == (0, f"bin/{program} " + " ".join(f"[{word}]" for word in words))


@needs_npm
def test_a_dry_run_stays_one_where_npm_takes_the_option(project: Path) -> None:
    install(project / "bin", "data-reset")
    _, said, _ = npm(project, "reset", "reset", "fresh", "--dry-run", path=project / "bin")
    assert said == "bin/data-reset [reset] [fresh] [--dry-run]"


@needs_npm
def test_the_exit_code_is_the_commands(project: Path) -> None:
    install(project / "bin", "tattoo-data", ends=13)
    assert npm(project, "data:status", path=project / "bin")[0] == 13


@needs_npm
def test_the_checkouts_own_command_comes_before_the_installed_one(project: Path) -> None:
    install(project / "installed", "tattoo-data")
    assert npm(project, "data:status", path=project / "installed")[1] == "installed/tattoo-data [status]"
    install(project / ".venv" / "bin", "tattoo-data")
    (project / "deep").mkdir()
    for folder in (project, project / "deep"):
        assert npm(folder, "data:status", path=project / "installed")[1] == "bin/tattoo-data [status]"


def test_where_nothing_is_installed_it_says_how(project: Path) -> None:
    """Without npm: its PATH has the programs of this test's own environment."""
    done = subprocess.run(
        ["/bin/sh", "tools/npm.sh", "tattoo-data", "status"],
        cwd=project,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (127, "")
    assert "tattoo-data is not installed" in done.stderr
    assert 'pip install "tattoo-data[local]"' in done.stderr
