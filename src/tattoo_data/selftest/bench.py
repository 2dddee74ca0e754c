"""Bench: what checks are tried out on. Everything that a check meets comes from here, so that a test can break it."""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import tattoo_data
from tattoo_data.clock import Clock
from tattoo_data.environment import Environment
from tattoo_data.errors import ScratchFailed
from tattoo_data.selftest.check import CheckFailed, expect
from tattoo_data.selftest.mine import look, require_any
from tattoo_data.selftest.programs import Processes, Programs, Ran, settings_file, variables_of, without_ours
from tattoo_data.selftest.scratch import Scratch, scratch_target
from tattoo_data.stores.wire import Trace

#: Only what is run on the target is told of this file: it lets through what the user's own does.
_TARGET_FILE = "target.toml"
#: Verb -> the module of its command, and its line of help.
Verbs = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What this version says that it has: each utility with its verbs and the function (`module:name`) behind it, and
    the package of the commands. `scripts` are the console scripts that were installed with it, None where nobody can
    tell."""

    verbs: Mapping[str, Verbs]
    functions: Mapping[str, str]
    package: str
    scripts: frozenset[str] | None = None


def module_names() -> list[str]:
    """Every module of the package. Raises what importing a package of it raises."""

    def fail(name: str) -> None:
        importlib.import_module(name)  # once more, so that its own error is seen

    found = pkgutil.walk_packages(tattoo_data.__path__, f"{tattoo_data.__name__}.", onerror=fail)
    return [each.name for each in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Utilities to run, modules to load, a folder, and with a target the scratch stores: `mine` is the user's target,
    and `before` what it held at the start."""

    surface: Surface
    run: Programs
    folder: Path
    clock: Clock
    modules: Callable[[], list[str]] = module_names
    load: Callable[[str], object] = importlib.import_module
    scratch: Scratch | None = None
    mine: Environment | None = None
    before: Mapping[str, str] = field(default_factory=dict)

    @property
    def env(self) -> Environment:
        """The scratch target."""
        return self.require_scratch().env

    def require_scratch(self) -> Scratch:
        """The scratch target with what removes it."""
        if self.scratch is None:
            raise CheckFailed("there is no target to try it out on")
        return self.scratch

    def hold(self, state: str) -> str:
        """Make the scratch stores equal a reset state, read all of it back, and return the fingerprint."""
        from tattoo_data.engine.verify import Verify
        from tattoo_data.runs.session import WriteOptions
        from tattoo_data.seeding.reset import ResetOptions, reset

        done = reset(self.env, ResetOptions(state=state, write=WriteOptions(verify=Verify.FULL)))
        expect(not done.change.failures, f"reset {state}: {_first(done.change.failures)}")
        expect(done.proof is None or not done.proof.broken, f"reset {state}: it does not answer as it promises")
        expect(done.change.fingerprint, f"reset {state}: its fingerprint is not known")
        return str(done.change.fingerprint)

    def ok(self, program: str, *arguments: str) -> Ran:
        """Run a utility on the scratch target, and require that it ends with 0."""
        return self.run(program, *arguments).ended(0)


@contextmanager
def bare_bench(surface: Surface, environ: Mapping[str, str], clock: Clock) -> Iterator[Bench]:
    """A bench without a target."""
    with _folder() as folder:
        run = Processes(functions=surface.functions, inherited=without_ours(environ), folder=folder, target={})
        yield Bench(surface=surface, run=run, folder=folder, clock=clock)


@contextmanager
def open_bench(
    surface: Surface,
    environ: Mapping[str, str],
    mine: Environment,
    *,
    watch: bool,
    trace: Trace | None = None,
    hold: Callable[[], None] = lambda: None,
) -> Iterator[Bench]:
    """A bench with a scratch target beside the user's. With `watch`, the user's is looked at first. `hold` is called
    when the removing begins. Raises `Unreachable` where no service answers at all."""
    require_any(mine)
    before = look(mine) if watch else {}
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(_folder())
        scratch = cleanup.enter_context(scratch_target(mine, trace=trace, hold=hold))
        settings = scratch.env.settings
        config = folder / _TARGET_FILE
        config.write_text(settings_file(settings), "utf-8")
        run = Processes(
            functions=surface.functions,
            inherited=without_ours(environ),
            folder=folder,
            target=variables_of(settings, scratch.env.target, config),
        )
        yield Bench(
            surface=surface,
            run=run,
            folder=folder,
            clock=mine.clock,
            scratch=scratch,
            mine=mine,
            before=before,
        )


@contextmanager
def _folder() -> Iterator[Path]:
    try:
        made = tempfile.TemporaryDirectory(prefix="tattoo-data-selftest-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ScratchFailed(folder=tempfile.gettempdir(), reason=error.strerror or str(error)) from error
    with made as folder:
        path = Path(folder)
        # A settings file is looked for up to the top of a checkout: nobody else's is found from here
        (path / ".git").mkdir()
        yield path


def _first(failures: tuple[object, ...]) -> str:
    return str(failures[0]) if failures else ""
