"""Load: which files are steps, in which order, and every way in which one can be none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import StepBroken, UnknownName
from tattoo_data.migrations.load import file_name, find_step, load_steps
from tattoo_data.migrations.step import Context, Step
from tattoo_data.migrations.steps import add_missing_fields
from tattoo_data.model.records import Kind
from tests.migrations.steps.records import CONTEXT

SHIPPED = ["add-missing-fields", "normalize-locations", "update-portfolio-structure", "add-social-media"]
GOOD = """\"\"\"Do it.

And more.\"\"\"
VERSION = "1.5.0"
WRITES = ("example",)


def up(record, context):
    return record
"""


def write(folder: Path, text: str = GOOD, name: str = "own_step.py", **changes: str) -> Path:
    """A file of a step, with some of its words replaced."""
    for old, new in changes.items():
        said = {"version": '"1.5.0"', "writes": '("example",)', "up": "def up(record, context):"}[old]
        assert said in text
        text = text.replace(said, new)
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def ids(steps: Sequence[Step]) -> list[str]:
    return [step.id for step in steps]


def broken(folder: Path) -> str:
    """Why the steps cannot be loaded; the file is named."""
    with pytest.raises(StepBroken) as found:
        load_steps(folder)
    assert str(folder) in found.value.message
    return found.value.message


def test_four_steps_ship_in_the_order_of_their_versions() -> None:
    steps = load_steps()
    assert ids(steps) == SHIPPED
    assert [step.version for step in steps] == ["1.1.0", "1.2.0", "1.3.0", "1.4.0"]
    assert steps[0].up is add_missing_fields.up
    assert all(step.kinds == {Kind.ARTIST} and step.description.endswith(".") for step in steps)
    assert [step.id for step in steps if step.left] == ["normalize-locations"]


def test_a_step_says_what_it_is(tmp_path: Path) -> None:
    more = 'READS = ["bio"]\nKINDS = ("studio", "artist")\nMAPPING = {"example": {"type": "keyword"}}\n'
    path = write(tmp_path, GOOD + more + "def left(record):\n    return 'odd'\n")
    step = load_steps(tmp_path)[-1]
    assert (step.id, step.version, step.description, step.path) == ("own-step", "1.5.0", "Do it.", str(path))
    assert (step.writes, step.reads) == (("example",), ("bio",))
    assert step.kinds == {Kind.ARTIST, Kind.STUDIO}
    assert step.mapping == {"example": {"type": "keyword"}}
    assert step.left is not None and step.left({}) == "odd"
    assert step.up({"a": 1}, CONTEXT) == {"a": 1}


def test_what_a_step_need_not_say(tmp_path: Path) -> None:
    write(tmp_path, GOOD.partition('"""\n')[2])
    step = load_steps(tmp_path)[-1]
    assert (step.description, step.reads, step.mapping, step.left) == ("own_step", (), {}, None)


def test_a_folder_that_is_not_there_has_no_steps(tmp_path: Path) -> None:
    assert ids(load_steps(tmp_path / "migrations")) == ids(load_steps(None)) == SHIPPED


def test_a_folder_that_is_a_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "migrations").write_text("x")
    assert "should be a folder" in broken(tmp_path / "migrations")


@pytest.mark.parametrize("name", ["test_own.py", "conftest.py", "_places.py", "__init__.py", ".hidden.py", "notes.txt"])
def test_what_stands_beside_steps_is_none(tmp_path: Path, name: str) -> None:
    write(tmp_path, "this is no python", name)
    assert ids(load_steps(tmp_path)) == SHIPPED


@pytest.mark.parametrize(
    ("version", "place"), [("1.4.1", 4), ("1.10.0", 4), ("1.1.5", 1), ("0.9.0", 0), ("1.02.1", 2), ("2.0.0", 4)]
)
def test_own_steps_stand_where_their_version_says(tmp_path: Path, version: str, place: int) -> None:
    write(tmp_path, version=f'"{version}"')
    assert ids(load_steps(tmp_path)).index("own-step") == place


