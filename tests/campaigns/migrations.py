"""Migrations: `kill -9` at random moments of all of them and of a rollback. The same command again reaches the same
state, each takes the other back, and no record is left between two forms."""

from __future__ import annotations

from collections.abc import Callable

from tattoo_data.clock import seeded
from tests.campaigns.kills import Report
from tests.campaigns.place import Place

Case = tuple[str, ...]
RUN: Case = ("migrate", "run-all")
BACK: Case = ("migrate", "rollback", "add-social-media")
CASES = (RUN, BACK)
#: The latest first.
STEPS = ("add-social-media", "update-portfolio-structure", "normalize-locations", "add-missing-fields")
_NOTHING_THERE = 10


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Kill both in turns, `count` times."""
    random, report = seeded(seed), Report()
    at.direct.ok("reset", "search-ready")
    base = at.fingerprint()
    lengths = {RUN: at.requests(*RUN)}
    migrated = at.fingerprint()
    lengths[BACK] = at.requests(*BACK)
    reached = {RUN: migrated, BACK: at.fingerprint()}
    for number in range(count):
        case = CASES[number % len(CASES)]
        _prepare(at, case, base)
        # Most is written in the second half: every other time it is killed there.
        first = 1 if number // len(CASES) % 2 else lengths[case] // 2
        request, answered = random.randint(first, lengths[case]), random.random() < 0.5
        name = f"{' '.join(case)} at request {request} of {lengths[case]}{', answered' if answered else ''}"
        if at.kill(request, *case, answered=answered):
            report.killed[case[1]] += 1
        else:
            report.ended_before += 1
        report.interrupted += at.direct.ok("status", "--json").json()["interrupted"] is not None
        found = _again(at, case, reached[case])
        if case == BACK:
            found += _undone(at, migrated)
        report.wrong += [f"{name}: {each}" for each in found]
        tell(f"{number + 1}/{count} {name}: {'; '.join(found) or 'right'}")
    report.wrong += _rolled_back(at, base)
    return report


def _prepare(at: Place, case: Case, base: str) -> None:
    """Nothing is migrated before all of it is; before a rollback all is."""
    if case == RUN and _rolled_back(at, base):
        at.direct.ok("reset", "search-ready")
    if case == BACK:
        at.direct.ok(*RUN)


def _again(at: Place, case: Case, reached: str) -> list[str]:
    """Run the same command again; what is not as it should be."""
    wrong = []
    again = at.tool.run(*case)
    # One that was killed once all was said and the lock let go has nothing left to roll back.
    if again.code and not (case == BACK and again.code == _NOTHING_THERE):
        wrong.append(f"the same command again ended with {again.code}: {again.stdout}{again.stderr}")
    if at.fingerprint() != reached:
        wrong.append("the same command again did not reach the same state")
    if case == RUN and (checked := at.direct.run("migrate", "validate")).code:
        wrong.append(f"migrate validate ended with {checked.code}: {checked.stdout}")
    return wrong


def _undone(at: Place, migrated: str) -> list[str]:
    """Take the rollback back; what is not as it should be."""
    undone = at.direct.run("undo")
    right = undone.code == 0 and at.fingerprint() == migrated
    return [] if right else [f"undo of the rollback ended with {undone.code}, or elsewhere: {undone.stderr}"]


def _rolled_back(at: Place, base: str) -> list[str]:
    """Roll all of them back; what is not as it should be."""
    ended = {step: at.direct.run("migrate", "rollback", step) for step in STEPS}
    wrong = [
        f"rollback of {step}: {each.stderr}" for step, each in ended.items() if each.code not in (0, _NOTHING_THERE)
    ]
    return wrong if at.fingerprint() == base else [*wrong, "all rolled back, it is not as it was before"]
