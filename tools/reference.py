"""`python -m tools.reference`: write docs/reference/ from the code: commands, settings, errors and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tattoo_data import errors
from tattoo_data.catalog import Scenario, scenarios, states
from tattoo_data.errors import TattooDataError
from tattoo_data.migrations.load import load_steps
from tattoo_data.settings.specs import SPECS, Spec
from tattoo_data.validation.rules.every import markdown as rules
from tools.reference_commands import commands_page, exit_status, leaves, utilities_page
from tools.reference_json import json_page

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "reference"
TROUBLESHOOTING = DOCS / "guides" / "troubleshooting.md"
_NOTE = "<!-- written by `make docs`; edit the code instead -->\n"
_SETTINGS = """# Settings

Taken from the option, else the variable, else the file, else the default. `tattoo-data config` prints each one with
where it came from; secrets are never printed. How a target is chosen: [settings and safety](../settings.md).
Thresholds of alerts: [monitoring](../monitoring.md).

"""
_ERRORS = """# Errors

An error is one message and one hint on stderr. With `--json` it is one document there,
`{"error": {"id", "message", "hint", "exitCode", "details"}}`. The id never changes; the words may. `{...}` is filled
in, and a hint that is empty here may be made where the error is raised.

"""
_RULES = """# Rules

What `tattoo-data validate` looks for; `--rule ID` asks one, `--skip-rule ID` leaves one out. How to use them:
[validation](../validation.md). What `migrate validate` adds: [migrations](../migrations.md#checking).

"""
_SCENARIOS = """# Scenarios

`tattoo-data seed NAME`, or several as `A+B`. Your own: [scenarios](../scenarios.md).
"""
_STATES = """# Reset states

`tattoo-data reset NAME`. The source is nothing, everything, everything with copies, the newest backup, or a
[scenario](scenarios.md).

"""
_MIGRATIONS = """# Migrations

The ones that ship. What each does in detail, and how to write your own: [migrations](../migrations.md).

"""

#: Every exit code and what it means.
MEANINGS: Mapping[int, str] = {
    0: "done, nothing left over",
    1: "failed",
    2: "wrong usage, or a setting is wrong; nothing was done",
    3: "finished, but some records failed; they are named",
    4: "checked: differences, invalid data, unhealthy or pending",
    10: "a snapshot, scenario, state, store or run that was named is not there",
    11: "another command writes to this target",
    12: "data fails its integrity check, or the stores do not answer as promised",
    13: "some records need a decision; they were left and are named",
    14: "a service cannot be reached",
    15: "refused: the target, its structure or the credentials",
    126: "`with` cannot run the command that it was given",
    127: "`with` did not find the command that it was to run; else it ends with that command's own code",
    130: "interrupted; the same command again ends what was begun",
}
#: What the command line makes of errors that are not the product's own: id -> (exit code, message, hint).
OUTSIDE: Mapping[str, tuple[int, str, str]] = {
    "Interrupted": (130, "interrupted", "Run the same command again: it ends what was begun."),
    "InternalError": (1, "the exception's name and text", "This is a fault of the tool. --debug shows where it is."),
}


def kinds(root: type[TattooDataError] = TattooDataError) -> Iterator[type[TattooDataError]]:
    """Every error of `errors.py`, parents first, in the order of the file."""
    yield root
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from kinds(each)


def advised() -> list[str]:
    """The error ids that the troubleshooting guide has a section for."""
    return re.findall(r"^## ([A-Z]\w+)$", TROUBLESHOOTING.read_text("utf-8"), re.MULTILINE)


def pages() -> dict[str, str]:
    """Each page's name and text."""
    made = {
        "commands.md": commands_page(),
        "utilities.md": utilities_page(),
        "settings.md": _settings(),
        "errors.md": _errors(),
        "exit-codes.md": _exit_codes(),
        "rules.md": _rules(),
        "scenarios.md": _scenarios(),
        "states.md": _states(),
        "migrations.md": _migrations(),
        "json.md": json_page(),
    }
    return {name: _NOTE + text.rstrip() + "\n" for name, text in made.items()}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in row) + " |" for row in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _settings() -> str:
    flags = _flags()

    def row(spec: Spec) -> list[str]:
        default = "never shown" if spec.secret and spec.default else _code(spec.default or "")
        variables = ", ".join(map(_code, spec.variables))
        return [_code(spec.name), spec.help, variables, _code(spec.place), _code(flags.get(spec.name, "")), default]

    head = ["setting", "what it is", "variables", "in `tattoo-data.toml`", "option", "default"]
    return _SETTINGS + _table(head, map(row, SPECS))


