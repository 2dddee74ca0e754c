"""Run: the checks one after the other, each with its own time and verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.errors import TattooDataError
from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, CheckFailed, CheckSkipped, Result, Verdict

Say = Callable[[Result], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Every result, in the order in which they came; and the scratch target's names, where there was one."""

    results: Sequence[Result]
    scratch: dict[str, str] = field(default_factory=dict)

    def count(self, verdict: Verdict) -> int:
        """How many ended so."""
        return sum(each.verdict is verdict for each in self.results)

    @property
    def has_failed(self) -> bool:
        """Whether any check failed."""
        return self.count(Verdict.FAILED) > 0

    def by_category(self) -> Iterator[tuple[Category, list[Result]]]:
        """The results of each category that was asked for."""
        for category in Category:
            if results := [each for each in self.results if each.check.category is category]:
                yield category, results


def run_checks(checks: Sequence[Check], bench: Bench, progress: Progress = no_progress) -> Report:
    """Run them all, whatever becomes of one."""
    results: list[Result] = []
    for number, check in enumerate(checks):
        progress(f"checking {check.category} {check.name}", number, len(checks))
        results.append(run_check(check, bench))
    return Report(results=results, scratch=_names(bench))


def run_check(check: Check, bench: Bench) -> Result:
    """One check: one that raises has failed, with the error named."""
    began = bench.clock.monotonic()
    verdict, reason = Verdict.PASSED, ""
    try:
        check.act(bench)
    except CheckSkipped as error:
        verdict, reason = Verdict.SKIPPED, str(error)
    except CheckFailed as error:
        verdict, reason = Verdict.FAILED, str(error)
    except TattooDataError as error:
        verdict, reason = Verdict.FAILED, f"{error.id}: {error.message}"
    except Exception as error:  # noqa: BLE001  whatever it is, the other checks are to be run too
        verdict, reason = Verdict.FAILED, f"{type(error).__name__}: {error}"
    return Result(check=check, verdict=verdict, seconds=bench.clock.monotonic() - began, reason=reason)


def _names(bench: Bench) -> dict[str, str]:
    if bench.scratch is None:
        return {}
    target = bench.scratch.env.target
    return {
        "table": target.table,
        "index": target.index,
        "imageBucket": target.image_bucket,
        "backupBucket": target.backup_bucket,
    }
