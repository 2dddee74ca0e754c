"""Check: one thing that is tried out, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tattoo_data.selftest.bench import Bench


class Category(StrEnum):
    """What a check is about, in the order in which they run. Errors come last: whether the user's data are as before
    is the last question of all."""

    HELP = "help"
    LIST = "list"
    VALIDATION = "validation"
    MODULES = "modules"
    CONFIGURATION = "configuration"
    ROUND_TRIP = "round-trip"
    FAULTS = "faults"
    ERRORS = "errors"


class Verdict(StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckFailed(Exception):
    """What a check found wrong, in words."""


class CheckSkipped(Exception):
    """Why a check has nothing to try out here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. It has passed when `act` returns, and failed when it raises; `target` says that it needs live
    services."""

    category: Category
    name: str
    proves: str
    act: Callable[[Bench], None]
    target: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A check that was run; `reason` says why it failed or was skipped."""

    check: Check
    verdict: Verdict
    seconds: float
    reason: str = ""


def expect(holds: object, otherwise: str) -> None:
    """Fail with these words unless something holds."""
    if not holds:
        raise CheckFailed(otherwise)


def same(what: str, found: object, wanted: object) -> None:
    """Fail unless both are equal."""
    if found != wanted:
        raise CheckFailed(f"{what}: {_short(found)}, not {_short(wanted)}")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
