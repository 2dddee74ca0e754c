"""New: the files of a step that somebody begins to write, which load, pass their test and do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tattoo_data.errors import BadSetting, FileFailed, UsageError
from tattoo_data.migrations.load import load_steps
from tattoo_data.migrations.new import write_step
from tests.migrations.stand import artist
from tests.migrations.steps.records import CONTEXT


def test_a_new_step_loads_and_passes_its_test(tmp_path: Path) -> None:
    folder = tmp_path / "own" / "migrations"
    written = write_step(folder, "add-languages", load_steps())
    assert (written.step, written.test) == (folder / "add_languages.py", folder / "test_add_languages.py")
    step = load_steps(folder)[-1]
    assert (step.id, step.version, step.description) == ("add-languages", written.version, "Add languages.")
    assert written.version == "1.5.0"
    once = step.up(artist(1), CONTEXT)
    assert once == {**artist(1), "example": None} == step.up(dict(once), CONTEXT)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_test_of_a_new_step_can_fail(tmp_path: Path) -> None:
    written = write_step(tmp_path, "add-languages", load_steps())
    written.step.write_text(written.step.read_text().replace("setdefault", "get"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "1 failed, 1 passed" in done.stdout) == (1, True), done.stdout + done.stderr


def test_each_new_step_comes_after_all_others(tmp_path: Path) -> None:
    for number in range(12):
        written = write_step(tmp_path, f"step-{number}", load_steps(tmp_path))
        assert written.version == f"1.{number + 5}.0"
    assert [step.id for step in load_steps(tmp_path)][4:] == [f"step-{number}" for number in range(12)]
    assert write_step(tmp_path, "first", []).version == "1.1.0"


@pytest.mark.parametrize("name", ["add_languages", "add-languages", "a", "z9-"])
def test_names_with_dashes_and_underscores(tmp_path: Path, name: str) -> None:
    written = write_step(tmp_path, name, load_steps())
    assert load_steps(tmp_path)[-1].id == name.replace("_", "-")
    assert written.step.name == f"{name.replace('-', '_')}.py"


@pytest.mark.parametrize("name", ["", "Add", "1st", "../../x", "a.b", "test-x", "conftest", "a b"])
def test_a_name_that_no_step_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting, match="name") as refused:
        write_step(tmp_path / "m", name, load_steps())
    assert refused.value.exit_code == 2
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["add-social-media", "add_social_media"])
def test_a_name_that_a_step_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is a migration add-social-media already"):
        write_step(tmp_path / "m", name, load_steps())
    assert not (tmp_path / "m").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    written = write_step(tmp_path, "own", load_steps())
    written.test.write_text("of theirs")
    with pytest.raises(UsageError, match="there is a migration own already"):
        write_step(tmp_path, "own", load_steps(tmp_path))
    written.step.unlink()
    with pytest.raises(UsageError, match=r"there is a file .*test_own\.py already"):
        write_step(tmp_path, "own", load_steps(tmp_path))
    assert written.test.read_text() == "of theirs"
    assert not written.step.exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileFailed) as failed:
        write_step(tmp_path / "file" / "migrations", "own", load_steps())
    assert str(tmp_path) in failed.value.message
