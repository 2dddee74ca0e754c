"""`with`: a command that meets another state, and stores that are as before once it has ended, however it ended."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from tests.faults.messages import Service
from tests.faults.proxy import fault_proxy
from tests.live import Application
from tests.system.test_undo import ENDPOINTS, edit, fingerprint, held_at
from tests.tool import AS_OF, PROGRAMS, Tool

#: A command that says its pid in a pipe and waits for a signal.
WAITS = """
import os, signal, sys
with open(sys.argv[1], "w") as pipe:
    pipe.write(f"{os.getpid()} ")
signal.pause()
"""
#: One that ends well on SIGTERM.
ENDS = WAITS.replace("with open", "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\nwith open")
#: One that says each Ctrl-C, and on SIGUSR1 how many there were.
COUNTS = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGUSR1})
count = 0
with open(sys.argv[1], "w", buffering=1) as pipe:
    pipe.write(f"{os.getpid()}\\n")
    while signal.sigwait({signal.SIGINT, signal.SIGUSR1}) == signal.SIGINT:
        count += 1
        pipe.write(f"{count}\\n")
sys.exit(count)
"""
#: One that damages what was kept of the stores.
DAMAGES = """
import sys, boto3
bucket = {"Bucket": sys.argv[2]}
s3 = boto3.client("s3", endpoint_url=sys.argv[1])
for each in s3.list_objects_v2(Prefix="packs/", **bucket)["Contents"]:
    s3.put_object(Key=each["Key"], Body=b"damaged", **bucket)
"""
PROGRAM = str(PROGRAMS / "tattoo-data")


class Pipe:
    """A named pipe in which a command tells how far it is."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path)
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def hear(self) -> int:
        """The next number that is told."""
        assert select.select([self._reader], [], [], 60)[0], "the command never got so far"
        return int(os.read(self._reader, 100))

    def close(self) -> None:
        """Give the reader back."""
        os.close(self._reader)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path / "pipe")
    yield made
    made.close()


def snapshots(tool: Tool) -> list[Any]:
    found: list[Any] = tool.ok("snapshots", "--json").json()["snapshots"]
    return found


@pytest.fixture
def before(any_tool: Tool) -> Iterator[str]:
    """The fingerprint of a target with an edit of the application's, which must be there again afterwards."""
    any_tool.ok("reset", "search-ready", "--as-of", AS_OF)
    live = Application(any_tool.environment)
    live.put({"PK": {"S": "AUDIT#1"}, "SK": {"S": "1"}, "b": {"BS": [b"\x00", b"\xff"]}})
    live.close()
    yield fingerprint(any_tool)


@pytest.fixture
def small(tool: Tool) -> str:
    """The fingerprint of a small target."""
    tool.ok("reset", "minimal", "--as-of", AS_OF)
    return fingerprint(tool)


