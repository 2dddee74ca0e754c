"""The local stack: started once, on loopback, whatever happened to it before."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from tattoo_data import environment, stack
from tattoo_data.clock import Clock
from tattoo_data.engine.rebuild import rebuild_index
from tattoo_data.environment import start_local
from tattoo_data.errors import StackFailed
from tattoo_data.processes import boot_id, start_of
from tattoo_data.settings import resolve
from tattoo_data.stack import lifecycle, servers, state
from tattoo_data.stack.lifecycle import is_alive
from tattoo_data.stack.ports import free_port, is_emulator, is_free
from tattoo_data.stack.state import Options, Server, ServerName
from tattoo_data.stores.base import Target
from tattoo_data.stores.index_door import IndexDoor
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.retrying import RetryingBucket
from tests.engines.start import free_port as any_port
from tests.stub import Answer, stub
from tests.test_processes import correct_clock
from tests.tool import AS_OF, Tool

INDEX = "artists-local"
_WAITS = "import signal; print('up', flush=True); signal.pause()"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_WAITS}"


@pytest.fixture
def options(tmp_path: Path) -> Iterator[Options]:
    made = Options(home=tmp_path / "state", aws_port=any_port(), opensearch_port=any_port())
    yield made
    for server in _known(made):
        if psutil.pid_exists(server["pid"]):
            os.kill(server["pid"], signal.SIGKILL)


@pytest.fixture
def local(options: Options, tmp_path: Path) -> Tool:
    """The command line with nothing named, and a stack of its own."""
    variables = {
        "TATTOO_DATA_HOME": str(options.home),
        "TATTOO_DATA_AWS_PORT": str(options.aws_port),
        "TATTOO_DATA_OPENSEARCH_PORT": str(options.opensearch_port),
    }
    return Tool(variables, tmp_path)


def _known(options: Options) -> list[dict[str, Any]]:
    path = options.folder / "servers.json"
    return json.loads(path.read_text()) if path.exists() else []


def server_of(pid: int, name: ServerName = ServerName.AWS) -> Server:
    """A process as a server that was started."""
    return Server(name=name, pid=pid, boot=boot_id(), started=start_of(pid), port=1)


def pids(tool: Tool) -> dict[str, int | None]:
    found = tool.ok("stack", "status", "--json").json()["servers"]
    return {each["name"]: each["pid"] for each in found}


def kill(tool: Tool, name: str) -> None:
    pid = pids(tool)[name]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)], timeout=10) if psutil.pid_exists(pid) else None


def documents(options: Options) -> set[str]:
    """The documents that the index holds, without a command that could mend it."""
    with urllib.request.urlopen(f"{index_of(options)}/_search?size=1000&_source=false") as answer:
        return {each["_id"] for each in json.load(answer)["hits"]["hits"]}


def index_of(options: Options) -> str:
    found = stack.running(options)
    assert found is not None
    return f"{found.opensearch_endpoint}/{INDEX}"


def s3(tool: Tool) -> Any:
    url = json.loads(tool.ok("env", "--json").stdout)["variables"]["AWS_ENDPOINT_URL"]
    return boto3.client(
        "s3", endpoint_url=url, region_name="eu-west-2", aws_access_key_id="test", aws_secret_access_key="test"
    )


def test_it_starts_by_itself_and_only_on_loopback(local: Tool) -> None:
    reset = local.ok("reset", "minimal", "--as-of", AS_OF)
    assert "starting one" in reset.stderr
    status = local.ok("status", "--json").json()
    assert (status["state"], status["target"]["embedded"]) == ("minimal", True)
    assert {store["engine"].split()[0] for store in status["stores"].values()} == {"ministack", "osmem"}
    for pid in pids(local).values():
        listening = [each for each in psutil.Process(pid).net_connections() if each.status == psutil.CONN_LISTEN]
        assert listening
        assert {each.laddr.ip for each in listening} == {"127.0.0.1"}


def test_up_twice_is_up_once(local: Tool) -> None:
    first = local.ok("stack", "up", "--json").json()
    assert first["started"] == ["aws", "opensearch"]
    second = local.ok("stack", "up", "--json").json()
    assert second["started"] == []
    assert [each["pid"] for each in first["servers"]] == [each["pid"] for each in second["servers"]]


def test_two_starts_at_once_start_one_stack(local: Tool) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: local.ok("stack", "up", "--json").json(), range(3)))
    assert len({tuple(each["pid"] for each in one["servers"]) for one in done}) == 1
    assert sorted(len(one["started"]) for one in done) == [0, 0, 2]


def test_an_orderly_stop_keeps_the_table_and_the_index_is_rebuilt(local: Tool) -> None:
    before = local.ok("reset", "minimal", "--as-of", AS_OF, "--json").json()["fingerprint"]
    assert "Stopped aws, opensearch." in local.ok("stack", "down").stdout
    assert pids(local) == {"aws": None, "opensearch": None}
    status = local.ok("status", "--json")
    assert status.json()["fingerprint"] == before
    assert "rebuilt" in status.stderr
    assert "orderly" not in status.stderr


def test_after_kill_9_the_loss_is_said_and_objects_are_there(local: Tool) -> None:
    local.ok("reset", "minimal", "--as-of", AS_OF)
    client = s3(local)
    count = client.list_objects_v2(Bucket="tattoo-directory-images")["KeyCount"]
    assert count > 0
    kill(local, "aws")
    shown = local.ok("stack", "status")
    assert "not stopped in an orderly way" in shown.stdout
    again = local.ok("stack", "up", "--json")
    assert again.json()["tableLost"] is True
    assert again.json()["started"] == ["aws"]
    assert client.list_objects_v2(Bucket="tattoo-directory-images")["KeyCount"] == count
    client.close()
    done = local.ok("reset", "minimal", "--as-of", AS_OF, "--json").json()
    assert done["changes"]["images"]["unchanged"] == count
    assert local.ok("status", "--json").json()["state"] == "minimal"


def test_an_index_server_that_died_is_started_and_filled_again(local: Tool) -> None:
    local.ok("reset", "minimal", "--as-of", AS_OF)
    kill(local, "opensearch")
    status = local.ok("status", "--json").json()
    assert (status["state"], status["consistent"]) == ("minimal", True)


@pytest.mark.parametrize("half", [False, True])
def test_an_index_whose_rebuild_was_killed_is_rebuilt_by_the_next_command(
    local: Tool, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool
) -> None:
    """Before it began, or when half of it was done."""

    def killed(stores: LiveStores, pool: Executor, index: IndexDoor) -> None:
        if half:
            rebuild_index(stores, pool, index)
            index.delete([Target(min(before))])
            index.settle()
        raise KeyboardInterrupt

    local.ok("reset", "minimal", "--as-of", AS_OF)
    before = documents(options)
    kill(local, "opensearch")
    monkeypatch.setattr(environment, "rebuild_index", killed)
    with pytest.raises(KeyboardInterrupt):
        start_local(resolve({}, local.environment, tmp_path), Clock())
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: local.ok("status", "--json"), range(3)))
    assert sum("rebuilt from the table" in each.stderr for each in done) == 1
    assert {each.json()["consistent"] for each in done} == {True}
    assert documents(options) == before


def test_a_rebuild_that_failed_is_done_again(options: Options) -> None:
    state.make_folders(options)
    state.mark_index_lost(options)
    with pytest.raises(ZeroDivisionError), stack.rebuilding(options) as lost:
        assert lost
        raise ZeroDivisionError
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(rebuild, [options] * 4)) == [False, False, False, True]


def rebuild(options: Options) -> bool:
    with stack.rebuilding(options) as lost:
        return lost


def test_starting_the_stack_gives_everything_back(
    local: Tool, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.ok("reset", "minimal")
    kill(local, "opensearch")
    closed: list[RetryingBucket] = []

    def close(bucket: RetryingBucket) -> None:
        closed.append(bucket)

    monkeypatch.setattr(RetryingBucket, "close", close)
    _, rebuilt = start_local(resolve({}, local.environment, tmp_path), Clock())
    assert rebuilt is not None
    assert rebuilt.refused == ()
    (repository,) = closed
    monkeypatch.undo()
    repository.close()


def test_a_taken_port_is_said_and_the_next_one_used(local: Tool, options: Options) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", options.aws_port))
        taken.listen()
        done = local.ok("stack", "up", "--json").json()
        assert any(f"Port {options.aws_port} is taken" in note for note in done["notes"])
        assert done["servers"][0]["url"] != f"http://127.0.0.1:{options.aws_port}"
        assert local.ok("reset", "minimal").code == 0


def test_another_emulator_on_our_port_is_not_taken_for_ours(local: Tool, tmp_path: Path) -> None:
    with stub(lambda asked: Answer(body=b'{"services":{"s3":"available"},"version":"4"}')) as server:
        foreign = Tool({**local.environment, "TATTOO_DATA_AWS_PORT": str(server.port)}, tmp_path)
        refused = foreign.run("reset", "minimal")
        assert refused.code == 2
        assert f"export AWS_ENDPOINT_URL=http://localhost:{server.port}" in refused.stderr
        assert {asked.method for asked in server.asked} == {"GET"}
        assert foreign.ok("reset", "minimal", "--local").code == 0
        foreign.ok("stack", "down")


def test_credentials_of_an_account_are_not_used_without_an_endpoint(local: Tool) -> None:
    account = {
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_PROFILE": "production",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    local.ok("reset", "minimal", **account)
    assert local.ok("status", "--json").json()["state"] == "minimal", "the same data with and without them"
    for pid in pids(local).values():
        environment = psutil.Process(pid).environ()
        assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "HTTPS_PROXY"} & set(environment)


def test_our_own_endpoint_by_name_is_the_same_target(local: Tool) -> None:
    local.ok("reset", "minimal", "--as-of", AS_OF)
    url = json.loads(local.ok("env", "--json").stdout)["variables"]["AWS_ENDPOINT_URL"]
    for name in (url, url.replace("127.0.0.1", "localhost")):
        status = local.ok("status", "--json", AWS_ENDPOINT_URL=name).json()
        assert (status["state"], status["target"]["embedded"]) == ("minimal", True)


def test_logs_wipe_and_what_is_left(local: Tool, options: Options) -> None:
    local.ok("reset", "minimal")
    (options.home / "of-the-user").write_text("mine")
    assert "== aws ==" in local.ok("stack", "logs").stdout
    assert local.ok("stack", "logs", "opensearch", "--json").json()["logs"]
    refused = local.run("stack", "wipe")
    assert refused.code == 2
    assert "--yes" in refused.stderr
    local.ok("stack", "wipe", "--yes")
    assert not options.folder.exists()
    assert (options.home / "of-the-user").read_text() == "mine"
    assert "nothing was running" in local.ok("stack", "down").stdout


def test_a_damaged_note_of_what_runs_is_no_obstacle(options: Options) -> None:
    options.folder.mkdir(parents=True)
    (options.folder / "servers.json").write_text('[{"name": "aws"')
    assert stack.running(options) is None
    started = stack.up(options, Clock())
    assert len(started.servers) == 2
    stack.down(options, Clock())


def test_another_process_with_the_same_pid_is_not_ours() -> None:
    ours = server_of(os.getpid())
    assert is_alive(ours)
    assert not is_alive(replace(ours, started=ours.started - 100))
    assert not is_alive(replace(ours, boot="another"))
    assert not is_alive(replace(ours, pid=2**22 - 1))


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the system keeps the time of the start")
def test_a_corrected_clock_ends_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = server_of(os.getpid())
    correct_clock(monkeypatch, 100.0)
    assert is_alive(ours)


def test_a_server_that_dies_at_once_says_why(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: object) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no such luck')"]

    monkeypatch.setattr(servers, "_COMMANDS", dict.fromkeys(ServerName, dying))
    with pytest.raises(StackFailed, match="no such luck"):
        stack.up(options, Clock())
    assert stack.running(options) is None


def test_a_port_that_is_taken_in_the_last_moment_is_given_up(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    with stub(lambda asked: Answer(body=b'{"services":{},"version":{"number":"1"}}')) as other:
        given = iter([other.port])
        monkeypatch.setattr(lifecycle, "free_port", lambda preferred: next(given, None) or free_port(preferred))
        started = stack.up(options, Clock())
        assert started.aws_endpoint != other.url
        assert {each.method for each in other.asked} <= {"GET"}
        assert stack.running(options) is not None
        stack.down(options, Clock())


def test_a_server_that_took_the_place_of_another_is_ended_too(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ends because its port is taken, and the one in its place never answers."""
    begun: list[subprocess.Popen[str]] = []

    def spawn(*_: object) -> int:
        begun.append(child(_WAITS if begun else ""))
        return begun[-1].pid

    monkeypatch.setattr(servers, "spawn", spawn)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        given = iter([taken.getsockname()[1]])
        monkeypatch.setattr(lifecycle, "free_port", lambda preferred: next(given, None) or free_port(preferred))
        with pytest.raises(StackFailed, match="did not answer"):
            stack.up(options, hurried(lambda: begun[0].wait()))
    assert [ended(each) for each in begun] == [0, -signal.SIGKILL, -signal.SIGKILL]