def test_versions_are_numbers_and_no_texts(tmp_path: Path) -> None:
    write(tmp_path, name="ten.py", version='"1.10.0"')
    write(tmp_path, name="nine.py", version='"1.9.0"')
    assert ids(load_steps(tmp_path))[4:] == ["nine", "ten"]


# What is no step.


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def up(record, context)\n    pass\n", "line 1: expected ':'"),
        ("\x00", "null bytes"),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
        ("", "it has no VERSION"),
        ('VERSION = "1.5.0"\n', "it has no function up"),
        ('VERSION = "1.5.0"\nup = 5\n', "it has no function up"),
        ('VERSION = "1.5.0"\ndef up(record, context): ...\n', "it has no WRITES"),
    ],
)
def test_a_file_that_is_no_step(tmp_path: Path, text: str, why: str) -> None:
    path = write(tmp_path, text)
    assert f"the migration {path} is broken: {why}" in broken(tmp_path) or why in broken(tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_bytes(b"\xff\xfe")
    assert "own.py" in broken(tmp_path)


@pytest.mark.parametrize(
    "version", ['"1.5"', '"1.5.0.0"', '"v1.5.0"', '"1.5.0\\n"', '""', "150", "1.5", "None", '"1.5.٣"']
)
def test_a_version_is_three_numbers(tmp_path: Path, version: str) -> None:
    write(tmp_path, version=version)
    assert "VERSION is" in broken(tmp_path)


@pytest.mark.parametrize("version", ["1.2.0", "1.02.0", "01.2.0"])
def test_a_version_that_is_taken(tmp_path: Path, version: str) -> None:
    path = write(tmp_path, version=f'"{version}"')
    words = broken(tmp_path)
    assert f"{path} is broken: its version {version} is that of" in words
    assert words.endswith("normalize_locations.py")


def test_two_own_steps_of_one_version(tmp_path: Path) -> None:
    write(tmp_path, name="a.py")
    write(tmp_path, name="b.py")
    assert "b.py is broken: its version 1.5.0 is that of" in broken(tmp_path)


@pytest.mark.parametrize("name", ["add_social_media.py", "add-social-media.py"])
def test_a_name_that_is_taken(tmp_path: Path, name: str) -> None:
    write(tmp_path, name=name)
    assert "has its name" in broken(tmp_path)


@pytest.mark.parametrize("writes", ['"example"', "5", "None", '("example", 5)', '{"example"}'])
def test_writes_are_names(tmp_path: Path, writes: str) -> None:
    write(tmp_path, writes=writes)
    assert "WRITES is" in broken(tmp_path)


@pytest.mark.parametrize("name", ["PK", "SK", "gsi1pk", "artistId", "studioId", "styleId"])
def test_no_step_writes_a_key(tmp_path: Path, name: str) -> None:
    write(tmp_path, writes=f'("bio", "{name}")')
    assert f"WRITES has {name}, which is a record's key" in broken(tmp_path)


@pytest.mark.parametrize("kinds", ['"artist"', '("artists",)', '("painter",)', "5"])
def test_kinds_are_those_there_are(tmp_path: Path, kinds: str) -> None:
    write(tmp_path, GOOD + f"KINDS = {kinds}\n")
    assert "KINDS" in broken(tmp_path)


@pytest.mark.parametrize("mapping", ["[]", '("example",)', '{"example": "keyword"}', "None"])
def test_a_mapping_has_properties(tmp_path: Path, mapping: str) -> None:
    write(tmp_path, GOOD + f"MAPPING = {mapping}\n")
    assert "MAPPING is" in broken(tmp_path)


@pytest.mark.parametrize(
    ("mapping", "wrong"),
    [
        ('{"artistName": {"type": "keyword"}}', "artistName: type is keyword, not text"),
        ('{"pricing": {"properties": {}}}', "pricing.hourlyRate is not mapped"),
    ],
)
def test_a_mapping_leaves_what_searches_need(tmp_path: Path, mapping: str, wrong: str) -> None:
    write(tmp_path, GOOD + f"MAPPING = {mapping}\n")
    assert f"MAPPING contradicts what searches need: {wrong}" in broken(tmp_path)


def test_left_is_a_function(tmp_path: Path) -> None:
    write(tmp_path, GOOD + 'left = "odd"\n')
    assert "left is 'odd'" in broken(tmp_path)


def test_a_file_that_was_broken_and_is_mended_loads(tmp_path: Path) -> None:
    write(tmp_path, "1 / 0\n")
    broken(tmp_path)
    write(tmp_path)
    assert ids(load_steps(tmp_path))[-1] == "own-step"


def test_steps_of_two_folders_with_one_name_are_their_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, up=f"def up(record, context):\n    return {{'is': '{name}'}}")
    assert [load_steps(tmp_path / name)[-1].up({}, CONTEXT) for name in ("a", "b")] == [{"is": "a"}, {"is": "b"}]


