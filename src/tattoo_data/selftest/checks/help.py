"""Help: every utility that is installed tells its verbs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from tattoo_data.selftest.bench import Bench, Surface
from tattoo_data.selftest.check import Category, Check, CheckFailed, expect

#: The verbs that scripts and containers rely on, whatever else a utility has come to have.
VERBS: Mapping[str, Sequence[str]] = {
    "data-manager": ("export", "import", "backup", "restore", "list-backups"),
    "selective-seeder": ("list", "seed"),
    "data-validator": ("files", "database", "opensearch", "consistency", "all"),
    "data-reset": ("list", "reset", "snapshot", "restore", "validate", "clear"),
    "data-migration-utility": ("list", "run", "run-all", "validate", "rollback"),
    "data-monitoring-utility": ("check", "monitor", "report", "alerts", "clear-alerts", "test-alerts"),
    "data-sync-utility": (
        "dynamo-to-os",
        "os-to-dynamo",
        "detect-conflicts",
        "resolve-conflicts",
        "sync-point",
        "validate-sync-point",
    ),
}


def checks(surface: Surface) -> tuple[Check, ...]:
    """A check for each utility of this version."""
    return tuple(
        Check(
            category=Category.HELP,
            name=program,
            proves=f"`{program} --help` ends with 0 and lists every verb",
            act=partial(_shows_help, program),
            target=False,
        )
        for program in surface.verbs
    )


def _shows_help(program: str, bench: Bench) -> None:
    scripts = bench.surface.scripts
    if scripts is not None and program not in scripts:
        raise CheckFailed(f"no program {program} was installed: install the package again")
    shown = bench.run(program, "--help", bare=True).ended(0)
    expect("Usage:" in shown.stdout, f"`{shown.words}` shows no usage")
    wanted = dict.fromkeys([*VERBS.get(program, ()), *bench.surface.verbs[program]])
    missing = [verb for verb in wanted if not re.search(rf"^\s+{re.escape(verb)}(\s|$)", shown.stdout, re.MULTILINE)]
    expect(not missing, f"`{shown.words}` does not list {', '.join(missing)}")
