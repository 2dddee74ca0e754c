"""Errors: what goes wrong is told with a true exit code and the next step, and has changed nothing."""

from __future__ import annotations

from pathlib import Path

from tattoo_data.engine.scan import read_all
from tattoo_data.environment import Environment
from tattoo_data.model.entry import StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.repository.locks import Lock
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, CheckSkipped, expect, same
from tattoo_data.selftest.mine import UNREAD, differences, look
from tattoo_data.selftest.sockets import nobody

#: How long a command may take to tell that nobody answers.
_BOUNDED_SECONDS = 60.0
_HOLDER = "integration-test"


def _unknown_scenario(bench: Bench) -> None:
    _unknown(bench, ("selective-seeder", "seed", "serch-basic"), 10, "search-basic")


def _unknown_state(bench: Bench) -> None:
    _unknown(bench, ("data-reset", "reset", "frsh"), 10, "fresh")


def _unknown_type(bench: Bench) -> None:
    _unknown(bench, ("data-reset", "clear", "dynamo"), 2, "dynamodb")


def _unknown(bench: Bench, words: tuple[str, ...], code: int, nearest: str) -> None:
    with nobody() as url:  # where a name is taken that should not be, no harm is done
        target = {"AWS_ENDPOINT_URL": url, "OPENSEARCH_ENDPOINT": url}
        ran = bench.run(*words, "--json", bare=True, **target).ended(code)
        same("the exit code in the document", ran.error()["exitCode"], code)
        expect(f"'{nearest}'" in ran.error()["hint"], f"`{ran.words}` does not suggest {nearest}")
        bench.run(*words, bare=True, **target).ended(code).says(nearest)


def _missing_table(bench: Bench) -> None:
    bench.hold("clean")
    table = bench.env.target.table
    other = table[:-1] + ("0" if table[-1] != "0" else "1")
    folder = bench.folder / "exports-of-nothing"
    ran = bench.run("data-manager", "export", str(folder), "--table", other, "--json").ended(10)
    same("the error of a missing table", ran.error()["id"], "StoreMissing")
    expect(not list(folder.glob("export-*")), "an export of a table that is not there was made")


def _damaged_export(bench: Bench) -> None:
    from tattoo_data.transfer.export import ExportOptions, export

    bench.hold("minimal")
    exported = export(bench.env, ExportOptions(folder=bench.folder / "damaged"))
    before = bench.hold("clean")
    _damage(max(exported.path.rglob("*.json.gz"), key=lambda path: path.stat().st_size))
    ran = bench.run("data-manager", "import", str(exported.path), "--json").ended(12)
    same("the error of a damaged export", ran.error()["id"], "IntegrityFailed")
    same("the fingerprint after a refused import", _fingerprint(bench.env), before)


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _locked(bench: Bench) -> None:
    before = bench.hold("minimal")
    env = bench.env
    with Lock(env.repository, env.target.id, env.clock, _HOLDER):
        ran = bench.run("data-reset", "clear", "s3", "--json").ended(11)
    same("who holds the lock, as the error has it", ran.error()["details"].get("command"), _HOLDER)
    same("the fingerprint after a command that was locked out", _fingerprint(env), before)
    bench.ok("data-reset", "clear", "s3", "--json")


def _unreachable(bench: Bench) -> None:
    with nobody() as url:
        target = {"AWS_ENDPOINT_URL": url, "OPENSEARCH_ENDPOINT": url}
        began = bench.clock.monotonic()
        ran = bench.run("data-reset", "reset", "minimal", "--json", bare=True, **target).ended(14)
        seconds = bench.clock.monotonic() - began
    error = ran.error()
    expect(url in error["message"], f"the error does not name {url}: {error['message']}")
    expect(seconds < _BOUNDED_SECONDS, f"it took {seconds:.0f} s to tell that nobody answers")


def _untouched(bench: Bench) -> None:
    assert bench.mine is not None, "the check needs a target"
    expect(bench.before, "nobody looked at the user's stores before")
    changed = differences(bench.before, look(bench.mine))
    expect(not changed, f"changed while this ran, by it or by somebody else: {'; '.join(changed)}")
    if unread := [f"{name} ({was})" for name, was in bench.before.items() if was.startswith(UNREAD)]:
        raise CheckSkipped(f"what could be read is as before, and nobody knows of the rest: {', '.join(unread)}")


def _removed(bench: Bench) -> None:
    scratch = bench.require_scratch()
    scratch.remove()
    expect(scratch.is_gone(), f"{scratch.env.target.table} and what belongs to it is still there")


def _fingerprint(env: Environment) -> str:
    live = read_all(env.stores, env.pool, keep=False)
    return state_fingerprint({name: live[name].total.hex() for name in StoreName})


CHECKS = (
    Check(
        category=Category.ERRORS,
        name="unknown-scenario",
        proves="an unknown scenario ends with 10 and suggests the nearest",
        act=_unknown_scenario,
        target=False,
    ),
    Check(
        category=Category.ERRORS,
        name="unknown-state",
        proves="an unknown state ends with 10 and suggests the nearest",
        act=_unknown_state,
        target=False,
    ),
    Check(
        category=Category.ERRORS,
        name="unknown-type",
        proves="an unknown type ends with 2 and suggests the nearest",
        act=_unknown_type,
        target=False,
    ),
    Check(
        category=Category.ERRORS,
        name="missing-table",
        proves="an export of a missing table ends with 10 and leaves no files",
        act=_missing_table,
    ),
    Check(
        category=Category.ERRORS,
        name="damaged-export",
        proves="an import of a damaged export ends with 12 and writes nothing",
        act=_damaged_export,
    ),
    Check(
        category=Category.ERRORS,
        name="locked",
        proves="a second writer ends with 11, is told who writes, and changes nothing",
        act=_locked,
    ),
    Check(
        category=Category.ERRORS,
        name="unreachable",
        proves="where nobody answers a command ends with 14, soon",
        act=_unreachable,
        target=False,
    ),
    Check(
        category=Category.ERRORS,
        name="untouched",
        proves="your own table, index and buckets are as before",
        act=_untouched,
    ),
    Check(
        category=Category.ERRORS,
        name="removed",
        proves="nothing of the scratch table, index and buckets is left",
        act=_removed,
    ),
)
