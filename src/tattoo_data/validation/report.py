"""Reports: everything that a validation found, by rule, however much it is."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from tattoo_data.validation.baseline import Baseline
from tattoo_data.validation.rule import Finding, Severity
from tattoo_data.validation.rules.every import RULES
from tattoo_data.validation.stream import Stream

#: Up to so many findings of a rule are sorted for a reader; more come as they were found.
_SORTED = 20_000
_ORDER = {severity.value: number for number, severity in enumerate(Severity)}


@dataclass(slots=True, kw_only=True)
class Findings:
    """Takes findings in, from several threads. Those of rules that are not wanted are not kept, and those that the
    baseline knows are only counted."""

    only: Collection[str] = ()
    skip: Collection[str] = ()
    baseline: Baseline | None = None
    known: int = 0
    _streams: dict[str, Stream[Finding]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, finding: Finding) -> None:
        """Take one in."""
        if finding.rule in self.skip or (self.only and finding.rule not in self.only):
            return
        with self._lock:
            if self.baseline is not None and self.baseline.knows(finding):
                self.known += 1
                return
            stream = self._streams.get(finding.rule)
            if stream is None:
                stream = self._streams[finding.rule] = Stream(Finding)
            stream.add(finding)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each rule, the worst rules first."""
        rules = sorted(self._streams, key=lambda rule: (_ORDER[RULES[rule].severity], rule))
        return {rule: self._streams[rule].count for rule in rules}

    @property
    def severities(self) -> Mapping[str, int]:
        """How many of each severity."""
        found: Counter[str] = Counter()
        for rule, count in self.counts.items():
            found[RULES[rule].severity.value] += count
        return {severity.value: found[severity.value] for severity in Severity}

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __iter__(self) -> Iterator[Finding]:
        """All of them, rule by rule, each rule's by place."""
        for rule in self.counts:
            yield from self.of(rule)

    def of(self, rule: str) -> Iterator[Finding]:
        """Those of one rule, by place."""
        stream = self._streams[rule]
        return iter(sorted(stream, key=lambda each: each.order)) if stream.count <= _SORTED else iter(stream)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was checked and what was found. `checked` says how many records of which store; `notes` are what a reader
    should know besides."""

    what: str
    findings: Findings
    checked: Mapping[str, int]
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, int]:
        """The counts of the contract, and how many findings the baseline knew and no longer meets."""
        counts = self.findings.severities
        baseline = self.findings.baseline
        return {
            "checked": sum(self.checked.values()),
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARNING],
            "infos": counts[Severity.INFO],
            "known": self.findings.known,
            "gone": 0 if baseline is None else baseline.gone,
        }

    def fails(self, *, on_warning: bool) -> bool:
        """Whether what was found is bad enough."""
        counts = self.findings.severities
        return bool(counts[Severity.ERROR] or (on_warning and counts[Severity.WARNING]))
