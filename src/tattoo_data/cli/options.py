"""The options that every command has, and the invocation that a command gets from them."""

from __future__ import annotations

import functools
import gc
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.output import Output
from tattoo_data.clock import Clock

if TYPE_CHECKING:
    from tattoo_data.environment import Environment
    from tattoo_data.settings import Settings
    from tattoo_data.stores.retrying import Patience
    from tattoo_data.stores.wire import Trace

Function = Callable[..., Any]

#: flag -> (setting, what it says)
_TARGET = {
    "--aws-endpoint-url": ("aws_endpoint", "Where DynamoDB and S3 answer."),
    "--opensearch-endpoint": ("opensearch_endpoint", "Where OpenSearch answers."),
    "--table": ("table", "The DynamoDB table."),
    "--index": ("index", "The OpenSearch index."),
    "--backup-bucket": ("backup_bucket", "The bucket of backups and runs."),
    "--image-bucket": ("image_bucket", "The bucket of images."),
}
_SETTINGS = ("as_of", "local", "debug", "yes", "config", *(name for name, _ in _TARGET.values()))


@dataclass(kw_only=True)
class Invocation:
    """One command line: what to print how, the settings, and the way to open the stores."""

    command: str
    arguments: tuple[str, ...]
    output: Output
    flags: Mapping[str, Any]
    started: float
    clock: Clock

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings, resolved once."""
        from tattoo_data.settings import resolve

        return resolve(self.flags, os.environ, _folder())

    @contextmanager
    def environment(
        self,
        *,
        write: bool = False,
        trace: Trace | None = None,
        patience: Patience | None = None,
        progress: bool = True,
    ) -> Iterator[Environment]:
        """The settings resolved to open stores; closed afterwards. Without `progress`, none is shown."""
        from tattoo_data.cli.trace import joined, print_settings, tracer
        from tattoo_data.engine.flow import no_progress
        from tattoo_data.environment import open_environment

        settings = self.settings
        if settings.debug:
            print_settings(settings)
        traces = [each for each in (tracer() if settings.debug else None, trace) if each]
        with (
            self.output.progress() if progress else nullcontext(no_progress) as shown,
            open_environment(
                settings,
                self.clock,
                write=write,
                say=self.output.say,
                progress=shown,
                trace=joined(traces) if traces else None,
                patience=patience,
            ) as env,
        ):
            gc.freeze()
            gc.enable()
            yield env

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return round(self.clock.monotonic() - self.started, 3)

    def envelope(self, **fields: Any) -> dict[str, Any]:
        """The JSON document of a result that asked no store: command, elapsed seconds and target first."""
        from tattoo_data.monitoring.remember import target_document

        return {
            "command": self.command,
            "elapsedSeconds": self.elapsed(),
            "target": target_document(self.settings),
            **fields,
        }


def _folder() -> Path:
    """The current folder. Raises `UsageError` where it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        from tattoo_data.errors import UsageError

        raise UsageError(what="the current folder does not exist any more", hint="`cd` into one that does.") from None


def common(function: Function) -> Function:
    """The options of every command. The command gets an `Invocation` as its first argument."""

    @functools.wraps(function)
    def wrapper(**options: Any) -> Any:
        clock = Clock()
        context = click.get_current_context()
        output = Output(json=options.pop("json"), quiet=options.pop("quiet"), verbose=options.pop("verbose"))
        flags = {name: options.pop(name) for name in _SETTINGS if name in options}
        invocation = Invocation(
            command=context.info_name or "",
            arguments=tuple(sys.argv[1:]),
            output=output,
            flags=flags,
            started=clock.monotonic(),
            clock=clock,
        )
        return function(invocation, **options)

    decorated: Function = wrapper
    for flag, (name, text) in reversed(_TARGET.items()):
        decorated = click.option(flag, name, metavar="URL" if "endpoint" in name else "NAME", help=text)(decorated)
    for option in reversed(_COMMON):
        decorated = option(decorated)
    return decorated


def writing(function: Function) -> Function:
    """The options of every command that writes to a live store. The command gets them as `write`."""

    @functools.wraps(function)
    def wrapper(**options: Any) -> Any:
        from tattoo_data.engine.verify import Verify
        from tattoo_data.runs.session import WriteOptions

        write = WriteOptions(
            dry_run=options.pop("dry_run"),
            verify=Verify(options.pop("verify")),
            undo=not options.pop("no_undo"),
            wait=options.pop("wait"),
        )
        return function(write=write, **options)

    decorated: Function = wrapper
    for option in reversed(_WRITING):
        decorated = option(decorated)
    return decorated


def yes(function: Function) -> Function:
    """`--yes`, for commands that ask before they delete."""
    option = click.option(
        "-y", "--yes", is_flag=True, default=None, help="Answer yes to the question before a deletion."
    )
    return option(function)


class _Seconds(click.FloatRange):
    """Seconds from 0 on; NaN, which no bound keeps out, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return seconds


def wait_option(text: str) -> Callable[[Function], Function]:
    """`--wait`, in seconds, with what it waits for."""
    return click.option("--wait", type=_Seconds(0, 86_400), default=0, metavar="SECONDS", help=text)


def wait_for_prune(function: Function) -> Function:
    """`--wait`, for commands that share the backup bucket with a prune."""
    return wait_option("Wait for another's prune.  [0]")(function)


def services(function: Function) -> Function:
    """`--only`, for commands that may be narrowed to some stores, which are named as `clear` names them. The command
    gets a tuple of them."""

    @functools.wraps(function)
    def wrapper(*arguments: Any, only: tuple[str, ...], **options: Any) -> Any:
        from tattoo_data.transfer.services import SERVICES

        return function(*arguments, only=tuple(SERVICES[name] for name in only), **options)

    return click.option(
        "--only",
        multiple=True,
        type=click.Choice(["dynamodb", "opensearch", "s3"]),
        help="Only this store; may be repeated.",
    )(wrapper)


def require_path(path: str) -> None:
    """Raise `UsageError` where a path is empty, as of a variable that is not set: it would mean the current folder."""
    from tattoo_data.errors import UsageError

    if not path:
        raise UsageError(what="the path is empty", hint="The current folder is `.`; is a variable not set?")


def as_of(function: Function) -> Function:
    """`--as-of`, for commands that resolve the catalogue's dates."""
    return click.option("--as-of", metavar="YYYY-MM-DD", help="The day that relative dates count from.  [today]")(
        function
    )


_COMMON = (
    click.option("--json", is_flag=True, help="Print one JSON document."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing but the result."),
    click.option("-v", "--verbose", count=True, help="Say more; may be repeated."),
    click.option("--debug", is_flag=True, default=None, help="Show settings and every request on stderr."),
    click.option("--config", metavar="FILE", help="The settings file.  [tattoo-data.toml]"),
    click.option("--local", is_flag=True, default=None, help="Use our own local stack, whatever else answers."),
)
_WRITING = (
    click.option("--dry-run", is_flag=True, help="Print the plan, and change nothing."),
    yes,
    click.option(
        "--verify",
        type=click.Choice(["keys", "full", "none"]),
        default="keys",
        show_default=True,
        help="Read back what was written, everything, or nothing.",
    ),
    click.option("--no-undo", is_flag=True, help="Keep no before-images: there is no way back, and no room is needed."),
    wait_option("Wait for another command that writes to this target.  [0]"),
)
