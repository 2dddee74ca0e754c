"""The public Python API: what the package gives out, every verb of the command line, and the examples of its page."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import tattoo_data
from tattoo_data import Session, TattooDataError, connect
from tattoo_data.api.backups import Backups
from tattoo_data.api.connection import stores_of, write_options
from tattoo_data.api.migrate import Migrate
from tattoo_data.api.monitor import Monitor
from tattoo_data.api.sync import Sync
from tattoo_data.cli import main
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import BadSetting, ConfirmationNeeded, NotFound, UnknownChoice, UsageError
from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring import sample as checks
from tattoo_data.repository.who import who
from tattoo_data.runs.session import WriteOptions
from tattoo_data.sync.follow import Applied, Begun, Compared
from tattoo_data.views.machine import Health
from tests.live import Application
from tests.tool import AS_OF, Tool

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
#: Commands that are no verb of a session, and why.
NOT_VERBS = {
    "integration-test": "it tries out the programs as they are installed",
    "stack": "a session starts it by itself, and it outlives the session",
    "config": "`session.settings`",
    "env": "`session.variables()`",
    "completion": "it is of the shell",
    "snapshots": "`session.backups.list()`",
    "doctor": "`tattoo_data.doctor()`: it looks before there is a session",
}
#: Commands that are called otherwise than the command.
CALLED = {"import": "import_", "with": "with_state"}
#: group of commands -> what has its verbs, and those that it has not: a file that somebody edits, endless commands that
#: show what a check returns, what tries out log file and webhook.
GROUPS = {
    "backups": (Backups, set()),
    "migrate": (Migrate, {"new"}),
    "monitor": (Monitor, {"watch", "serve", "test-alerts"}),
    "sync": (Sync, set()),
}


@pytest.fixture
def named(tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    """The embedded engines, named by the environment of this process."""
    for name, value in tool.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tool


def test_what_the_package_exports_is_there_and_sorted() -> None:
    assert tattoo_data.__all__ == sorted(tattoo_data.__all__)
    assert tattoo_data.__all__ == dir(tattoo_data) == ["Session", "TattooDataError", "__version__", "connect", "doctor"]
    assert {getattr(tattoo_data, name).__module__ for name in ("Session", "connect", "doctor")} == {
        "tattoo_data.api.session"
    }
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        _ = tattoo_data.conect


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import sys, tattoo_data; print([name for name in sys.modules if name.startswith('tattoo_data.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("command", [name for name in main.COMMANDS if name not in NOT_VERBS and name not in GROUPS])
def test_every_command_is_a_verb(command: str) -> None:
    verb = getattr(Session, CALLED.get(command, command))
    assert inspect.getdoc(verb)


@pytest.mark.parametrize("group", GROUPS)
def test_every_command_of_a_group_is_a_verb_of_it(group: str) -> None:
    import importlib

    kind, missing = GROUPS[group]
    command: Any = importlib.import_module(f"tattoo_data.cli.commands.{main.COMMANDS[group][0]}").command
    verbs = {name for name, each in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
    assert {name.replace("-", "_") for name in set(command.commands) - missing} <= verbs


def test_settings_are_checked_before_anything_is_opened() -> None:
    with pytest.raises(UnknownChoice) as unknown:
        connect(tabel="x")
    assert unknown.value.hint == "Did you mean 'table'?"
    with pytest.raises(BadSetting):
        connect(as_of="yesterday")
    with pytest.raises(UsageError):
        connect(local=True, aws_endpoint="http://localhost:4566")
    session = connect(table="mine", aws_endpoint="http://localhost:1", opensearch_endpoint="http://localhost:1")
    assert session.settings.table == "mine"
    assert [state.name for state in session.states()][:2] == ["clean", "fresh"]
    assert "minimal" in [each.name for each in session.scenarios()]


def test_the_doctor_looks_whatever_the_settings_are(tmp_path: Path) -> None:
    for settings in ({"tabel": "x"}, {"index": "UPPER"}, {"aws_endpoint": "https://dynamodb.eu-west-2.amazonaws.com"}):
        assert tattoo_data.doctor(home=tmp_path, **settings).count(Health.BROKEN) >= 1


def test_what_is_wrongly_asked_for_is_said_before_anything_is_sent() -> None:
    nobody: dict[str, Any] = {"aws_endpoint": "http://127.0.0.1:9", "opensearch_endpoint": "http://127.0.0.1:9"}
    with connect(**nobody) as data:
        for ask in (
            lambda: data.reset("mnimal"),
            lambda: data.seed("nowhere"),
            lambda: data.clear("everything"),
            lambda: data.validate("nothing"),
            lambda: data.validate("all", rules=["no-such-rule"]),
            lambda: data.restore("x", only=["dynamo"]),
            lambda: data.reset("fresh", verify="most"),  # type: ignore[arg-type]
            lambda: data.migrate.run("nothing"),
            lambda: data.sync.resolve_conflicts("newest"),
            lambda: data.sync.resolve_conflicts("manual"),
            lambda: data.sync.resolve_conflicts("merge", prefer="left"),
            lambda: data.sync.resolve_conflicts("latest", prefer="table"),
            lambda: data.sync.resolve_conflicts("latest", apply="plan.jsonl"),
            lambda: data.monitor.alerts("dire"),
            lambda: data.monitor.clear_alerts("dire"),
            lambda: data.monitor.acknowledge(1),
            lambda: data.monitor.report("yesterday"),
            lambda: data.monitor.report(format="pdf"),  # type: ignore[call-overload]
            lambda: data.import_("nowhere"),
        ):
            with pytest.raises((UsageError, NotFound)):
                ask()
        with pytest.raises(TattooDataError) as error:
            data.status()
            data.reset("minimal")
        assert error.value.exit_code == 14


@pytest.mark.parametrize(
    ("names", "stores"),
    [
        ((), ()),
        (("dynamodb", "images"), (StoreName.TABLE, StoreName.IMAGES)),
        ((StoreName.INDEX,), (StoreName.INDEX,)),
    ],
)
def test_stores_by_either_name(names: tuple[str, ...], stores: tuple[StoreName, ...]) -> None:
    assert stores_of(names) == stores


def test_writing_options_have_the_command_lines_defaults() -> None:
    assert write_options({}) == write_options({"dry_run": False, "verify": "keys", "undo": True, "wait": 0.0})
    assert write_options({"verify": "full"}).verify is Verify.FULL
    assert write_options({}) == WriteOptions()
    with pytest.raises(TypeError, match="dry"):
        connect().reset("fresh", dry=True)  # type: ignore[call-arg]


def test_a_target_that_is_not_local_asks_where_the_command_line_does(tmp_path: Path) -> None:
    file = tmp_path / "tattoo-data.toml"
    file.write_text('[target]\nallow = ["127.0.0.1"]\n')
    with connect(config=file, aws_endpoint="http://127.0.0.1:9", opensearch_endpoint="http://127.0.0.1:9") as data:
        with pytest.raises(ConfirmationNeeded) as error:
            data.backups.prune()
        assert "connect(yes=True)" in error.value.hint
        with pytest.raises(ConfirmationNeeded):
            data.clear("backups")


def test_a_day_with_a_session(named: Tool, tmp_path: Path) -> None:
    said: list[str] = []
    with connect(as_of=AS_OF, say=said.append) as data:
        assert data.reset("fresh", dry_run=True).change.dry_run
        assert data.history() == []
        fresh = data.reset("fresh")
        assert (fresh.change.failures, data.status().state) == ((), "fresh")
        assert named.ok("status", "--json").json()["fingerprint"] == fresh.change.fingerprint
        taken = data.snapshot("before")
        exported = data.export(tmp_path / "out", images=True)
        assert set(exported.manifest.stores) == {"table", "index", "images"}
        data.clear("dynamodb", verify="full")
        assert data.sync.detect_conflicts().errors == 60
        assert data.diff("before").summary[StoreName.TABLE].deleted == 93
        assert data.import_(exported.path, only=["dynamodb"]).change.counts[StoreName.TABLE].created == 93
        assert data.undo().run.command == "import"
        assert data.redo().run.command == "import"
        assert data.validate("consistency").summary()["errors"] == 0
        assert data.with_state("minimal", lambda: data.status().state) == "minimal"
        with pytest.raises(ZeroDivisionError):
            data.with_state("clean", lambda: 1 // 0)
        assert data.status().fingerprint == fresh.change.fingerprint
        done = data.migrate.run_all()
        assert [one.change.failures for one in done] == [()] * 4
        assert data.migrate.validate().findings.count == 0
        assert data.migrate.rollback("add-social-media").change.failures == ()
        restored = data.restore(taken.reference)
        assert restored.proven
        assert [each.name for each in data.backups.list()] == ["before"]
        assert [each.damage for each in data.backups.verify()] == [()]
        assert "ARTIST#artist-001" in data.why("artist-001").items[0].key
        with pytest.raises(ConfirmationNeeded):
            data.backups.delete("before")
    with connect(yes=True) as data:
        assert data.backups.delete("before").snapshots == (taken.reference,)
        assert data.variables()["DYNAMODB_TABLE_NAME"] == named.environment["DYNAMODB_TABLE_NAME"]
    assert not any("error" in text for text in said)


def test_what_follows_tells_each_event_and_gives_everything_back(named: Tool) -> None:
    with connect(as_of=AS_OF) as data, closing(Application(named.environment)) as application:
        data.reset("minimal")
        assert [type(each) for each in data.sync.follow(once=True)] == [Begun, Compared]
        before = set(threading.enumerate())
        events = data.sync.follow()
        begun = next(events)
        assert isinstance(begun, Begun)
        assert begun.resumed
        again = next(events)
        assert isinstance(again, Applied), "no record was read yet that says where to go on: the oldest is next"
        assert again.done.failures == ()
        item = next(each for each in application.dynamodb.scan(TableName=application.table)["Items"] if "bio" in each)
        application.put({**item, "bio": {"S": "changed"}})
        applied = next(events)
        assert isinstance(applied, Applied)
        assert (applied.records, applied.done.written) == (1, 1)
        assert application.documents()[item["artistId"]["S"]]["bio"] == "changed"
        events.close()
        assert set(threading.enumerate()) <= before, "neither connections nor threads are left"
        stop = threading.Event()
        told = []
        for event in data.sync.follow(stop):
            told.append(event)
            stop.set()
        assert told == [begun]


def test_a_session_goes_on_while_its_stream_is_followed(named: Tool) -> None:
    with connect(as_of=AS_OF) as data:
        data.reset("minimal")
        with closing(data.sync.follow()) as events:
            assert [type(next(events)), type(next(events))] == [Begun, Compared]
            data.reset("fresh")
            again = next(events)
            assert isinstance(again, Compared)
            assert (again.done.artists, again.done.failures) == (60, ())
            data.close()
            data.clear("dynamodb")
        assert (data.status().records or {})["artists"] == 0


def test_checks_and_alerts_of_a_session_are_those_of_the_commands(named: Tool) -> None:
    said: list[str] = []
    with connect(as_of=AS_OF, say=said.append) as data, closing(Application(named.environment)) as application:
        data.reset("minimal")
        sample = data.monitor.check()
        assert (sample.health, sample.state) == (checks.Health.HEALTHY, "minimal")
        assert sample.consistency.compared is checks.Compared.FULL
        assert data.monitor.alerts() == []
        application.opensearch.delete(index=application.index, id=next(iter(application.documents())), refresh=True)
        worse = data.monitor.check(light=True)
        assert (worse.light, worse.health) == (True, checks.Health.UNHEALTHY)
        (alert,) = data.monitor.alerts("warning")
        assert any(alert.message in each for each in said), "what happens is said"
        assert named.ok("monitor", "alerts", "--json").json()["alerts"][0]["id"] == alert.id
        (known,) = data.monitor.acknowledge(alert.id)
        assert (known.id, known.acknowledged_by) == (alert.id, who())
        assert [each.id for each in data.monitor.clear_alerts()] == [alert.id]
        assert (data.monitor.alerts(), len(data.monitor.alerts(all=True))) == ([], 1)
        found = data.monitor.report("1h")
        assert found.whole is not None
        assert (found.whole.checks, found.whole.light, len(found.alerts)) == (2, 1, 1)
        assert named.ok("monitor", "report", "--json").json()["checks"] == 2
        assert data.monitor.report(format="markdown").startswith("# Monitoring report\n")
        assert named.environment["DYNAMODB_TABLE_NAME"] in data.monitor.report(format="html")


def test_a_check_of_what_does_not_answer_raises_nothing(tmp_path: Path) -> None:
    with connect(home=tmp_path, aws_endpoint="http://127.0.0.1:9", opensearch_endpoint="http://127.0.0.1:9") as data:
        assert data.monitor.check(light=True).health is checks.Health.UNHEALTHY
        assert {each.cause for each in data.monitor.alerts("CRITICAL")} >= {"table.reachable", "index.reachable"}


def test_the_examples_of_the_page_run(named: Tool) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    shared: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), shared)


def test_the_page_names_every_verb_and_every_value_that_it_returns() -> None:
    text = PAGE.read_text("utf-8")
    for name, verb in inspect.getmembers(Session, inspect.isfunction):
        if not name.startswith("_") and name != "close":
            assert re.search(rf"\b{name}\(", text), name
            assert verb.__annotations__["return"]
    for path in re.findall(r"`([a-z_.]+)\.([A-Z][A-Za-z]+)`", text):
        module = __import__(f"tattoo_data.{path[0]}", fromlist=[path[1]])
        assert hasattr(module, path[1]), path
