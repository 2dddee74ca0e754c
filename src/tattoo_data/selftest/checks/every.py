"""Every check, category by category, in the order in which they run."""

from __future__ import annotations

from collections.abc import Collection

from tattoo_data.selftest.bench import Surface
from tattoo_data.selftest.check import Category, Check
from tattoo_data.selftest.checks import (
    configuration,
    errors,
    faults,
    help,
    listing,
    modules,
    round_trip,
    validation,
)


def every_check(surface: Surface) -> tuple[Check, ...]:
    """All of them."""
    return (
        *help.checks(surface),
        *listing.CHECKS,
        *validation.CHECKS,
        *modules.CHECKS,
        *configuration.CHECKS,
        *round_trip.CHECKS,
        *faults.CHECKS,
        *errors.CHECKS,
    )


def chosen(surface: Surface, categories: Collection[Category], *, with_faults: bool) -> tuple[Check, ...]:
    """Those of some categories, or where none is named all but the faults; the faults where they are wanted."""
    wanted = set(categories) or set(Category) - {Category.FAULTS}
    wanted |= {Category.FAULTS} if with_faults else set()
    return tuple(check for check in every_check(surface) if check.category in wanted)
