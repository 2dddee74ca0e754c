"""The documentation: its tables of rules are the code's."""

from __future__ import annotations

from tools.validation_doc import PAGE, current

from tattoo_data.validation.rules.every import RULES


def test_the_tables_of_rules_are_current() -> None:
    page = PAGE.read_text("utf-8")
    assert page == current(page), "run `python -m tools.validation_doc`"
    assert all(page.count(f"| `{rule}` |") == 1 for rule in RULES)


def test_rules_are_written_alike() -> None:
    for rule in RULES.values():
        assert rule.id == rule.id.lower()
        assert not rule.message.endswith(".")
        assert rule.reason.endswith(".")
        assert "|" not in rule.message + rule.reason
