"""Thresholds: from which value on a cause is how bad, and how long before it becomes an alert or ceases to be one.

    [monitoring.thresholds.table.response]
    warning = 0.5         # seconds; `false` takes a severity away
    critical = 2
    opens_after = 3       # bad checks in a row
    closes_after = 3      # good checks in a row
    for = 60              # seconds that it must have been bad
    enabled = true

    [monitoring.thresholds.table.reachable]
    severity = "warning"  # of a fact, which is so or not

What is not named keeps its default.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tattoo_data.errors import BadSetting, UnknownChoice
from tattoo_data.monitoring.alert import Severity
from tattoo_data.monitoring.causes import CAUSES, Cause, Unit, show_value

SECTION = "monitoring.thresholds"
_MOST_CHECKS, _MOST_SECONDS = 1_000, 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """When a cause is bad. `levels` are the values from which on it is of a severity; a cause without any, or that is
    not `enabled`, is never judged. It becomes an alert after `opens_after` bad checks in a row over at least `lasts`
    seconds, and ceases to be one after `closes_after` good ones."""

    cause: Cause
    levels: Mapping[Severity, float]
    opens_after: int = 1
    closes_after: int = 2
    lasts: float = 0
    enabled: bool = True

    @property
    def is_judged(self) -> bool:
        """Whether it is looked at at all."""
        return self.enabled and bool(self.levels)

    def level(self, value: float) -> Severity | None:
        """How bad a value is: the worst severity whose level it reaches, None where it is good."""
        for severity in Severity:
            bound = self.levels.get(severity)
            if bound is not None and (value < bound if self.cause.below else value >= bound):
                return severity
        return None

    def words(self, severity: Severity) -> str:
        """The level of a severity, as an alert shows it."""
        if self.cause.unit is Unit.FACT or severity not in self.levels:
            return "-"
        return f"{'<' if self.cause.below else '>='} {show_value(self.levels[severity], self.cause.unit)}"


Thresholds = Mapping[str, Threshold]


def _default(cause: Cause) -> Threshold:
    """What is certain when it is seen, is an alert at once, and over when it stayed so for two checks; a measure has to
    be bad for some checks, as any machine is slow now and then."""
    level: dict[str, dict[Severity, float]] = {
        "reachable": {Severity.CRITICAL: 1},
        "structure": {Severity.CRITICAL: 1},
        "response": {Severity.WARNING: 1.0, Severity.CRITICAL: 5.0},
        "errors": {Severity.WARNING: 0.02, Severity.CRITICAL: 0.25},
        "throttled": {Severity.INFO: 0.01, Severity.WARNING: 0.1, Severity.CRITICAL: 0.5},
        "count": {},
        "differing": {Severity.WARNING: 1, Severity.CRITICAL: 10},
    }
    kind = cause.name.partition(".")[2]
    if cause.unit is Unit.SECONDS or cause.unit is Unit.SHARE:
        return Threshold(cause=cause, levels=level[kind], opens_after=3, closes_after=3)
    return Threshold(cause=cause, levels=level[kind])


#: What holds unless the settings say otherwise.
DEFAULTS: Thresholds = {name: _default(cause) for name, cause in CAUSES.items()}


def read_thresholds(tables: object) -> Thresholds:
    """The thresholds, from what stands under `[monitoring.thresholds]` in the settings file. Raises `UnknownChoice` for
    names that are not known, and `BadSetting` for values that are no thresholds."""
    found = dict(DEFAULTS)
    for name, fields in _causes(tables):
        found[name] = _read(found[name], fields)
    return found


def _causes(tables: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each cause's table. TOML reads `[a.b]` as a table within a table; `["a.b"]` is the same here."""
    for group, content in _table(SECTION, tables).items():
        if group in CAUSES:
            yield group, _table(f"{SECTION}.{group}", content)
            continue
        if group not in {name.partition(".")[0] for name in CAUSES}:
            raise UnknownChoice(kind=f"cause of {SECTION}", name=group, known=CAUSES)
        for name, fields in _table(f"{SECTION}.{group}", content).items():
            cause = f"{group}.{name}"
            if cause not in CAUSES:
                raise UnknownChoice(kind=f"cause of {SECTION}", name=cause, known=CAUSES)
            yield cause, _table(f"{SECTION}.{cause}", fields)