@contextmanager
def running(tool: Tool, pipe: Pipe, code: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """`with clean` and a command of Python that has begun, where no terminal is."""
    process = subprocess.Popen(
        [PROGRAM, "with", "clean", "--", sys.executable, "-c", code, pipe.path],
        env=tool.variables(**variables),
        cwd=tool.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        pipe.hear()
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("state", ["fresh", "clean", "high-rating"])
def test_the_command_meets_the_state_and_everything_is_as_before(any_tool: Tool, before: str, state: str) -> None:
    (any_tool.cwd / "look.sh").write_text("tattoo-data status --json > seen.json; tattoo-data reset minimal; exit 7\n")
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = any_tool.run("with", "--as-of", AS_OF, state, "--", "sh", "look.sh", PATH=path)
    assert done.code == 7, done.stderr
    seen = json.loads((any_tool.cwd / "seen.json").read_text())
    assert (seen["state"], seen["lock"]) == (state, None)
    assert fingerprint(any_tool) == before
    assert snapshots(any_tool) == []
    assert any_tool.ok("status", "--json").json()["interrupted"] is None


def test_a_snapshot_is_a_state_too(any_tool: Tool, before: str) -> None:
    any_tool.ok("snapshot", "edited")
    any_tool.ok("reset", "clean")
    empty = fingerprint(any_tool)
    done = any_tool.run("with", "edited", "--", PROGRAM, "diff", "snapshot:edited")
    assert done.code == 0, done.stdout + done.stderr
    assert "no difference" in done.stdout
    assert fingerprint(any_tool) == empty
    assert [each["name"] for each in snapshots(any_tool)] == ["edited"]


def test_stdout_is_the_commands_and_stderr_says_what_happens(tool: Tool, small: str) -> None:
    done = tool.ok("with", "clean", "echo", "-n", "--json")
    assert done.stdout == "--json"
    assert "What the stores hold is kept as before-with@" in done.stderr
    assert done.stderr.endswith("They hold state clean now; running echo.\nThe stores are as before.\n")
    quiet = tool.ok("with", "-q", "clean", "--", "true")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_the_command_gets_the_variables_of_the_target(tool: Tool, small: str) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    variables = tool.ok("with", "minimal", "--", sys.executable, "-c", code, OWN="mine").json()
    printed = tool.ok("env", "--json").json()["variables"]
    assert {name: variables[name] for name in printed} == printed
    assert variables["OWN"] == "mine"
    other = tool.run("with", "--image-bucket", "other-bucket", "clean", "--", "sh", "-c", "echo $IMAGE_BUCKET")
    assert other.stdout == "other-bucket\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [(("sh", "-c", "exit 3"), 3), (("sh", "-c", "kill -KILL $$"), 137), (("no-such-command",), 127)],
)
def test_the_exit_code_is_the_commands(tool: Tool, small: str, command: tuple[str, ...], code: int) -> None:
    done = tool.run("with", "clean", "--", *command)
    assert (done.code, done.stdout) == (code, "")
    assert ("could not be run" in done.stderr) is (code == 127)
    assert fingerprint(tool) == small
    assert snapshots(tool) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("clen", "--", "true"), 10, ["no state, scenario or snapshot is called 'clen'", "Did you mean 'clean'?"]),
        (("state:nope", "true"), 10, ["no reset state is called 'nope'"]),
        (("live", "true"), 10, ["no state, scenario or snapshot is called 'live'"]),
        (("minimal+nope", "true"), 10, ["is called 'minimal+nope'"]),
        (("./nowhere.json", "true"), 2, ["there is no such file"]),
        (("clean",), 2, ["COMMAND"]),
        (("clean", "--"), 2, ["COMMAND"]),
        ((), 2, ["STATE"]),
        (("--nope", "clean", "true"), 2, ["--nope"]),
    ],
)
def test_what_cannot_be_begun_takes_nothing(
    tool: Tool, small: str, arguments: tuple[str, ...], code: int, words: list[str]
) -> None:
    runs = len(tool.ok("history", "--json").json()["runs"])
    done = tool.run("with", *arguments)
    assert (done.code, done.stdout) == (code, "")
    for each in words:
        assert each in done.stderr
    assert "is kept as" not in done.stderr
    assert len(tool.ok("history", "--json").json()["runs"]) == runs


def test_on_a_new_machine_the_stores_are_made_and_empty_again_afterwards(any_tool: Tool) -> None:
    done = any_tool.ok("with", "minimal", "--", PROGRAM, "status", "--json")
    assert json.loads(done.stdout)["state"] == "minimal"
    assert "There is no table, no index, no images yet: made, and empty again afterwards." in done.stderr
    assert any_tool.ok("status", "--json").json()["state"] == "clean"
    assert snapshots(any_tool) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_command_and_then_all_is_put_back(tool: Tool, small: str, pipe: Pipe, number: int) -> None:
    with running(tool, pipe, WAITS) as process:
        assert tool.ok("status", "--json").json()["state"] == "clean"
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert fingerprint(tool) == small
    assert snapshots(tool) == []


def test_a_command_that_ends_well_on_a_signal_gives_its_own_code(tool: Tool, small: str, pipe: Pipe) -> None:
    with running(tool, pipe, ENDS) as process:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 5
    assert fingerprint(tool) == small


