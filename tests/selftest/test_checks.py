"""Checks: each of them passes where all is well, and is reported as failed where what it checks is broken."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tattoo_data.cli.commands.integration_test import _surface
from tattoo_data.clock import Clock
from tattoo_data.errors import StoreUnreachable
from tattoo_data.model.entry import StoreName
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, CheckSkipped, Verdict
from tattoo_data.selftest.checks.every import chosen, every_check
from tattoo_data.selftest.checks.help import VERBS
from tattoo_data.selftest.programs import Ran
from tattoo_data.selftest.run import run_check, run_checks
from tests.selftest.broken import (
    Break,
    Busy,
    Forgetful,
    Greedy,
    Losing,
    LosingLater,
    Rounding,
    Vain,
    adding,
    dial,
    document,
    ends,
    error,
    lazy,
    program,
    store,
    without,
)

TABLE, INDEX, IMAGES = StoreName
SURFACE = _surface()
CHECKS = {f"{check.category} {check.name}": check for check in every_check(SURFACE)}


def no_backups(found: Any) -> None:
    found["snapshots"] = []


def no_findings(found: Any) -> None:
    found["findings"] = []


def from_nowhere(found: Any) -> None:
    found["settings"]["table"]["source"] = "default"


def unloadable(bench: Bench) -> Bench:
    def load(name: str) -> object:
        if name == "tattoo_data.runs.undo":
            raise ImportError("no module named x")
        return bench.load(name)

    return replace(bench, load=load)


def without_command(bench: Bench) -> Bench:
    return replace(bench, load=lambda name: types.SimpleNamespace())


def other_line(bench: Bench) -> Bench:
    verbs = {**bench.surface.verbs, "data-reset": {"clear": ("clear", "Empty everything, whatever it is.")}}
    return replace(bench, surface=replace(bench.surface, verbs=verbs))


def not_installed(bench: Bench) -> Bench:
    return replace(bench, surface=replace(bench.surface, scripts=frozenset({"tattoo-data"})))


def shows_secret(bench: Bench) -> Bench:
    """A trace in which the credentials are."""
    honest = bench.run

    def run(program: str, *arguments: str, bare: bool = False, **variables: str) -> Ran:
        ran = honest(program, *arguments, bare=bare, **variables)
        if "--debug" not in arguments:
            return ran
        return replace(ran, stderr=ran.stderr + variables["AWS_SECRET_ACCESS_KEY"])

    return replace(bench, run=run)


def writes_all_the_same(*when: str, code: int) -> Break:
    """A command that is refused, and has written all the same."""

    def broken(bench: Bench) -> Bench:
        def write(_: dict[str, str]) -> None:
            bench.hold("style-test")

        return program(*when, lie=ends(code), before=write)(bench)

    return broken


def slow(bench: Bench) -> Bench:
    times = iter(range(0, 10_000_000, 1_000))
    return replace(bench, clock=replace(bench.clock, monotonic=lambda: float(next(times))))


def other_before(bench: Bench) -> Bench:
    return replace(bench, before={**bench.before, "table": "1 entries (0000000000000000)"})


def unwatched(bench: Bench) -> Bench:
    return replace(bench, before={})


#: Check -> how it is broken, and what the reason then says. Each check has at least one.
BROKEN: list[tuple[str, Break, str]] = [
    ("help tattoo-data", program("tattoo-data", lie=without("  why")), "does not list why"),
    ("help tattoo-data", program("tattoo-data", lie=ends(1)), "ended with 1, not 0"),
    ("help data-manager", program("data-manager", lie=without("list-backups")), "does not list list-backups"),
    ("help selective-seeder", program("selective-seeder", lie=without("  seed")), "does not list seed"),
    ("help selective-seeder", program("selective-seeder", lie=without("Usage:")), "shows no usage"),
    ("help data-validator", program("data-validator", lie=without("consistency")), "does not list consistency"),
    ("help data-validator", not_installed, "no program data-validator was installed"),
    ("help data-migration-utility", program("data-migration-utility", lie=without("run-all")), "does not list run-all"),
    ("help data-monitoring-utility", program("data-monitoring-utility", lie=without("alerts")), "does not list"),
    ("help data-sync-utility", program("data-sync-utility", lie=without("sync-point")), "does not list"),
    ("help data-reset", program("data-reset", lie=without("snapshot")), "does not list snapshot"),
    ("help integration-test", program("integration-test", lie=ends(2)), "ended with 2, not 0"),
    ("list scenarios", program("selective-seeder", lie=without("multi-style")), "does not list multi-style"),
    (
        "list scenarios",
        program("selective-seeder", "--json", lie=document(lambda found: found["scenarios"].pop())),
        "--json",
    ),
    ("list states", program("data-reset", lie=without("backup-restore")), "does not list backup-restore"),
    ("list states", program("data-reset", "--json", lie=lambda ran: replace(ran, stdout="[")), "gives no JSON"),
    ("list backups", program("list-backups", "--json", lie=document(no_backups)), "of a listed backup: None"),
    ("list backups", program("list-backups", lie=without("selftest-backup")), "does not list a backup"),
    ("validation catalogue", program("files", lie=ends(4)), "ended with 4, not 0"),
    ("validation broken-file", program("files", lie=ends(0)), "ended with 0, not 4"),
    ("validation broken-file", program("files", lie=document(no_findings)), "rating-range"),
    ("validation live-stores", program("all", lie=ends(4)), "ended with 4, not 0"),
    ("validation live-stores", program("all", lie=document(lambda found: found["checked"].clear())), "no record"),
    ("validation broken-item", program("database", lie=document(no_findings)), "of a broken item only []"),
    ("validation lost-document", program("consistency", "--json", lie=ends(0)), "ended with 0, not 4"),
    ("validation lost-document", program("consistency", "--json", lie=document(no_findings)), "set(), not"),
    ("modules imports", unloadable, "tattoo_data.runs.undo (ImportError: no module named x)"),
    ("modules commands", without_command, "has no command"),
    ("modules commands", other_line, "data-reset clear: the table says 'Empty everything"),
    ("modules seed-status", store(TABLE, Forgetful, "minimal"), "the fingerprint of status"),
    ("modules snapshot-reset-diff-restore", store(TABLE, Forgetful, "minimal"), "finds a difference after restore"),
    ("modules export-clear-import", store(TABLE, LosingLater, "minimal"), "the records that import left out: 1"),
    ("modules undo-redo", store(TABLE, Losing, "minimal"), "location-test"),
    ("configuration variables", program("config", lie=document(from_nowhere)), "where table comes from: default"),
    (
        "configuration precedence",
        program("--table", lie=document(lambda found: found["settings"]["table"].update(value="from-file"))),
        "the table of flag, environment and file: from-file",
    ),
    ("configuration bad-value", program("status", lie=ends(0)), "ended with 0, not 2"),
    ("configuration bad-value", program("status", lie=lambda ran: ran, before=dial), "something was sent"),
    ("configuration not-local", program("status", lie=ends(14)), "ended with 14, not 15"),
    ("configuration not-local", program("status", lie=lambda ran: ran, before=dial), "something was sent"),
    ("configuration secrets", shows_secret, "`tattoo-data status --debug` shows a secret"),
    ("round-trip seeded-record", store(TABLE, Vain), "the attribute digits"),
    ("round-trip seeded-record", store(TABLE, Losing), "the records that seed could not write: 1"),
    ("round-trip seed-beside", store(TABLE, Greedy), "after a seed beside it"),
    ("round-trip backup-restore", store(TABLE, Rounding), "after backup, clear and restore"),
    ("round-trip export-import", store(TABLE, Rounding), "after export, clear and import"),
    ("round-trip clear-undo", store(TABLE, LosingLater), "after clear and undo"),
    ("faults throttled", store(TABLE, Forgetful, "search-ready"), "the keys in spite of faults"),
    ("faults dropped", store(TABLE, Busy, "search-ready"), "failed in spite of all patience"),
    ("faults unprocessed", store(INDEX, Forgetful, "search-ready"), "the keys in spite of faults"),
    ("faults refused", store(TABLE, Forgetful, "search-ready"), "missing and not named"),
    ("errors unknown-scenario", program("serch-basic", lie=ends(0)), "ended with 0, not 10"),
    ("errors unknown-scenario", program("serch-basic", "--json", lie=error(hint="")), "does not suggest search-basic"),
    ("errors unknown-state", program("frsh", "--json", lie=error(exitCode=1)), "the exit code in the document: 1"),
    ("errors unknown-type", program("dynamo", lie=ends(0)), "ended with 0, not 2"),
    ("errors missing-table", program("export", lie=ends(0)), "ended with 0, not 10"),
    ("errors missing-table", program("export", lie=error(id="StoreError")), "StoreError, not StoreMissing"),
    ("errors damaged-export", writes_all_the_same("import", code=12), "the fingerprint after a refused import"),
    ("errors damaged-export", program("import", lie=ends(0)), "ended with 0, not 12"),
    ("errors locked", program("clear", lie=ends(0)), "ended with 0, not 11"),
    ("errors locked", program("clear", lie=error(details={})), "who holds the lock"),
    ("errors unreachable", slow, "to tell that nobody answers"),
    ("errors unreachable", program("reset", lie=adding("x")), "gives no JSON"),
    ("errors untouched", other_before, "table was: 1 entries"),
    ("errors untouched", unwatched, "nobody looked"),
    ("errors removed", lazy, "is still there"),
]


def test_each_check_is_shown_failing() -> None:
    assert {name for name, _, _ in BROKEN} == set(CHECKS)


@pytest.mark.parametrize(("name", "break_", "reason"), BROKEN, ids=[f"{name}: {why}" for name, _, why in BROKEN])
def test_a_check_fails_where_what_it_checks_is_broken(bench: Bench, name: str, break_: Break, reason: str) -> None:
    result = run_check(CHECKS[name], break_(bench))
    assert result.verdict is Verdict.FAILED, result
    assert reason in result.reason


def test_all_pass_where_nothing_is_broken(bench: Bench) -> None:
    """The last one of them removes the scratch target, so that this is the last test of the module."""
    report = run_checks(list(CHECKS.values()), bench)
    assert [(each.check.name, each.reason) for each in report.results if each.verdict is not Verdict.PASSED] == []
    assert not report.has_failed
    assert report.scratch["table"] == bench.env.target.table
    assert [category for category, _ in report.by_category()] == list(Category)


# What needs no target.


def raising(error: Exception) -> Check:
    def act(bench: Bench) -> None:
        raise error

    return Check(category=Category.HELP, name="x", proves="nothing", act=act)


BARE = Bench(surface=SURFACE, run=None, folder=None, clock=Clock())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (KeyError("x"), Verdict.FAILED, "KeyError: 'x'"),
        (AssertionError("it is so"), Verdict.FAILED, "AssertionError: it is so"),
        (
            StoreUnreachable(service="s3", endpoint="http://x", reason="refused", variable="X"),
            Verdict.FAILED,
            "StoreUnreachable: s3 does not answer at http://x: refused",
        ),
        (CheckSkipped("not here"), Verdict.SKIPPED, "not here"),
    ],
)
def test_whatever_a_check_raises_is_its_result(error: Exception, verdict: Verdict, reason: str) -> None:
    result = run_check(raising(error), BARE)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_one_that_fails_keeps_no_other_back() -> None:
    fine = Check(category=Category.LIST, name="y", proves="something", act=lambda bench: None)
    report = run_checks([raising(ValueError("x")), fine, raising(CheckSkipped("z"))], BARE)
    assert [each.verdict.value for each in report.results] == ["failed", "passed", "skipped"]
    assert (report.has_failed, report.count(Verdict.PASSED), report.scratch) == (True, 1, {})


def test_ctrl_c_is_no_result() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_checks([raising(KeyboardInterrupt())], BARE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("categories", "faults", "wanted"),
    [
        ((), False, set(Category) - {Category.FAULTS}),
        ((), True, set(Category)),
        ((Category.HELP,), False, {Category.HELP}),
        ((Category.HELP,), True, {Category.HELP, Category.FAULTS}),
        ((Category.FAULTS,), False, {Category.FAULTS}),
    ],
)
def test_what_is_chosen(categories: tuple[Category, ...], faults: bool, wanted: set[Category]) -> None:
    assert {check.category for check in chosen(SURFACE, categories, with_faults=faults)} == wanted


def test_names_and_order() -> None:
    checks = every_check(SURFACE)
    assert len(CHECKS) == len(checks)
    assert [check.category for check in checks] == sorted(
        (check.category for check in checks), key=list(Category).index
    )
    assert [check.name for check in checks][-2:] == ["untouched", "removed"]
    assert all(check.proves for check in checks)


def test_the_verbs_that_are_relied_on_are_those_of_this_version() -> None:
    for name, verbs in SURFACE.verbs.items():
        assert set(VERBS.get(name, ())) <= set(verbs)
        assert name in SURFACE.functions


def test_every_program_that_is_installed_is_checked() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["scripts"]) == set(SURFACE.verbs)
    functions: Mapping[str, str] = project["scripts"]
    assert functions == SURFACE.functions


def test_what_a_program_says_is_read_strictly() -> None:
    ran = Ran(words="x --json", code=0, stdout="{}", stderr='{"a":1}')
    assert ran.document() == {}
    assert json.loads(ran.stderr) == {"a": 1}
    for read in (ran.error, replace(ran, stdout="").document):
        with pytest.raises(Exception, match="`x --json` gives no"):
            read()
    with pytest.raises(Exception, match="does not say 'b'"):
        ran.says("a", "b")
