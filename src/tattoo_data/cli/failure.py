"""How an error reaches the user: one message and one hint on stderr, and a true exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise, takewhile

import click

from tattoo_data.cli import interrupted
from tattoo_data.cli.streams import say
from tattoo_data.errors import TattooDataError


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Print `error` on stderr, as text or with `--json` as one document, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    arguments = _own(arguments)
    if "--debug" in arguments or _is_debug(os.environ.get("DEBUG", "")):
        _print_traceback()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message() + "\n")
        return error.exit_code
    document = _document(error)
    if "--json" in arguments:
        from tattoo_data.cli.output import json_text

        say(json_text({"error": document}) + "\n")
    else:
        say(_text(document) + "\n")
    return int(str(document["exitCode"]))


def _own(arguments: Sequence[str]) -> Sequence[str]:
    """The words that are for this tool: behind the state of `with` stand those of another command, but for options
    that are there by mistake."""
    if arguments[:1] != ["with"]:
        return arguments
    from tattoo_data.cli.commands.with_ import command

    options = (each for each in command.params if isinstance(each, click.Option))
    valued = {name for each in options if not (each.is_flag or each.count) for name in each.opts}
    pairs = enumerate(pairwise(arguments), start=1)
    state = next(
        (at for at, (before, word) in pairs if before not in valued and not word.startswith("-")), len(arguments)
    )
    rest = takewhile(lambda word: word.startswith("-") and word != "--", arguments[state + 1 :])
    return [*arguments[:state], *rest]


def _document(error: BaseException) -> dict[str, object]:
    if isinstance(error, TattooDataError):
        return dict(error.document()["error"])  # type: ignore[call-overload, no-any-return]
    if isinstance(error, click.NoSuchOption) and _comes_too_early(error.ctx):
        path = error.ctx.command_path if error.ctx else "tattoo-data"
        message = f"the option {error.option_name} comes before the command"
        return _made("UsageError", message, f"Options come after it: {path} COMMAND {error.option_name}", 2)
    if isinstance(error, click.UsageError):
        usage = error.ctx.command_path if error.ctx else "tattoo-data"
        return _made("UsageError", error.format_message(), f"`{usage} --help` shows how it is used.", 2)
    if isinstance(error, click.ClickException):
        return _made("UsageError", error.format_message(), "`--help` behind the command shows how it is used.", 2)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return interrupted.document()
    name = type(error).__name__
    return _made("InternalError", f"{name}: {error}", "This is a fault of the tool. --debug shows where it is.", 1)


def _comes_too_early(context: click.Context | None) -> bool:
    """Whether an option stands where only a command can."""
    command = context.command if context else None
    return isinstance(command, click.Group) and not command.invoke_without_command


def _made(error_id: str, message: str, hint: str, exit_code: int) -> dict[str, object]:
    return {"id": error_id, "message": message, "hint": hint, "exitCode": exit_code, "details": {}}


def _text(document: dict[str, object]) -> str:
    lines = [f"error: {document['message']}"]
    if document["hint"]:
        lines += ["", f"hint: {document['hint']}"]
    return "\n".join(lines)


def _is_debug(value: str) -> bool:
    return value.lower() not in ("", "0", "false")


def _print_traceback() -> None:
    import traceback

    say(traceback.format_exc())