def test_ctrl_c_at_a_terminal_reaches_the_command_once_each_time(tool: Tool, small: str, pipe: Pipe) -> None:
    leader, follower = pty.openpty()

    def take_terminal() -> None:
        ioctl(follower, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    process = subprocess.Popen(
        [PROGRAM, "with", "-q", "clean", "--", sys.executable, "-c", COUNTS, pipe.path],
        env=tool.variables(TERM="xterm"),
        cwd=tool.cwd,
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(follower)
    try:
        command = pipe.hear()
        for number in (1, 2):
            os.write(leader, b"\x03")
            assert pipe.hear() == number
        os.kill(command, signal.SIGUSR1)
        said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
        os.close(leader)
    assert process.returncode == 2, said
    assert fingerprint(tool) == small
    assert snapshots(tool) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_state_is_being_made_puts_back_what_was_written(tool: Tool, small: str, number: int) -> None:
    command = ("with", "fresh", "--", "touch", str(tool.cwd / "ran"))
    with held_at(tool, "_bulk", *command) as (process, goes_on):
        process.send_signal(number)
        goes_on.set()
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert not (tool.cwd / "ran").exists()
    assert fingerprint(tool) == small
    assert snapshots(tool) == []
    assert tool.ok("status", "--json").json()["interrupted"] is None


def test_a_signal_while_it_is_put_back_stops_nothing(tool: Tool, small: str) -> None:
    # The first bulk request makes the state, the second puts back.
    with held_at(tool, "_bulk", "with", "clean", "--", "sh", "-c", "exit 4", number=2) as (process, goes_on):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        goes_on.set()
        process.communicate(timeout=60)
    assert process.returncode == 4
    assert fingerprint(tool) == small
    assert snapshots(tool) == []


def test_what_cannot_be_put_back_is_kept_and_named(tool: Tool, small: str) -> None:
    where = (tool.environment["AWS_ENDPOINT_URL_S3"], tool.environment["BACKUP_BUCKET"])
    done = tool.run("with", "clean", "--", sys.executable, "-c", DAMAGES, *where)
    assert done.code == 1
    (left,) = snapshots(tool)
    assert "error: what the stores held before could not be put back: packs/" in done.stderr
    assert f"hint: It is kept. To put it back: tattoo-data restore {left['reference']}" in done.stderr


def test_a_snapshot_that_the_command_removes_is_told_with_another_way_back(tool: Tool, small: str) -> None:
    done = tool.run("with", "clean", "--", PROGRAM, "clear", "backups", "--yes")
    assert done.code == 1
    assert "is not there any more" in done.stderr
    assert "kept. To put it back" not in done.stderr
    assert "hint: `tattoo-data undo`" in done.stderr
    tool.ok("undo")
    assert fingerprint(tool) == small


def test_without_a_stdout_it_does_all_of_it_and_leaves_nothing_behind(tool: Tool, small: str) -> None:
    said = subprocess.run(
        ["sh", "-c", f"{PROGRAM} with clean -- sh -c 'touch ran; echo said' >&-"],
        env=tool.variables(),
        cwd=tool.cwd,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert said.returncode not in (0, 127), "the command could not say what it had to"
    assert (tool.cwd / "ran").exists()
    assert "The stores are as before." in said.stderr
    assert (snapshots(tool), fingerprint(tool)) == ([], small)


def test_a_store_that_is_gone_meanwhile_is_told_with_the_way_back(tool: Tool, small: str, pipe: Pipe) -> None:
    variable = ENDPOINTS[Service.OPENSEARCH]
    with ExitStack() as there:
        proxy = there.enter_context(fault_proxy(tool.environment[variable], Service.OPENSEARCH))
        with running(tool, pipe, WAITS, **{variable: proxy.url}) as process:
            there.close()
            process.terminate()
            _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    (left,) = snapshots(tool)
    assert f"tattoo-data restore {left['reference']}" in said
    tool.ok("restore", left["reference"])
    assert fingerprint(tool) == small


def test_while_somebody_else_writes_nothing_is_begun(tool: Tool, small: str) -> None:
    with held_at(tool, "_bulk", "reset", "search-ready", "--as-of", AS_OF) as (first, goes_on):
        done = tool.run("with", "clean", "--", "touch", str(tool.cwd / "ran"))
        assert done.code == 11
        assert not (tool.cwd / "ran").exists()
        goes_on.set()
        first.communicate()
    assert tool.ok("status", "--json").json()["state"] == "search-ready", "what the other wrote stands"
    assert snapshots(tool) == []


def test_what_others_write_meanwhile_goes_and_can_be_had_back(tool: Tool, small: str, pipe: Pipe) -> None:
    with running(tool, pipe, WAITS) as process:
        live = Application(tool.environment)
        edit(live, "Written while the command ran.")
        process.terminate()
        process.communicate(timeout=60)
    assert fingerprint(tool) == small
    tool.ok("undo")
    assert [item["bio"] for item in live.items()] == ["Written while the command ran."]
    live.close()


def test_the_day_of_the_target_is_as_before(tool: Tool) -> None:
    tool.ok("reset", "fresh", "--as-of", "2026-01-10")
    tool.ok("with", "minimal", "--", "true")
    status = tool.ok("status", "--json").json()
    assert (status["state"], status["asOf"]) == ("fresh", "2026-01-10")


def test_one_with_inside_another(tool: Tool, small: str) -> None:
    inner = (PROGRAM, "with", "fresh", "--", "sh", "-c", "exit 6")
    done = tool.run("with", "clean", "--", *inner)
    assert done.code == 6, done.stderr
    assert fingerprint(tool) == small
    assert snapshots(tool) == []
