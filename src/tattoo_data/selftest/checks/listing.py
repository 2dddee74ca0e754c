"""List: scenarios, states and backups are listed, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, expect, same

SCENARIOS = (
    "search-basic",
    "location-london",
    "style-traditional",
    "high-rating",
    "new-artists",
    "booking-available",
    "portfolio-rich",
    "multi-style",
    "pricing-range",
    "minimal",
)
STATES = (
    "clean",
    "fresh",
    "minimal",
    "search-ready",
    "location-test",
    "style-test",
    "performance-test",
    "backup-restore",
)
_BACKUP = "selftest-backup"


def _scenarios(bench: Bench) -> None:
    _lists(bench, "selective-seeder", "scenarios", SCENARIOS)


def _states(bench: Bench) -> None:
    _lists(bench, "data-reset", "states", STATES)


def _lists(bench: Bench, program: str, what: str, names: Sequence[str]) -> None:
    listed = bench.run(program, "list", bare=True).ended(0)
    begun = {line.split(" ", 1)[0] for line in listed.stdout.splitlines()}
    missing = [name for name in names if name not in begun]
    expect(not missing, f"`{listed.words}` does not list {', '.join(missing)}")
    document = bench.run(program, "list", "--json", bare=True).ended(0).document()
    same(f"`{program} list --json`", sorted(each["name"] for each in document[what]), sorted(names))


def _backups(bench: Bench) -> None:
    from tattoo_data.backups.take import TakeOptions, take

    fingerprint = bench.hold("minimal")
    taken = take(bench.env, TakeOptions(name=_BACKUP))
    listed = bench.ok("data-manager", "list-backups")
    expect(_BACKUP in listed.stdout, f"`{listed.words}` does not list a backup that was taken")
    document = bench.ok("data-manager", "list-backups", "--json").document()
    found = {each["reference"]: each["fingerprint"] for each in document["snapshots"]}
    same("the fingerprint of a listed backup", found.get(taken.reference), fingerprint)


CHECKS = (
    Check(
        category=Category.LIST,
        name="scenarios",
        proves="`selective-seeder list` has all ten, as JSON too",
        act=_scenarios,
        target=False,
    ),
    Check(
        category=Category.LIST,
        name="states",
        proves="`data-reset list` has all eight, as JSON too",
        act=_states,
        target=False,
    ),
    Check(
        category=Category.LIST,
        name="backups",
        proves="`data-manager list-backups` has a backup that was just taken, as JSON too",
        act=_backups,
    ),
)
