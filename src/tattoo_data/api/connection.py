"""The connection behind a session: settings, the stores once something needs them, and the answer to questions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from typing import Literal, TypedDict

from tattoo_data.clock import Clock
from tattoo_data.engine.verify import Verify
from tattoo_data.environment import Environment, Say, open_environment
from tattoo_data.errors import ConfirmationNeeded, UnknownChoice
from tattoo_data.model.entry import StoreName
from tattoo_data.runs.session import WriteOptions
from tattoo_data.settings import Settings
from tattoo_data.stores.retrying import Patience
from tattoo_data.stores.wire import Trace
from tattoo_data.transfer.services import SERVICES


class Writing(TypedDict, total=False):
    """What every writing verb can be told: `dry_run` plans and changes nothing, `verify` says how much is read back,
    `undo` False keeps no before-images, `wait` is how many seconds to wait for another writer."""

    dry_run: bool
    verify: Literal["keys", "full", "none"]
    undo: bool
    wait: float


class Connection:
    """Opens the stores when they are first needed, and gives them back when it is closed."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self.settings = settings
        self.clock = Clock()
        self.say = say
        self._env: Environment | None = None
        self._for_writing = False
        self._cleanup = ExitStack()

    def reading(self) -> Environment:
        """The stores, opened to be read. Raises as `open_environment` does."""
        return self._env or self._open(write=False)

    def apart(
        self, *, trace: Trace | None = None, patience: Patience | None = None
    ) -> AbstractContextManager[Environment]:
        """The stores once more, for what goes on beside other verbs or is traced. Raises as `open_environment` does."""
        return open_environment(self.settings, self.clock, say=self.say, trace=trace, patience=patience)

    def writing(self, write: WriteOptions, question: str | None = None) -> Environment:
        """The stores, opened to be written, unless it is a dry run. Raises `ConfirmationNeeded` where the command line
        would put the `question`."""
        if write.dry_run:
            return self.reading()
        env = self._env if self._env and self._for_writing else self._open(write=True)
        self.confirm_elsewhere(question, env)
        return env

    def confirm_elsewhere(self, question: str | None, env: Environment) -> None:
        """The same as `confirm` on a target that is not local; nothing on others, and where there is no question."""
        if question and not env.target.local:
            self.confirm(question, env)

    def confirm(self, action: str, env: Environment) -> None:
        """Raise `ConfirmationNeeded` unless the session was connected with `yes=True`, or TATTOO_DATA_YES is set."""
        if not self.settings.yes:
            raise ConfirmationNeeded(
                action=action, target=env.target.aws_endpoint, hint="connect(yes=True), or set TATTOO_DATA_YES=1."
            )

    def close(self) -> None:
        """Give all connections back. Idempotent."""
        self._env = None
        self._cleanup.close()

    def _open(self, *, write: bool) -> Environment:
        self.close()
        opened = open_environment(self.settings, self.clock, write=write, say=self.say)
        self._env, self._for_writing = self._cleanup.enter_context(opened), write
        return self._env


def write_options(given: Writing) -> WriteOptions:
    """What is given, and the default of the rest. Raises `UnknownChoice`, and TypeError for an option that is none."""
    if unknown := given.keys() - Writing.__annotations__.keys():
        raise TypeError(f"no writing verb takes {', '.join(sorted(unknown))}")
    verify = given.get("verify", "keys")
    if verify not in list(Verify):
        raise UnknownChoice(kind="verify", name=verify, known=list(Verify))
    return WriteOptions(
        dry_run=given.get("dry_run", False),
        verify=Verify(verify),
        undo=given.get("undo", True),
        wait=given.get("wait", 0.0),
    )


def stores_of(names: Iterable[str]) -> tuple[StoreName, ...]:
    """Stores by our names for them, or their services'. Raises `UnknownChoice`."""
    known = {name.value: name for name in StoreName} | dict(SERVICES)
    for name in names:
        if name not in known:
            raise UnknownChoice(kind="store", name=name, known=known)
    return tuple(known[name] for name in names)
