"""A short run of every campaign. The whole: `python -m tests.campaigns kills`, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaigns import faults, flips, follow, kept, kills, migrations, twins, writer
from tests.campaigns.place import Place, place
from tests.conftest import GetEngine

#: A campaign is many commands, on a machine that others use too.
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(params=["embedded", "real"])
def at(request: pytest.FixtureRequest, get_engine: GetEngine, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, lambda name: get_engine(name).url, tmp_path) as made:
        yield made


def test_a_command_killed_at_any_moment_is_mended_by_itself_and_taken_back(at: Place) -> None:
    report = kills.run(at, len(kills.CASES), seed=7)
    assert report.wrong == []
    assert report.interrupted > 0


def test_a_migration_or_rollback_killed_at_any_moment_goes_on(at: Place) -> None:
    report = migrations.run(at, 2 * len(migrations.CASES), seed=7)
    assert report.wrong == []
    assert report.interrupted > 0


def test_what_is_killed_while_it_keeps_or_brings_back_loses_nothing(at: Place) -> None:
    report = kept.run(at, len(kept.CASES), seed=7)
    assert report.wrong == []


def test_of_two_commands_at_once_one_wins(at: Place) -> None:
    assert twins.run(at, 3, seed=7).wrong == []


def test_faults_end_in_the_right_state_or_with_the_exact_keys(at: Place) -> None:
    report = faults.run(at, 2, seed=7, first=1)
    assert report.wrong == []
    assert {"throttled", "dropped", "unprocessed", "partial"} <= set(report.met)
    assert report.ended[3] > 0


def test_what_the_application_writes_meanwhile_is_not_lost(at: Place) -> None:
    report = writer.run(at, 1, seed=7)
    assert report.wrong == []
    assert report.named > 0


def test_following_that_is_killed_under_writes_catches_up(at: Place) -> None:
    report = follow.run(at, 3, seed=7)
    assert report.wrong == []
    assert report.kills == 3


def test_whatever_is_damaged_of_a_backup_is_named_and_not_restored() -> None:
    report = flips.run(150, seed=7)
    assert report.wrong == []
    assert len({name.partition(" ")[2] for name in report.hits}) == 4
