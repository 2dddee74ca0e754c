"""With: the order of acts, and what becomes of the stores whatever fails; with acts that only note that they ran."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from tattoo_data.errors import Locked, NotPutBack, StoreError, TattooDataError, UnknownName
from tattoo_data.views.child import Signals, Stopped
from tattoo_data.views.with_state import Acts, with_state

SNAPSHOT = "before-with@1"


@dataclass(slots=True)
class Stage:
    """Acts that note their names. Each of `fails` raises its error, each of `meets` has a signal come in its middle."""

    signals: Signals
    fails: Mapping[str, BaseException] = field(default_factory=dict)
    meets: Mapping[str, int] = field(default_factory=dict)
    code: int = 0
    done: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def acts(self) -> Acts:
        """What `with_state` is given."""
        return Acts(
            take=self._take,
            reset=lambda: self._does("reset"),
            run=self._run,
            restore=self._about("restore"),
            delete=self._about("delete"),
            say=self.said.append,
        )

    def _take(self) -> str:
        self._does("take")
        return SNAPSHOT

    def _about(self, name: str) -> Callable[[str], None]:
        def act(reference: str) -> None:
            assert reference == SNAPSHOT
            self._does(name)

        return act

    def _run(self) -> int:
        self._does("run")
        return self.code

    def _does(self, name: str) -> None:
        if name in self.meets:
            signal.raise_signal(self.meets[name])
        if name in self.fails:
            raise self.fails[name]
        self.done.append(name)


def play(stage: Stage) -> int:
    with stage.signals as signals:
        return with_state(stage.acts(), signals)


def broken(operation: str) -> StoreError:
    return StoreError(service="dynamodb", endpoint="here", operation=operation, reason="broken")


LOCKED = Locked(holder="`seed minimal`", age=3)


@pytest.mark.parametrize("code", [0, 1, 4, 137])
def test_all_goes_well_and_the_commands_code_is_given(code: int) -> None:
    stage = Stage(Signals(), code=code)
    assert play(stage) == code
    assert stage.done == ["take", "reset", "run", "restore", "delete"]
    assert stage.said == [f"What the stores hold is kept as {SNAPSHOT}."]


@pytest.mark.parametrize(
    ("act", "done"),
    [
        ("take", []),
        ("reset", ["take", "restore", "delete"]),
        ("run", ["take", "reset", "restore", "delete"]),
    ],
)
def test_whatever_fails_is_raised_once_the_stores_are_as_before(act: str, done: list[str]) -> None:
    stage = Stage(Signals(), fails={act: broken(act)})
    with pytest.raises(StoreError, match=f"failed in {act}"):
        play(stage)
    assert stage.done == done


@pytest.mark.parametrize("error", [broken("put"), RuntimeError("oh"), OSError("no room")])
def test_what_cannot_be_put_back_is_kept_and_named(error: Exception) -> None:
    stage = Stage(Signals(), fails={"restore": error})
    with pytest.raises(NotPutBack) as failed:
        play(stage)
    assert stage.done == ["take", "reset", "run"], "the snapshot is not deleted"
    assert failed.value.exit_code == 1
    assert failed.value.hint.endswith(f"tattoo-data restore {SNAPSHOT}")
    assert (error.message if isinstance(error, TattooDataError) else str(error)) in failed.value.message


def test_a_snapshot_that_is_gone_is_not_said_to_be_kept() -> None:
    stage = Stage(Signals(), fails={"restore": UnknownName(kind="snapshot", name=SNAPSHOT, known=())})
    with pytest.raises(NotPutBack, match=f"the snapshot {SNAPSHOT} is not there any more") as failed:
        play(stage)
    assert "kept" not in failed.value.message + failed.value.hint
    assert "restore" not in failed.value.hint
    assert failed.value.hint.startswith("`tattoo-data undo`")


def test_where_nothing_can_be_said_the_snapshot_goes_and_nothing_is_changed() -> None:
    stage = Stage(Signals())

    def say(text: str) -> None:
        raise ValueError("closed")

    with stage.signals as signals, pytest.raises(ValueError, match="closed"):
        with_state(replace(stage.acts(), say=say), signals)
    assert stage.done == ["take", "delete"]


def test_where_the_reset_and_the_putting_back_fail_it_is_the_latter_that_counts() -> None:
    stage = Stage(Signals(), fails={"reset": broken("put"), "restore": broken("get")})
    with pytest.raises(NotPutBack, match="failed in get"):
        play(stage)
    assert stage.done == ["take"]


def test_a_snapshot_that_cannot_be_removed_is_named_and_no_failure() -> None:
    stage = Stage(Signals(), fails={"delete": broken("delete")}, code=5)
    assert play(stage) == 5
    assert stage.done == ["take", "reset", "run", "restore"]
    assert stage.said[-1].startswith(f"note: the snapshot {SNAPSHOT} could not be removed: ")


def test_where_somebody_else_writes_nothing_is_put_back_over_it() -> None:
    stage = Stage(Signals(), fails={"reset": LOCKED})
    with pytest.raises(Locked):
        play(stage)
    assert stage.done == ["take", "delete"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(("act", "done"), [("take", []), ("reset", ["take", "restore", "delete"])])
def test_a_signal_before_the_command_stops_and_puts_back(number: int, act: str, done: list[str]) -> None:
    stage = Stage(Signals(), meets={act: number})
    with pytest.raises(Stopped) as stopped:
        play(stage)
    assert (stopped.value.number, stopped.value.exit_code) == (number, 128 + number)
    assert stage.done == done


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_stop_the_putting_back(number: int) -> None:
    stage = Stage(Signals(), meets={"reset": signal.SIGINT, "restore": number, "delete": number})
    with pytest.raises(Stopped) as stopped:
        play(stage)
    assert stopped.value.number == signal.SIGINT
    assert stage.done == ["take", "restore", "delete"]


@pytest.mark.parametrize("act", ["run", "restore", "delete"])
def test_a_signal_once_the_command_was_begun_leaves_its_code(act: str) -> None:
    stage = Stage(Signals(), meets={act: signal.SIGTERM}, code=3)
    assert play(stage) == 3
    assert stage.done == ["take", "reset", "run", "restore", "delete"]
    assert stage.signals.came == [signal.SIGTERM]


def test_a_signal_while_a_failure_is_put_back_changes_nothing() -> None:
    stage = Stage(Signals(), fails={"reset": broken("put")}, meets={"restore": signal.SIGINT})
    with pytest.raises(StoreError):
        play(stage)
    assert stage.done == ["take", "restore", "delete"]
