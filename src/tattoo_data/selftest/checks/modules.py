"""Modules: everything can be loaded, commands are what the tables say, and the rooms work together."""

from __future__ import annotations

from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, CheckFailed, expect, same

_SNAPSHOT = "selftest-snapshot"


def _imports(bench: Bench) -> None:
    names = bench.modules()
    expect(len(names) > 1, "the package has no modules")
    broken: list[str] = []
    for name in names:
        try:
            bench.load(name)
        except Exception as error:  # noqa: BLE001  whatever a module raises, it cannot be loaded
            broken.append(f"{name} ({type(error).__name__}: {error})")
    expect(not broken, f"cannot be loaded: {'; '.join(broken)}")


def _commands(bench: Bench) -> None:
    for program, verbs in bench.surface.verbs.items():
        for verb, (module, line) in verbs.items():
            command = getattr(bench.load(f"{bench.surface.package}.{module}"), "command", None)
            if not callable(command):
                raise CheckFailed(f"{program} {verb}: the module {module} has no command")
            said = " ".join(str(getattr(command, "help", None) or "").split("\n\n")[0].split())
            # A utility's `list` is the first half of what the command of that module does
            promised = said.startswith(line.rstrip("."))
            expect(promised, f"{program} {verb}: the table says {line!r}, and the command {said!r}")


def _seed_and_status(bench: Bench) -> None:
    from tattoo_data.seeding.seed import SeedOptions, seed
    from tattoo_data.views.status import status

    bench.hold("clean")
    seeded = seed(bench.env, SeedOptions(scenario="minimal"))
    now = status(bench.env)
    same("the fingerprint of status", now.fingerprint, seeded.change.fingerprint)
    same("the state of status", now.state, "minimal")
    same("whether table and index agree", now.consistent, True)
    expect(all(store.healthy for store in now.stores.values()), "status finds a store that is not healthy")


def _snapshot_to_restore(bench: Bench) -> None:
    from tattoo_data.backups.restore import RestoreOptions, restore
    from tattoo_data.backups.take import TakeOptions, take
    from tattoo_data.repository.manifests import Kind
    from tattoo_data.views.diff import DiffOptions, diff

    before = bench.hold("minimal")
    taken = take(bench.env, TakeOptions(name=_SNAPSHOT, kind=Kind.SNAPSHOT))
    same("the fingerprint of a snapshot", taken.manifest.fingerprint, before)
    after = bench.hold("style-test")
    expect(after != before, "two states have one fingerprint")
    found = diff(bench.env, DiffOptions(a=f"snapshot:{_SNAPSHOT}"))
    same("the fingerprints of diff", (found.a.fingerprint, found.b.fingerprint), (before, after))
    expect(not found.is_equal, "diff finds no difference between two states")
    restored = restore(bench.env, RestoreOptions(reference=_SNAPSHOT))
    same("the fingerprint after restore", restored.change.fingerprint, before)
    expect(diff(bench.env, DiffOptions(a=f"snapshot:{_SNAPSHOT}")).is_equal, "diff finds a difference after restore")


def _export_and_import(bench: Bench) -> None:
    from contextlib import closing

    from tattoo_data.model.entry import StoreName
    from tattoo_data.transfer.export import ExportOptions, export
    from tattoo_data.transfer.import_files import ImportOptions, import_contents
    from tattoo_data.transfer.read import open_files, read_contents

    before = bench.hold("minimal")
    exported = export(bench.env, ExportOptions(folder=bench.folder / "exports", stores=tuple(StoreName)))
    bench.hold("clean")
    with closing(open_files(exported.path)) as source:
        imported = import_contents(
            bench.env,
            read_contents(source),
            ImportOptions(path=str(exported.path), rejects=bench.folder / "rejects.jsonl"),
        )
    same("the records that import left out", len(imported.rejected), 0)
    same("the fingerprint after export, clear and import", imported.change.fingerprint, before)


def _undo_and_redo(bench: Bench) -> None:
    from tattoo_data.runs.undo import UndoOptions, redo, undo

    before = bench.hold("minimal")
    after = bench.hold("location-test")
    undone = undo(bench.env, UndoOptions())
    same("the entries that undo left", len(undone.change.failures), 0)
    same("the fingerprint after undo", undone.change.fingerprint, before)
    same("the fingerprint after redo", redo(bench.env, UndoOptions()).change.fingerprint, after)


CHECKS = (
    Check(
        category=Category.MODULES,
        name="imports",
        proves="every module of the package can be loaded",
        act=_imports,
        target=False,
    ),
    Check(
        category=Category.MODULES,
        name="commands",
        proves="every verb leads to the command that the tables promise",
        act=_commands,
        target=False,
    ),
    Check(
        category=Category.MODULES,
        name="seed-status",
        proves="status recognises what seed wrote, by the same fingerprint",
        act=_seed_and_status,
    ),
    Check(
        category=Category.MODULES,
        name="snapshot-reset-diff-restore",
        proves="diff tells a snapshot from another state, and restore brings its fingerprint back",
        act=_snapshot_to_restore,
    ),
    Check(
        category=Category.MODULES,
        name="export-clear-import",
        proves="an import of an export brings the same fingerprint",
        act=_export_and_import,
    ),
    Check(
        category=Category.MODULES,
        name="undo-redo",
        proves="undo brings the fingerprint before a reset, redo that after it",
        act=_undo_and_redo,
    ),
)
