"""The local stack: started once, on loopback, whatever happened to it before."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from tattoo_data import stack
from tattoo_data.clock import Clock
from tattoo_data.errors import StackFailed
from tattoo_data.stack.lifecycle import is_alive
from tattoo_data.stack.ports import free_port, is_emulator, is_free
from tattoo_data.stack.state import Options, Server, ServerName
from tests.engines.start import free_port as any_port
from tests.stub import Answer, stub
from tests.tool import AS_OF, Tool


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


def pids(tool: Tool) -> dict[str, int | None]:
    found = tool.ok("stack", "status", "--json").json()["servers"]
    return {each["name"]: each["pid"] for each in found}


def kill(tool: Tool, name: str) -> None:
    pid = pids(tool)[name]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)], timeout=10) if psutil.pid_exists(pid) else None


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
    ours = psutil.Process()
    server = Server(name=ServerName.AWS, pid=ours.pid, created=ours.create_time(), port=1)
    assert is_alive(server)
    assert not is_alive(Server(name=ServerName.AWS, pid=ours.pid, created=ours.create_time() - 100, port=1))
    assert not is_alive(Server(name=ServerName.AWS, pid=2**22 - 1, created=0.0, port=1))


def test_a_server_that_dies_at_once_says_why(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tattoo_data.stack import servers

    def dying(*_: object) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no such luck')"]

    monkeypatch.setattr(servers, "_COMMANDS", dict.fromkeys(ServerName, dying))
    with pytest.raises(StackFailed, match="no such luck"):
        stack.up(options, Clock())
    assert stack.running(options) is None


def test_a_port_that_is_taken_in_the_last_moment_is_given_up(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    from tattoo_data.stack import lifecycle

    with stub(lambda asked: Answer(body=b'{"services":{},"version":{"number":"1"}}')) as other:
        given = iter([other.port])
        monkeypatch.setattr(lifecycle, "free_port", lambda preferred: next(given, None) or free_port(preferred))
        started = stack.up(options, Clock())
        assert started.aws_endpoint != other.url
        assert {each.method for each in other.asked} <= {"GET"}
        assert stack.running(options) is not None
        stack.down(options, Clock())


def test_ports() -> None:
    port = any_port()
    assert is_free(port)
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", port))
        taken.listen()
        assert not is_free(port)
        assert free_port(port) > port
    assert is_emulator(port) is False
