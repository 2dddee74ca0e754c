"""10,000 artists: a reset and a restore into empty stores, held against the floor; and what changes little, or writes
files, against one raw scan of both stores."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.content import Content, Engines, make
from bench.measure import TOOL, Cost, Series, here, process, rounds
from bench.report import Figure


@dataclass(slots=True)
class _Costs:
    """What was measured beside the rounds, act by act."""

    again: list[Cost] = field(default_factory=list)
    scan: list[Cost] = field(default_factory=list)
    changed: list[Cost] = field(default_factory=list)
    undo: list[Cost] = field(default_factory=list)
    backup: list[Cost] = field(default_factory=list)
    export: list[Cost] = field(default_factory=list)
    restore: list[Cost] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Acts:
    """The acts of one round, each on engines that were just started, because they slow down as they fill. `changes` are
    those of one artist in a hundred."""

    engines: Engines
    content: Content
    changes: Content
    costs: _Costs = field(default_factory=_Costs)

    def floor(self) -> Cost:
        """The bare bodies, and one scan."""
        with self.engines() as environment:
            make(environment)
            return here(self.content.floor(environment).write_and_scan)

    def reset(self) -> Cost:
        """A reset from empty; then with nothing to do, with one percent changed, and the undo of that."""
        with self.engines() as environment:
            make(environment)
            cost = process(self.content.reset, environment)
            self.costs.again.append(process(self.content.reset, environment))
            self._change(environment)
            self.costs.changed.append(process(self.content.reset, environment))
            self._scan(environment)
            self.costs.undo.append(process([TOOL, "undo"], environment))
            return cost

    def restore(self) -> Cost:
        """A second backup, an export, and a restore where one percent changed; then one into new stores on new
        engines, from the bucket that goes on."""
        with self.engines() as environment, tempfile.TemporaryDirectory() as folder:
            process([*self.content.reset, "--no-undo"], environment)
            process([TOOL, "backup", "bench"], environment)
            self.costs.backup.append(process([TOOL, "backup", "bench"], environment))
            self._scan(environment)
            self.costs.export.append(process([TOOL, "export", folder], environment))
            self._change(environment)
            self.costs.restore.append(process([TOOL, "restore", "bench"], environment))
            with self.engines() as fresh:
                s3 = environment.get("AWS_ENDPOINT_URL_S3") or environment["AWS_ENDPOINT_URL"]
                target = {**fresh, "AWS_ENDPOINT_URL_S3": s3}
                make(target)
                return process([TOOL, "restore", "bench"], target)

    def _change(self, environment: Mapping[str, str]) -> None:
        self.changes.floor(environment).write()
        self._scan(environment)

    def _scan(self, environment: Mapping[str, str]) -> None:
        self.costs.scan.append(here(self.content.floor(environment).scan_both))


def figures(engines: Engines, artists: int, count: int) -> list[Figure]:
    """Reset and restore into empty stores, against the floor; and what changes little, or writes files, against one raw
    scan of both stores."""
    content = Content.of(artists)
    acts = _Acts(engines=engines, content=content, changes=content.changed(every=100))
    done = rounds(count, {"floor": acts.floor, "reset": acts.reset, "restore": acts.restore})
    costs, floor = acts.costs, done["floor"]
    against_floor = (("`reset` from empty", done["reset"]), ("`restore` into empty stores", done["restore"]))
    against_scan = (
        ("`reset` with nothing to do", costs.again, None),
        ("`reset` with 1% changed", costs.changed, 1.5),
        ("`undo` of that", costs.undo, 1.5),
        ("`restore` with 1% changed", costs.restore, 1.3),
        ("`export`", costs.export, 1.2),
        ("a second `backup`", costs.backup, None),
    )
    scan = Series(costs.scan)
    return [
        *(Figure.of(name, series, "the floor", floor, "wall", 1.2) for name, series in against_floor),
        *(Figure.of(name, Series(each), "a raw scan of both", scan, "wall", aim) for name, each, aim in against_scan),
    ]
