"""Kept: `kill -9` at random moments of what keeps data and brings it back. Live is old, new, or mended by the same
command; no manifest names what is missing, and a half-written export is refused as one."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tattoo_data.clock import seeded
from tests.campaigns.place import Place

#: What is killed. `FILES` stands for an export of the base, `OUT` for a folder of exports.
CASES: tuple[tuple[str, ...], ...] = (
    ("backup", "again"),
    ("restore", "base"),
    ("backups", "prune", "--keep", "1", "--yes"),
    ("import", "FILES", "--replace"),
    ("export", "OUT"),
    ("restore", "base", "--verify", "full"),
    ("backups", "delete", "again", "--yes"),
)
_DAMAGED = 12


@dataclass(slots=True)
class Report:
    """How often what was killed, and what was not as it should be."""

    killed: Counter[str] = field(default_factory=Counter)
    ended_before: int = 0
    half_exports: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.killed.items()))
        return (
            f"{sum(self.killed.values())} kills ({kills}); {self.ended_before} had ended before, {self.half_exports} "
            f"left half an export; {len(self.wrong)} wrong" + "".join(f"\n  {each}" for each in self.wrong)
        )


@dataclass(frozen=True, slots=True)
class _Stage:
    """A base that is kept as a snapshot and as files."""

    at: Place
    base: str
    files: Path
    out: Path

    def words(self, case: tuple[str, ...]) -> list[str]:
        places = {"FILES": str(self.files), "OUT": str(self.out)}
        return [places.get(word, word) for word in case]

    def prepare(self, case: tuple[str, ...]) -> str:
        """What stands before the command; the fingerprint that live is to have in the end."""
        direct = self.at.direct
        if case[0] in ("restore", "import"):
            direct.ok("seed", "location-london", "--only")
            return self.base
        if case[0] == "backups":
            direct.ok("backup", "again")
            direct.ok("backup", "again")
        return self.at.fingerprint()


def run(at: Place, count: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Report:
    """Kill commands `count` times."""
    random, report, stage = seeded(seed), Report(), _stage(at)
    lengths: dict[tuple[str, ...], int] = {}
    for number in range(count):
        case = CASES[number % len(CASES)] if number < len(CASES) else random.choice(CASES)
        words = stage.words(case)
        if case not in lengths:
            stage.prepare(case)
            lengths[case] = at.requests(*words)
        wanted = stage.prepare(case)
        request, answered = random.randint(1, lengths[case]), random.random() < 0.5
        name = f"{' '.join(case)} at request {request} of {lengths[case]}{', answered' if answered else ''}"
        if at.kill(request, *words, answered=answered):
            report.killed[" ".join(case[:2]) if case[0] == "backups" else case[0]] += 1
        else:
            report.ended_before += 1
        found = [*_left(stage, case, wanted, report), *_again(stage, case, wanted)]
        report.wrong += [f"{name}: {each}" for each in found]
        tell(f"{number + 1}/{count} {name}: {'; '.join(found) or 'right'}")
    return report


def _stage(at: Place) -> _Stage:
    out = at.direct.cwd / "out"
    at.tool.ok("reset", "search-ready")
    at.tool.ok("snapshot", "base")
    made = at.tool.ok("export", str(at.direct.cwd / "files"), "--images", "--json").json()["path"]
    return _Stage(at, at.fingerprint(), Path(made), out)


def _left(stage: _Stage, case: tuple[str, ...], wanted: str, report: Report) -> list[str]:
    """What is wrong with what a killed command left."""
    at, wrong = stage.at, list[str]()
    verified = at.direct.run("backups", "verify")
    if verified.code:
        wrong.append(f"backups verify ended with {verified.code}: {verified.stdout}{verified.stderr}")
    if case[0] not in ("restore", "import") and at.fingerprint() != wanted:
        wrong.append("a command that writes to no live store changed one")
    for made in stage.out.glob("export-*"):
        if not (made / "manifest.json").exists():
            report.half_exports += 1
            refused = at.direct.run("import", str(made))
            if refused.code != _DAMAGED:
                wrong.append(f"half an export was not refused as one: {refused.code} {refused.stdout}{refused.stderr}")
    shutil.rmtree(stage.out, ignore_errors=True)
    return wrong


def _again(stage: _Stage, case: tuple[str, ...], wanted: str) -> list[str]:
    """Run the same command again; what is wrong then, and with what it brings back."""
    at, wrong = stage.at, list[str]()
    again = at.tool.run(*stage.words(case))
    gone = case[:2] == ("backups", "delete") and again.code == 10  # it was deleted before it was killed
    if again.code and not gone:
        wrong.append(f"the same command again ended with {again.code}: {again.stdout}{again.stderr}")
    if at.fingerprint() != wanted:
        wrong.append("live is not as it is to be")
    verified = at.direct.run("backups", "verify")
    if verified.code:
        wrong.append(f"backups verify ended with {verified.code} in the end: {verified.stdout}{verified.stderr}")
    restored = at.direct.run("restore", "base")
    if restored.code or at.fingerprint() != stage.base:
        wrong.append(f"the base cannot be restored: {restored.code} {restored.stdout}{restored.stderr}")
    shutil.rmtree(stage.out, ignore_errors=True)
    return wrong