def test_the_table_is_kept_where_only_the_index_had_to_be_killed(options: Options) -> None:
    aws, opensearch = running_as(options, aws=_WAITS, opensearch=_STUBBORN)
    with pytest.raises(StackFailed, match="opensearch did not stop") as failed:
        stack.down(options, hurried(lambda: aws.wait()))
    assert [ended(aws), ended(opensearch)] == [-signal.SIGTERM, -signal.SIGKILL]
    assert state.is_clean(options)
    assert "Nothing is lost" in failed.value.hint


def test_the_table_may_be_lost_where_its_server_had_to_be_killed(options: Options) -> None:
    (aws,) = running_as(options, aws=_STUBBORN)
    with pytest.raises(StackFailed, match="aws did not stop") as failed:
        stack.down(options, hurried())
    assert ended(aws) == -signal.SIGKILL
    assert not state.is_clean(options)
    assert "its table may be lost" in failed.value.hint


def test_wiping_goes_on_where_a_server_had_to_be_killed(options: Options) -> None:
    (aws,) = running_as(options, aws=_STUBBORN)
    assert [each.pid for each in stack.wipe(options, hurried())] == [aws.pid]
    assert ended(aws) == -signal.SIGKILL
    assert not options.folder.exists()


def child(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def running_as(options: Options, **codes: str) -> list[subprocess.Popen[str]]:
    """Processes that are known as servers, once they say that they are up."""
    state.make_folders(options)
    state.mark_running(options)
    made = {ServerName(name): child(code) for name, code in codes.items()}
    for process in made.values():
        assert process.stdout
        assert process.stdout.readline() == "up\n"
    state.write(options, {name: server_of(process.pid, name) for name, process in made.items()})
    return list(made.values())


def ended(process: subprocess.Popen[str]) -> int:
    """How a process ended; one that runs on is a failure."""
    try:
        process.communicate(timeout=10)
    finally:
        process.kill()
    return process.returncode


def hurried(sleep: Callable[[], object] = lambda: None) -> Clock:
    """A clock on which each sleep lasts long, and nobody waits."""
    seconds = itertools.count(step=15)
    now = [next(seconds)]

    def slept(_: float) -> None:
        sleep()
        now[0] = next(seconds)

    return Clock(monotonic=lambda: now[0], sleep=slept)


def test_ports() -> None:
    port = any_port()
    assert is_free(port)
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", port))
        taken.listen()
        assert not is_free(port)
        assert free_port(port) > port
    assert is_emulator(port) is False
