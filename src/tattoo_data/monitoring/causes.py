"""Causes: what can be wrong with a target, and how each is measured in a sample. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.sample import Compared, Sample, StoreSample


class Unit(StrEnum):
    """What a cause is measured in. A fact is 0 where all is well and 1 where it is not; its message says the rest."""

    FACT = "fact"
    SECONDS = "seconds"
    SHARE = "share"
    ENTRIES = "entries"
    ARTISTS = "artists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a check measured of a cause, and what to say of it where that is bad."""

    value: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One thing that can be wrong. `measure` gives None where the check did not look or could not tell, which counts
    neither as good nor as bad. With `below`, a value is bad that is under its threshold instead of at or over it."""

    name: str
    unit: Unit
    help: str
    measure: Callable[[Sample], Seen | None]
    below: bool = False


def show_value(value: float, unit: Unit) -> str:
    """A value with its unit."""
    match unit:
        case Unit.FACT:
            return "-"
        case Unit.SECONDS:
            return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"
        case Unit.SHARE:
            return f"{value * 100:.1f} %"
        case _:
            return f"{value:,.0f} {unit.value}"


def _of_store(store: StoreName, tell: Callable[[StoreSample], Seen | None]) -> Callable[[Sample], Seen | None]:
    def measure(sample: Sample) -> Seen | None:
        return tell(sample.stores[store]) if store in sample.stores else None

    return measure


def _store_causes(store: StoreName) -> list[Cause]:
    """The causes of one store."""
    name_of = "image bucket" if store is StoreName.IMAGES else store.value

    def fact(bad: bool, said: str) -> Seen:
        return Seen(value=float(bad), message=f"the {name_of} {said}")

    def reachable(found: StoreSample) -> Seen:
        why = f": {found.problems[0]}" if found.problems else ""
        return fact(not found.reachable, f"does not answer{why}")

    def structure(found: StoreSample) -> Seen | None:
        if not found.reachable:
            return None
        return fact(not found.healthy, f"is not as it should be: {'; '.join(found.problems) or 'it is not healthy'}")

    def response(found: StoreSample) -> Seen | None:
        slow = found.requests.p95
        if slow is None:
            return None
        return Seen(
            value=slow, message=f"1 request in 20 to the {name_of} takes {show_value(slow, Unit.SECONDS)} or more"
        )

    def share(what: str, count: Callable[[StoreSample], int]) -> Callable[[StoreSample], Seen | None]:
        def tell(found: StoreSample) -> Seen | None:
            sent, hit = found.requests.count, count(found)
            if not (found.reachable and sent):
                return None
            return Seen(value=min(1.0, hit / sent), message=f"of {sent:,} requests to the {name_of}, {hit:,} {what}")

        return tell

    def count(found: StoreSample) -> Seen | None:
        if found.count is None:
            return None
        return Seen(value=float(found.count), message=f"the {name_of} holds {found.count:,} entries only")

    told: list[tuple[str, Unit, str, Callable[[StoreSample], Seen | None]]] = [
        ("reachable", Unit.FACT, f"the {name_of} does not answer", reachable),
        ("structure", Unit.FACT, f"the {name_of} answers, but is missing or made otherwise", structure),
        ("response", Unit.SECONDS, "the response time of the slowest 5 % of its requests", response),
        ("errors", Unit.SHARE, "the share of its requests that failed", share("failed", _errors)),
        ("throttled", Unit.SHARE, "the share of its requests that were throttled", share("were throttled", _held)),
        ("count", Unit.ENTRIES, f"how much the {name_of} holds; bad is less than that", count),
    ]
    return [
        Cause(name=f"{store}.{name}", unit=unit, help=text, measure=_of_store(store, tell), below=name == "count")
        for name, unit, text, tell in told
    ]


def _errors(found: StoreSample) -> int:
    return found.requests.errors


def _held(found: StoreSample) -> int:
    return found.requests.throttled


def _differing(sample: Sample) -> Seen | None:
    """How many artists differ. That some artists agree does not say that all do, so a part of them is never good."""
    found = sample.consistency
    if found.consistent is None or (found.compared is not Compared.FULL and not found.differing):
        return None
    kinds = {"missing in the index": found.missing, "too much there": found.extra, "different": found.different}
    how = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    return Seen(
        value=float(found.differing),
        message=f"table and index disagree on {found.differing:,} of {found.artists:,} artists ({how})",
    )


#: Every cause by its name.
CAUSES: Mapping[str, Cause] = {
    cause.name: cause
    for cause in (
        *(cause for store in StoreName for cause in _store_causes(store)),
        Cause(
            name="consistency.differing",
            unit=Unit.ARTISTS,
            help="the artists on whom table and index disagree",
            measure=_differing,
        ),
    )
}
