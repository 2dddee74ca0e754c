"""The policy: which strategies there are, and which options go with each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tattoo_data.errors import UnknownChoice, UsageError
from tattoo_data.sync.conflict import Side
from tattoo_data.sync.policy import Policy, Strategy, policy_of

FILE = Path("plan.jsonl")


def test_a_strategy_by_its_name() -> None:
    for each in set(Strategy) - {Strategy.MANUAL}:
        assert policy_of(each.value) == Policy(strategy=each)
    assert policy_of("merge", "index") == Policy(strategy=Strategy.MERGE, prefer=Side.INDEX)
    assert policy_of("manual", plan=FILE) == policy_of("manual", apply=FILE) == Policy(strategy=Strategy.MANUAL)


@pytest.mark.parametrize(
    ("strategy", "prefer", "plan", "apply", "error", "words"),
    [
        ("newest", None, None, None, UnknownChoice, "newest"),
        ("merge", "left", None, None, UnknownChoice, "left"),
        ("latest", "table", None, None, UsageError, "--prefer is for merge"),
        ("latest", None, FILE, None, UsageError, "are for manual"),
        ("merge", None, None, FILE, UsageError, "are for manual"),
        ("manual", None, None, None, UsageError, "manual needs --plan FILE"),
        ("manual", None, FILE, FILE, UsageError, "manual needs --plan FILE"),
    ],
)
def test_options_that_do_not_fit(
    strategy: str, prefer: str | None, plan: Path | None, apply: Path | None, error: type[UsageError], words: str
) -> None:
    with pytest.raises(error) as found:
        policy_of(strategy, prefer, plan=plan, apply=apply)
    assert words in found.value.message


def test_a_strategy_nearly_named_is_suggested_as_it_is_typed() -> None:
    with pytest.raises(UnknownChoice) as found:
        policy_of("dynamo-wins")
    assert found.value.hint == "Did you mean 'dynamo_wins'?"
    assert "latest, dynamo_wins" in found.value.message