def test_a_step_may_have_dataclasses_and_files_beside_it(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom pathlib import Path\n"
    text += "@dataclass(slots=True)\nclass Area:\n    name: str\nTEXT = (Path(__file__).parent / 'a.txt').read_text()\n"
    (tmp_path / "a.txt").write_text("beside")
    write(tmp_path, text + GOOD.partition('"""\n')[2].replace("return record", "return {'text': TEXT}"))
    assert load_steps(tmp_path)[-1].up({}, CONTEXT) == {"text": "beside"}


def test_nothing_of_a_file_that_fails_stays(tmp_path: Path) -> None:
    before = set(sys.modules)
    write(tmp_path, "1 / 0\n", "never_seen_before.py")
    broken(tmp_path)
    assert {name for name in set(sys.modules) - before if "never_seen_before" in name} == set()


# Names.


@pytest.mark.parametrize("name", SHIPPED)
def test_a_step_is_found_by_its_name(name: str) -> None:
    assert find_step(load_steps(), name).id == name


@pytest.mark.parametrize("name", ["add-social-medai", "add_social_media", "", "ADD-SOCIAL-MEDIA"])
def test_a_name_that_is_not_known_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(UnknownName) as found:
        find_step(load_steps(), name)
    assert found.value.exit_code == 10
    assert all(each in found.value.message for each in SHIPPED)
    if name.startswith("add"):
        assert "add-social-media" in found.value.hint


@pytest.mark.parametrize(
    "name", ["", "1st", "-x", "Add", "a b", "a/b", "../a", "a.py", "é", "test-x", "test_", "conftest"]
)
def test_names_that_no_step_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        file_name(name)


@given(st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True))
def test_a_file_of_a_name_is_a_step_of_that_name(name: str) -> None:
    try:
        file = file_name(name)
    except ValueError:
        assert name.replace("-", "_").startswith(("test_", "conftest"))
        return
    assert file.removesuffix(".py").replace("_", "-") == name.replace("_", "-")


def test_the_day_and_the_choice_of_a_context_are_the_same_again() -> None:
    options = ["a", "b", "c"]
    chosen = [Context(as_of=CONTEXT.as_of).choice(f"artist-{number}", options) for number in range(50)]
    assert chosen == [CONTEXT.choice(f"artist-{number}", options) for number in range(50)]
    assert set(chosen) == set(options)
    nothing: Any = CONTEXT.picture("http://nowhere")
    assert nothing is None


@pytest.mark.parametrize("act", ["print('said')", "def other():\n    print('said')\n\nother()"])
def test_what_a_file_prints_goes_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str], act: str) -> None:
    text = f"{GOOD}\n{act}\n".replace("    return record", "    print('in up', end='.')\n    return record")
    write(tmp_path / "own", text)
    step = find_step(load_steps(tmp_path / "own"), "own-step")
    assert step.up({}, CONTEXT) == {}
    assert tuple(capsys.readouterr()) == ("", "said\nin up.")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (GOOD.replace("def up", "async def up"), "up"),
        (GOOD.replace("def up", "async def up").replace("return", "yield"), "up"),
        (f"{GOOD}\n\nasync def left(record):\n    return None\n", "left"),
    ],
)
def test_a_function_that_would_have_to_be_awaited_is_refused(tmp_path: Path, text: str, name: str) -> None:
    write(tmp_path / "own", text)
    assert f"{name} is `async def`" in broken(tmp_path / "own")