def _read(threshold: Threshold, fields: Mapping[str, Any]) -> Threshold:
    name, fact = threshold.cause.name, threshold.cause.unit is Unit.FACT
    severities = ["severity"] if fact else [each.value for each in Severity]
    known = [*severities, "opens_after", "closes_after", "for", "enabled"]
    for field in fields:
        if field not in known:
            raise UnknownChoice(kind=f"key of {SECTION}.{name}", name=field, known=known)
    read = replace(
        threshold,
        levels=_fact_level(threshold, fields) if fact else _levels(threshold, fields),
        opens_after=_checks(name, fields, "opens_after", threshold.opens_after),
        closes_after=_checks(name, fields, "closes_after", threshold.closes_after),
        lasts=_lasts(name, fields, threshold.lasts),
        enabled=_enabled(name, fields, threshold.enabled),
    )
    _refuse_disorder(read)
    return read


def _fact_level(threshold: Threshold, fields: Mapping[str, Any]) -> Mapping[Severity, float]:
    if "severity" not in fields:
        return threshold.levels
    value, names = fields["severity"], [each.value for each in Severity]
    if value not in names:
        raise UnknownChoice(kind=f"severity of {SECTION}.{threshold.cause.name}", name=str(value), known=names)
    return {Severity(value): 1}


def _levels(threshold: Threshold, fields: Mapping[str, Any]) -> Mapping[Severity, float]:
    levels = dict(threshold.levels)
    for severity in Severity:
        value = fields.get(severity.value)
        if value is False:
            levels.pop(severity, None)
        elif value is not None:
            levels[severity] = _level(threshold, severity, value)
    return levels


def _level(threshold: Threshold, severity: Severity, value: Any) -> float:
    place = f"{threshold.cause.name}.{severity}"
    if not _is_number(value) or value <= 0:
        raise _bad(place, value, "it is no number over 0, nor false")
    if threshold.cause.unit is Unit.SHARE and value > 1:
        raise _bad(place, value, "a share is at most 1: 0.05 is 5 %")
    return float(value)


def _refuse_disorder(threshold: Threshold) -> None:
    """What is worse has to begin later, else it would never be the less bad one."""
    levels = [threshold.levels[each] for each in reversed(Severity) if each in threshold.levels]
    if levels != sorted(levels, reverse=threshold.cause.below):
        words = "at most" if threshold.cause.below else "at least"
        shown = {each.value: level for each, level in threshold.levels.items()}
        raise _bad(threshold.cause.name, shown, f"a worse severity has to begin at {words} the level of a lesser one")


def _checks(cause: str, fields: Mapping[str, Any], field: str, default: int) -> int:
    value = fields.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_CHECKS:
        raise _bad(f"{cause}.{field}", value, f"it is no whole number from 1 to {_MOST_CHECKS}")
    return value


def _lasts(cause: str, fields: Mapping[str, Any], default: float) -> float:
    value = fields.get("for", default)
    if not _is_number(value) or not 0 <= value <= _MOST_SECONDS:
        raise _bad(f"{cause}.for", value, f"it is no number of seconds from 0 to {_MOST_SECONDS}")
    return float(value)


def _enabled(cause: str, fields: Mapping[str, Any], default: bool) -> bool:
    value = fields.get("enabled", default)
    if not isinstance(value, bool):
        raise _bad(f"{cause}.enabled", value, "it is neither true nor false")
    return value


def _table(name: str, content: object) -> Mapping[str, Any]:
    if not isinstance(content, Mapping):
        raise BadSetting(name=name, value=content, source=f"the settings file [{name}]", reason="it is no table")
    return content


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bad(place: str, value: object, reason: str) -> BadSetting:
    name = f"{SECTION}.{place}"
    return BadSetting(name=name, value=value, source="the settings file", reason=reason)
