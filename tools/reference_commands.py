"""Reference of commands: what click knows of every program, as Markdown."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from tattoo_data.cli import main

#: program -> its verbs, as `main` has them.
UTILITIES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "selective-seeder": main.SELECTIVE_SEEDER,
    "data-reset": main.DATA_RESET,
    "data-manager": main.DATA_MANAGER,
    "data-validator": main.DATA_VALIDATOR,
    "data-migration-utility": main.DATA_MIGRATION_UTILITY,
    "data-monitoring-utility": main.DATA_MONITORING_UTILITY,
    "data-sync-utility": main.DATA_SYNC_UTILITY,
}
_PART = re.compile(r"(Touches|Example|Exit status):\s*(.*?)(?=\n\s*\n(?:Touches|Example|Exit status):|\Z)", re.DOTALL)
_STATUS = re.compile(r"^ *(\d+) +(\S.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option as help shows it."""

    names: str
    text: str


def module_command(module: str) -> click.Command:
    """The command of a module in `cli/commands`."""
    command: click.Command = importlib.import_module(f"tattoo_data.cli.commands.{module}").command
    return command


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command of `tattoo-data` that does something, with the words that call it."""
    for name, (module, _) in main.COMMANDS.items():
        command = module_command(module)
        if not isinstance(command, click.Group):
            yield name, command
            continue
        if command.invoke_without_command:
            yield name, command
        yield from ((f"{name} {verb}", each) for verb, each in command.commands.items())


def options(name: str, command: click.Command) -> list[Option]:
    """The options of a command that are shown."""
    with click.Context(command, info_name=f"tattoo-data {name}") as context:
        records = [each.get_help_record(context) for each in command.params if isinstance(each, click.Option)]
    return [Option(names=record[0], text=record[1]) for record in records if record]


def part(command: click.Command, title: str) -> str:
    """A part of a command's epilog: Touches, Example or Exit status."""
    found = {match[1]: match[2] for match in _PART.finditer((command.epilog or "").replace("\b\n", ""))}
    return found.get(title, "").strip("\n")


def exit_status() -> Iterator[tuple[int, str, str]]:
    """What every command says of its exit codes: code, command, when."""
    for name, command in leaves():
        for line in part(command, "Exit status").splitlines():
            if match := _STATUS.match(line):
                yield int(match[1]), name, match[2]


def commands_page() -> str:
    """The page of `tattoo-data`."""
    every = dict(leaves())
    shared = _shared(every)
    lines = ["# Commands", "", "`tattoo-data COMMAND --help` says the same. The old names of the utilities: "]
    lines[-1] += "[utilities](utilities.md)."
    lines += ["", *(f"- [{name}](#{_anchor(name)}): {_line(command)}" for name, command in every.items())]
    lines += ["", "## Options of every command", "", *_options(shared)]
    for name, command in every.items():
        lines += ["", f"## {name}", "", *_command(name, command, shared)]
    return "\n".join(lines)


def utilities_page() -> str:
    """The page of the other programs: which command each verb is."""
    names = {id(command): name for name, command in leaves()}
    lines = [
        "# The utilities by their old names",
        "",
        "Each verb is the command beside it, with its options and exit status.",
    ]
    for program, verbs in UTILITIES.items():
        lines += ["", f"## {program}", "", "| verb | command | |", "|---|---|---|"]
        for verb, (module, text) in verbs.items():
            name = names[id(module_command(module))]
            lines.append(f"| `{program} {verb}` | [{name}](commands.md#{_anchor(name)}) | {text} |")
    lines += ["", "## integration-test", "", "It has no verbs: [integration-test](commands.md#integration-test)."]
    return "\n".join(lines)


def _shared(every: Mapping[str, click.Command]) -> list[Option]:
    sets = [options(name, command) for name, command in every.items()]
    return [each for each in sets[0] if all(each in other for other in sets)]


def _command(name: str, command: click.Command, shared: Sequence[Option]) -> Iterator[str]:
    with click.Context(command, info_name=f"tattoo-data {name}") as context:
        pieces = " ".join(command.collect_usage_pieces(context))
    yield from ("```text", f"tattoo-data {name} {pieces}", "```", "", *_prose(command), "")
    if own := [each for each in options(name, command) if each not in shared]:
        yield from (*_options(own), "")
    yield from (f"Touches: {' '.join(part(command, 'Touches').split())}", "", "```text")
    yield from (line.removeprefix("  ") for line in part(command, "Example").splitlines())
    yield from ("```", "", "| exit | |", "|---|---|")
    for line in part(command, "Exit status").splitlines():
        if match := _STATUS.match(line):
            yield f"| {match[1]} | {_cell(match[2])} |"


def _prose(command: click.Command) -> Iterator[str]:
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        verbatim = paragraph.startswith("\b")
        yield from ([""] if number else [])
        if verbatim:
            yield from ("```text", *paragraph.removeprefix("\b\n").splitlines(), "```")
        else:
            yield " ".join(paragraph.split())


def _options(found: Sequence[Option]) -> Iterator[str]:
    yield from ("| option | |", "|---|---|")
    yield from (f"| `{_cell(each.names)}` | {_cell(each.text)} |" for each in found)


def _line(command: click.Command) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
