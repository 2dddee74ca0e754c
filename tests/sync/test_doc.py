"""The documentation: its tables of conflicts and outcomes are the code's, and they show every case."""

from __future__ import annotations

from tools.sync_doc import PAGE, POLICIES, STATES, current

from tattoo_data.sync.conflict import Kind
from tattoo_data.sync.policy import Strategy

_FOUR = ("absent", "same", "A", "B")


def test_the_tables_are_current() -> None:
    page = PAGE.read_text("utf-8")
    assert page == current(page), "run `python -m tools.sync_doc`"


def test_every_conflict_every_strategy_and_every_case_is_there() -> None:
    page = PAGE.read_text("utf-8")
    _, _, outcomes = page.partition("## Every case")
    for kind in Kind:
        assert page.count(f"| `{kind}` | {kind.words} |") == 1
        assert kind is Kind.DOCUMENT_FORM or f"| `{kind}` |" in outcomes
    assert {policy.strategy for policy in POLICIES.values()} == set(Strategy)
    for part, states in zip(outcomes.split("### ")[1:], (_FOUR, ("absent", "A", "B"), _FOUR), strict=True):
        assert all(f"\n| {table} | {index} |" in part for table in states for index in states)
    assert set(_FOUR) < set(STATES)


def test_sentences_are_written_alike() -> None:
    for kind in Kind:
        assert kind.value == kind.value.lower()
        assert not kind.words.endswith(".")
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.count(" | ") >= 4 and line.endswith(". |")]
    assert len(rows) > 100
    assert all("  " not in row and ".." not in row for row in rows)