def _flags() -> dict[str, str]:
    names = {spec.name for spec in SPECS}
    params = [each for _, command in leaves() for each in command.params]
    return {each.name: each.opts[-1] for each in params if each.name in names}


def _errors() -> str:
    known = advised()

    def row(name: str, code: int, message: str, hint: str) -> list[str]:
        more = f"[advice](../guides/troubleshooting.md#{name.lower()})" if name in known else ""
        return [_code(name), str(code), message, hint, more]

    rows = [row(each.__name__, each.exit_code, each.template, each.hint_template) for each in kinds()]
    rows += [row(name, *rest) for name, rest in OUTSIDE.items()]
    return _ERRORS + _table(["id", "exit", "message", "hint", ""], rows)


def _exit_codes() -> str:
    by_code: dict[int, list[str]] = {code: [] for code in MEANINGS}
    for each in kinds():
        by_code[each.exit_code].append(_code(each.__name__))
    for name, (code, _, _) in OUTSIDE.items():
        by_code[code].append(_code(name))
    rows = [[str(code), MEANINGS[code], ", ".join(names)] for code, names in sorted(by_code.items())]
    said = [[str(code), _code(name), words] for code, name, words in sorted(exit_status(), key=lambda each: each[0])]
    return (
        "# Exit codes\n\n"
        + _table(["code", "meaning", "errors"], rows)
        + "\n## What each command says of them\n\n"
        + _table(["code", "command", "when"], said)
    )


def _rules() -> str:
    return _RULES + rules().replace("### ", "## ")


def _scenarios() -> str:
    return _SCENARIOS + "\n".join(line for each in scenarios() for line in _scenario(each))


def _scenario(each: Scenario) -> Iterator[str]:
    yield from ("", f"## {each.name}", "", f"{each.description}. For: {each.use_case}.", "")
    yield f"- Chosen by: `{each.where}`" if each.where else f"- Artists: {', '.join(each.artists)}"
    if promise := each.promise:
        yield f"- Holds for each artist: `{promise.each}`"
        yield f"- How many artists: {_amount(promise.least, promise.most)}"
        if promise.studios is not None:
            yield f"- How many studios: {promise.studios}"
        if promise.quartiles_of:
            yield f"- Reaches all four quartiles of `{promise.quartiles_of}`"
    asked = ", ".join(f"{search.kind} `{search.value}`" for search in each.searches)
    yield f"- Searches that are asked: {asked}"


def _amount(least: int, most: int | None) -> str:
    return f"{least} or more" if most is None else f"{least}" if most == least else f"{least} to {most}"


def _states() -> str:
    rows = [[_code(each.name), each.description, each.actions, each.source] for each in states()]
    return _STATES + _table(["state", "what it is", "actions", "source"], rows)


def _migrations() -> str:
    rows = [
        [_code(each.id), each.version, each.description, ", ".join(map(_code, each.writes)), _kinds(each.kinds)]
        for each in load_steps()
    ]
    return _MIGRATIONS + _table(["migration", "version", "what it does", "writes", "of"], rows)


def _kinds(found: Iterable[object]) -> str:
    return ", ".join(sorted(str(getattr(each, "value", each)) for each in found))


def write() -> None:
    """Write every page, and remove those that there are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write()
