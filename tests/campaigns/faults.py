"""Faults: every writing command against engines that throttle, break off and take half. It ends with the right state,
or with exit 3 and the exact keys; nothing is counted that is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.campaigns.place import Place
from tests.faults.messages import Service
from tests.faults.rates import FaultRates

#: 10% throttling, 5% unprocessed items and partial bulks, 5% dropped connections, 2% 503, some 500.
RATES = FaultRates(throttled=0.10, unprocessed=0.05, partial=0.05, dropped=0.05, unavailable=0.02, error500=0.01)
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("seed", "search-basic"),
    ("seed", "location-london+high-rating", "--only"),
    ("reset", "fresh"),
    ("migrate", "run", "add-social-media"),
    ("migrate", "rollback", "add-social-media"),
    ("backup", "kept"),
    ("clear", "opensearch"),
    ("undo",),
    ("reset", "performance-test", "--scale", "3"),
    ("undo",),
    ("redo",),
    ("clear", "s3"),
    ("clear", "all"),
    ("restore", "kept"),
)


@dataclass(slots=True)
class Report:
    """How many commands ran, how they ended, which faults they met, and what was not as it should be."""

    ended: Counter[int] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        met = ", ".join(f"{name} {count:,}" for name, count in sorted(self.met.items()))
        ends = ", ".join(f"{count} with {code}" for code, count in sorted(self.ended.items()))
        return f"{self.ended.total()} commands: {ends}; faults: {met}; {len(self.wrong)} wrong" + "".join(
            f"\n  {each}" for each in self.wrong
        )


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None, *, first: int = 0) -> Report:
    """Run `count` rounds of all commands: each once without faults, to know what it reaches, and once with them. In
    every third round (from 0: 2, 5 ...) the index refuses some keys for good. `first` is the number of the first."""
    report = Report()
    wanted = _wanted(at)
    for number in range(first, first + count):
        at.direct.ok("reset", "minimal")
        refused = 0.03 if number % 3 == 2 else 0.0
        for step, command in enumerate(COMMANDS):
            if refused and command in (("undo",), ("redo",)):
                continue  # what the run before named is a run of its own by now
            rates = replace(RATES, refused=refused, seed=seed * 1_000 + number * 100 + step)
            found = _command(at, report, command, rates, wanted[step])
            report.wrong += [f"round {number + 1}, {' '.join(command)}: {each}" for each in found]
            tell(f"{number + 1 - first}/{count} {' '.join(command)}: {'; '.join(found) or 'right'}")
            if at.fingerprint() != wanted[step]:
                at.direct.ok(*command)
    for proxy in at.proxies.values():
        report.met += proxy.injected
    problems = {
        "everything fails": hopeless(at),
        "only writes fail": only_writes_fail(at),
        "files": files(at, report, replace(RATES, seed=seed)),
        "prune": prune(at, report, replace(RATES, seed=seed + 1)),
    }
    report.wrong += [f"{name}: {each}" for name, found in problems.items() for each in found]
    return report


def _command(at: Place, report: Report, command: tuple[str, ...], rates: FaultRates, wanted: str) -> list[str]:
    before = at.fingerprint()
    _set(at, rates)
    done = at.tool.run(*command, "--json")
    _set(at, FaultRates())
    report.ended[done.code] += 1
    if done.code not in (0, 3):
        return [f"exit {done.code}: {done.stdout[-2000:]}{done.stderr[-2000:]}"]
    result, now = done.json(), at.fingerprint()
    wrong = [] if result["fingerprint"] == now else ["the fingerprint it tells is not the one that is there"]
    if done.code == 0:
        failures = result.get("failures", ())
        right = now == wanted and not failures
        wrong += _verified(at) if command[0] == "backup" else []
        return wrong if right else [*wrong, f"exit 0, and not the right state; {len(failures)} failures"]
    wrong += _named(at, command, result)
    takes_back = command[0] in ("undo", "redo") or command[:2] == ("migrate", "rollback")
    return wrong + (_finished(at, command, wanted) if takes_back else _taken_back(at, before))


def _named(at: Place, command: tuple[str, ...], result: dict[str, Any]) -> list[str]:
    """With exit 3, the keys named are just those that the same command would still have to write."""
    left = {(each["store"], each["key"]) for each in at.direct.ok(*command, "--dry-run", "--json").json()["plan"]}
    named = {(each["store"], each["key"]) for each in result["failures"]}
    counted = sum(counts["failed"] for counts in result["changes"].values())
    wrong = [] if named == left else [f"named, though right: {named - left}; wrong, and not named: {left - named}"]
    return wrong if counted == len(named) else [*wrong, f"{counted} counted as failed, {len(named)} named"]


def _finished(at: Place, command: tuple[str, ...], wanted: str) -> list[str]:
    """The same undo, redo or rollback again does the rest."""
    again = at.direct.run(*command)
    right = again.code == 0 and at.fingerprint() == wanted
    return [] if right else [f"the same again ended with {again.code}, or elsewhere"]


def _taken_back(at: Place, before: str) -> list[str]:
    """What a command did in part is taken back as any other."""
    undone = at.direct.run("undo")
    right = undone.code == 0 and at.fingerprint() == before
    return [] if right else [f"undo of what was done in part ended with {undone.code}, or elsewhere"]


def hopeless(at: Place) -> list[str]:
    """With everything failing a command ends, and says so; what is wrong with that."""
    at.direct.ok("reset", "minimal")
    before = at.fingerprint()
    _set(at, FaultRates.everything(seed=1))
    done = at.tool.run("reset", "fresh", "--json")
    _set(at, FaultRates())
    wrong = [] if done.code in (1, 14) and done.error()["hint"] else [f"ended with {done.code}: {done.stderr}"]
    return wrong if at.fingerprint() == before else [*wrong, "something was written"]


def only_writes_fail(at: Place) -> list[str]:
    """Where the stores answer and take nothing, every key is named, and nothing is counted."""
    at.direct.ok("reset", "minimal")
    before = at.fingerprint()
    dynamodb = at.proxies[Service.DYNAMODB]
    dynamodb.rates = FaultRates(unprocessed=1.0)
    done = at.tool.run("reset", "performance-test", "--scale", "2", "--json")
    dynamodb.rates = FaultRates()
    changes, failures = done.json()["changes"]["table"], done.json()["failures"]
    wrong = [] if done.code == 3 else [f"ended with {done.code}: {done.stderr}"]
    if changes["created"] or changes["replaced"] or changes["deleted"]:
        wrong.append(f"counted: {changes}")
    if changes["failed"] != sum(each["store"] == "table" for each in failures) or changes["failed"] < 100:
        wrong.append(f"failed {changes['failed']}, named {len(failures)}")
    at.direct.ok("undo")
    return wrong if at.fingerprint() == before else [*wrong, "undo did not reach the state before"]


def files(at: Place, report: Report, rates: FaultRates) -> list[str]:
    """What is exported and imported through faults is all of it."""
    at.direct.ok("reset", "fresh")
    before = at.fingerprint()
    _set(at, rates)
    exported = at.tool.run("export", str(at.direct.cwd / "files"), "--images", "--json")
    _set(at, FaultRates())
    report.ended[exported.code] += 1
    if exported.code:
        return [f"export ended with {exported.code}: {exported.stderr}"]
    command = ("import", exported.json()["path"], "--replace")
    missing = at.direct.ok(*command, "--dry-run", "--json").json()["plan"]
    wrong = [f"the export differs from what is there: {missing[:5]}"] if missing else []
    at.direct.ok("reset", "minimal")
    return wrong + _command(at, report, command, replace(rates, seed=rates.seed + 7), before)


def prune(at: Place, report: Report, rates: FaultRates) -> list[str]:
    """A prune through faults takes what it says, and nothing that is needed."""
    for state in ("fresh", "minimal", "fresh"):
        at.direct.ok("reset", state)
        at.direct.ok("backup", "pruned")
    planned = at.direct.ok("backups", "prune", "pruned", "--keep", "1", "--dry-run", "--json").json()
    _set(at, rates)
    done = at.tool.run("backups", "prune", "pruned", "--keep", "1", "--yes", "--json")
    _set(at, FaultRates())
    report.ended[done.code] += 1
    if done.code:
        return [f"ended with {done.code}: {done.stderr}"]
    wrong = [] if done.json()["snapshots"] == planned["snapshots"] else ["it took others than it said"]
    listed = {each["reference"] for each in at.direct.ok("backups", "list", "--json").json()["snapshots"]}
    if listed & set(planned["snapshots"]) or not listed >= set(planned["kept"]):
        wrong.append(f"listed are {listed}, planned was {planned}")
    return wrong + _verified(at)


def _verified(at: Place) -> list[str]:
    """What is wrong with the backups, read past the proxies."""
    found = at.direct.run("backups", "verify")
    return [f"backups verify ended with {found.code}: {found.stdout}{found.stderr}"] if found.code else []


def _wanted(at: Place) -> list[str]:
    """The state after each command, when nothing fails."""
    at.direct.ok("reset", "minimal")
    reached = []
    for command in COMMANDS:
        at.direct.ok(*command)
        reached.append(at.fingerprint())
    return reached


def _set(at: Place, rates: FaultRates) -> None:
    for service, proxy in at.proxies.items():
        proxy.rates = rates if service is Service.OPENSEARCH else replace(rates, refused=0.0)
