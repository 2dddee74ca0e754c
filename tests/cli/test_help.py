"""Help: what every command says of itself, and that the quick table tells the truth."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping

import click
import pytest

from tattoo_data import __version__
from tattoo_data.cli.main import (
    COMMANDS,
    DATA_MANAGER,
    DATA_MIGRATION_UTILITY,
    DATA_MONITORING_UTILITY,
    DATA_RESET,
    DATA_SYNC_UTILITY,
    DATA_VALIDATOR,
    SELECTIVE_SEEDER,
)
from tests.tool import Tool

PROGRAMS: dict[str, Mapping[str, tuple[str, str]]] = {
    "tattoo-data": COMMANDS,
    "selective-seeder": SELECTIVE_SEEDER,
    "data-reset": DATA_RESET,
    "data-manager": DATA_MANAGER,
    "data-validator": DATA_VALIDATOR,
    "data-migration-utility": DATA_MIGRATION_UTILITY,
    "data-monitoring-utility": DATA_MONITORING_UTILITY,
    "data-sync-utility": DATA_SYNC_UTILITY,
}


def _command(module: str) -> click.Command:
    command: click.Command = importlib.import_module(f"tattoo_data.cli.commands.{module}").command
    return command


def _leaves() -> Iterator[tuple[str, click.Command]]:
    for name, (module, _) in COMMANDS.items():
        command = _command(module)
        if isinstance(command, click.Group):
            yield from ((f"{name} {each}", command.commands[each]) for each in command.commands)
            if not command.invoke_without_command:
                continue
        yield name, command


LEAVES = dict(_leaves())


@pytest.mark.parametrize(("program", "name"), [(each, name) for each, table in PROGRAMS.items() for name in table])
def test_the_table_of_commands_says_what_the_command_says(program: str, name: str) -> None:
    module, line = PROGRAMS[program][name]
    said = (_command(module).help or "").split("\n\n")[0].replace("\n", " ").strip()
    # `list` of a utility is the first half of what the command of that module does.
    assert said.startswith(line.rstrip(".")) if name == "list" else said == line


@pytest.mark.parametrize("name", list(LEAVES))
def test_help_says_what_it_touches_an_example_and_the_exit_status(name: str, bare: Tool) -> None:
    shown = bare.ok(*name.split(), "--help").stdout
    for part in ("Usage:", "Touches:", "Example:", "Exit status:", "--json", "--quiet", "--debug"):
        assert part in shown, part
    assert re.search(r"Example:\n\s+(eval \"\$\()?tattoo-data ", shown)
    assert "\b" not in shown
    assert re.search(r"Exit status:\n\s+0 ", shown)


@pytest.mark.parametrize("name", list(LEAVES))
def test_every_option_says_what_it_does(name: str) -> None:
    for each in LEAVES[name].params:
        if isinstance(each, click.Option) and not each.hidden:
            assert each.help, f"{each.name} has no help"


@pytest.mark.parametrize("name", ["seed", "reset", "clear", "import"])
def test_writing_commands_have_their_options(name: str, bare: Tool) -> None:
    shown = bare.ok(name, "--help").stdout
    for option in ("--dry-run", "--yes", "--verify", "--table", "--index", "--backup-bucket", "--image-bucket"):
        assert option in shown


@pytest.mark.parametrize("program", list(PROGRAMS))
def test_each_program_lists_its_commands_and_its_version(program: str, bare: Tool) -> None:
    shown = bare.run("--help", program=program)
    assert shown.code == 0
    for name, (_, line) in PROGRAMS[program].items():
        assert name in shown.stdout
        assert line.split(".")[0] in " ".join(shown.stdout.split())
    assert __version__ in bare.run("--version", program=program).stdout


def test_the_seeds_verbs_and_no_others(bare: Tool) -> None:
    assert list(SELECTIVE_SEEDER) == ["list", "seed"]
    assert list(DATA_RESET) == ["list", "reset", "snapshot", "restore", "validate", "clear"]
    assert list(DATA_MIGRATION_UTILITY) == ["list", "run", "run-all", "validate", "rollback"]
    assert list(DATA_MONITORING_UTILITY) == ["check", "monitor", "report", "alerts", "clear-alerts", "test-alerts"]
    assert list(DATA_SYNC_UTILITY) == [
        "dynamo-to-os",
        "os-to-dynamo",
        "detect-conflicts",
        "resolve-conflicts",
        "sync-point",
        "validate-sync-point",
    ]
    assert list(DATA_VALIDATOR) == ["files", "database", "opensearch", "consistency", "all"]
    assert sorted(DATA_MANAGER) == ["backup", "export", "import", "list-backups", "restore"]
    listed = bare.run("list", program="selective-seeder").stdout
    assert "search-basic" in listed
    assert "minimal" in listed
    assert "backup-restore" in bare.run("list", program="data-reset").stdout


@pytest.mark.parametrize("arguments", [(), ("-h",), ("reset", "-h")])
def test_help_ends_with_0_or_2_and_never_fails(arguments: tuple[str, ...], bare: Tool) -> None:
    result = bare.run(*arguments)
    assert result.code == (0 if arguments else 2)
    assert "Usage:" in result.stdout + result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_script(shell: str, bare: Tool) -> None:
    assert "_TATTOO_DATA_COMPLETE" in bare.ok("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("tattoo-data re", "reset"),
        ("tattoo-data reset fr", "fresh"),
        ("tattoo-data seed search-basic+loc", "search-basic+location-london"),
        ("tattoo-data clear dyn", "dynamodb"),
        ("tattoo-data reset --verify f", "full"),
    ],
)
def test_names_are_completed(words: str, offered: str, bare: Tool) -> None:
    count = str(len(words.split()) - 1)
    shown = bare.run(_TATTOO_DATA_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    assert offered in [line.partition(",")[2] for line in shown.stdout.splitlines()]
