"""The plan file: what is to be decided goes out, decisions come in, and nothing else is taken for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import UsageError
from tattoo_data.model.entry import Entry
from tattoo_data.sync.conflict import Base, Conflict, Side, base_of, find
from tattoo_data.sync.decide import decide
from tattoo_data.sync.plan_file import decide_by, read, write
from tattoo_data.sync.policy import Choice, Policy, Strategy, Whole
from tests.sync.sides import ID, cases, document, item, must_find, projection

MANUAL = Policy(strategy=Strategy.MANUAL)
OLD = item(artistName={"S": "Ada"}, bio={"S": "one"}, rating={"N": "4"})
BASE = base_of(OLD, projection(OLD))
NEW = item(artistName={"S": "Ada"}, bio={"S": "two"}, rating={"N": "4"}, updatedAt={"S": "2026-01-01"})
LIVE = document(artistName="Ada", bio="three", rating=5, updatedAt="2026-01-02")
BOTH = must_find(BASE, NEW, LIVE)
GONE = must_find(BASE, None, document(artistName="Ada", bio="three", rating=4))


def written(*conflicts: Conflict) -> list[bytes]:
    """The lines of a plan."""
    return list(write(conflicts))


def with_decision(line: bytes, decision: Any) -> bytes:
    """A line with a decision in it, as somebody's editor leaves it."""
    members = line.removeprefix(b'{"decision":null,').rstrip()
    return b'{ "decision": %s, %s\r\n' % (json.dumps(decision).encode(), members)


def decided(found: Conflict, decision: Any) -> list[bytes]:
    """A plan of one conflict, decided."""
    header, line = written(found)
    return [header, with_decision(line, decision)]


def test_a_line_says_what_it_is_about_with_the_decision_first() -> None:
    header, line = written(BOTH)
    assert json.loads(header).keys() == {"type", "format", "help"}
    assert line.startswith(b'{"decision":null,"id":"a","kind":"changed-in-both","name":"Ada","fields":{"bio":')
    said = json.loads(line)
    assert said["fields"] == {
        "bio": {"changed": "both", "table": "two", "index": "three", "base": "one"},
        "rating": {"changed": "index", "table": 4, "index": 5, "base": 4},
        "updatedAt": {"changed": "both", "table": "2026-01-01", "index": "2026-01-02"},
    }
    assert {name: len(digest) for name, digest in said["digests"].items()} == {"table": 64, "index": 64}
    assert json.loads(written(GONE)[1])["digests"].keys() == {"index"}


def test_numbers_are_written_with_all_their_digits() -> None:
    long = b"12345678901234567890.123456789012345678"
    found = must_find(None, item(), Entry(ID, b'{"artistId":"a","x":%s}' % long))
    assert b'"index":%s}' % long in written(found)[1]


@pytest.mark.parametrize("found", [BOTH, GONE])
def test_a_plan_in_which_nothing_is_decided_decides_nothing(found: Conflict) -> None:
    plan = read(written(found), "plan")
    assert plan[ID].choice is None
    assert decide_by(plan, found, MANUAL) == decide(found, MANUAL)
    assert decide_by({}, found, MANUAL).is_left


@pytest.mark.parametrize(
    ("found", "decision", "choice"),
    [
        (BOTH, "table", Whole.TABLE),
        (BOTH, "index", Whole.INDEX),
        (BOTH, "delete", Whole.DELETE),
        (BOTH, {"bio": "table"}, {"bio": Side.TABLE}),
        (BOTH, {"bio": "index", "rating": "table"}, {"bio": Side.INDEX, "rating": Side.TABLE}),
        (BOTH, {"bio": "index", "updatedAt": "table"}, {"bio": Side.INDEX, "updatedAt": Side.TABLE}),
        (GONE, "table", Whole.TABLE),
        (GONE, "index", Whole.INDEX),
        (GONE, "delete", Whole.DELETE),
        (GONE, "keep", Whole.KEEP),
    ],
)
def test_a_decision_is_what_somebody_chose(found: Conflict, decision: Any, choice: Choice) -> None:
    plan = read(decided(found, decision), "plan")
    assert plan[ID].choice == choice
    assert decide_by(plan, found, MANUAL) == decide(found, MANUAL, choice)
    assert not decide_by(plan, found, MANUAL).is_left


def test_what_the_plan_does_not_name_goes_by_the_policy() -> None:
    only_index = must_find(BASE, OLD, document(artistName="Ada", bio="one", rating=5))
    assert not decide_by({}, only_index, MANUAL).is_left


@pytest.mark.parametrize(
    "now",
    [
        must_find(BASE, NEW, document(artistName="Ada", bio="four", rating=5, updatedAt="2026-01-02")),
        must_find(BASE, item(artistName={"S": "Ada"}, bio={"S": "2"}), LIVE),
        must_find(BASE, None, LIVE),
        must_find(BASE, NEW, None),
        must_find(None, NEW, LIVE),
        must_find(base_of(item(bio={"S": "0"}), document(bio="0")), NEW, LIVE),
    ],
)
def test_a_decision_about_a_record_that_changed_since_is_left(now: Conflict) -> None:
    decision = decide_by(read(decided(BOTH, "table"), "plan"), now, MANUAL)
    assert decision.is_left
    assert decision.reason.startswith("The plan decides on it, but ")


def test_a_value_that_was_edited_is_not_taken_for_a_decision() -> None:
    lines = [line.replace(b'"two"', b'"my own"') for line in decided(BOTH, "table")]
    decision = decide_by(read(lines, "plan"), BOTH, MANUAL)
    assert decision.is_left
    assert "was edited, and only decisions are read" in decision.reason


def test_a_number_that_a_tool_rounded_is_noticed() -> None:
    found = must_find(None, item(x={"N": "1234567890123456789012"}), document(x=1))
    header, line = decided(found, "table")
    assert not decide_by(read([header, line], "plan"), found, MANUAL).is_left
    rounded = json.dumps(json.loads(line, parse_int=float)).encode()
    assert decide_by(read([header, rounded], "plan"), found, MANUAL).is_left


def test_editors_may_leave_a_mark_blank_lines_and_other_spaces() -> None:
    header, line = decided(BOTH, "table")
    assert read([b"\xef\xbb\xbf" + header, b"\n", line.rstrip(), b""], "plan")[ID].choice is Whole.TABLE


def edit(change: Callable[[bytes], bytes], found: Conflict = BOTH) -> list[bytes]:
    """A plan whose second line somebody changed."""
    header, line = written(found)
    return [header, change(line)]


def with_member(found: Conflict, name: str, value: Any) -> list[bytes]:
    """A plan with a decision by field, and another member in its line."""
    header, line = decided(found, {"bio": "table"})
    return [header, json.dumps({**json.loads(line), name: value}).encode()]


HEADER = written()[0]
REFUSED = [
    ([], "plan is empty"),
    ([b"\n"], "plan is empty"),
    ([b"null\n"], "plan, line 1: it is no JSON object; a plan has one on each line"),
    ([b"{\n", b"}\n"], "plan, line 1: it is no JSON object"),
    ([b"[" * 5000], "plan, line 1: it is no JSON object"),
    (written(BOTH)[1:], 'plan, line 1: it is no plan: the first line has "type":"sync-plan"'),
    ([HEADER.replace(b'"format":1', b'"format":2')], "plan, line 1: its format is 2, and this version reads 1"),
    ([b'{"type":"sync-plan"}'], "plan, line 1: its format is missing, and this version reads 1"),
    (edit(lambda line: line[:-3]), "plan, line 2: it is no JSON object"),
    (edit(lambda line: line.replace(b'"id":"a",', b"")), "plan, line 2: it has no id"),
    (edit(lambda line: line.replace(b'"id":"a"', b'"id":1')), "plan, line 2: it has no id"),
    ([*written(BOTH), written(BOTH)[1]], "plan, line 3: a: it is there twice"),
    (
        edit(lambda line: b'{"choice":"table",' + line[1:]),
        "a: 'choice' is not known; there is decision, id, kind, name",
    ),
    (edit(lambda line: line.replace(b'"decision":null,', b"")), "a: decision is missing"),
    (edit(lambda line: line[:-2] + b',"decision":"table"}'), "an object in it has the same name twice"),
    (decided(BOTH, "tabel"), "a: the decision 'tabel' is not known; there is table, index, delete or a side for each"),
    (decided(BOTH, "Table"), "a: the decision 'Table' is not known"),
    (decided(BOTH, ""), "a: the decision '' is not known"),
    (decided(BOTH, "keep"), "a: the decision 'keep' is not known; there is table, index, delete or"),
    (decided(GONE, "kept"), "a: the decision 'kept' is not known; there is table, index, delete, keep$"),
    (decided(GONE, {"bio": "index"}), "a: the decision .* is not known; there is table, index, delete, keep$"),
    (decided(BOTH, True), "a: the decision 'true' is not known"),
    (decided(BOTH, ["table"]), "a: the decision .* is not known"),
    (decided(BOTH, {}), "a: nothing is decided on the field 'bio', which changed on both sides"),
    (decided(BOTH, {"rating": "table"}), "a: nothing is decided on the field 'bio'"),
    (decided(BOTH, {"bio": "delete"}), "a: the side 'delete' of bio is not known; there is table, index"),
    (decided(BOTH, {"bio": None}), "a: the side None of bio is not known"),
    (decided(BOTH, {"bio": ["table"]}), "a: the side .* of bio is not known"),
    (decided(BOTH, {"bios": "table"}), "a: the field 'bios' is no part of it; there is bio, rating, updatedAt"),
    (with_member(BOTH, "fields", [1]), "plan, line 2: a: Expected `object`"),
    (with_member(BOTH, "fields", {"bio": 1}), "plan, line 2: a: Expected `object`"),
    (with_member(BOTH, "digests", 1), "plan, line 2: a: Expected `object`"),
    (with_member(BOTH, "extra", 1), "plan, line 2: a: 'extra' is not known"),
]


@pytest.mark.parametrize(("lines", "reason"), REFUSED, ids=[f"{n} {reason}" for n, (_, reason) in enumerate(REFUSED)])
def test_what_is_no_plan_or_no_decision_is_refused_by_line_and_id(lines: list[bytes], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        read(lines, "plan")


@given(cases(), st.sampled_from([Whole.TABLE, Whole.INDEX, Whole.DELETE, None]))
def test_every_conflict_comes_back_with_its_decision(
    case: tuple[Base | None, Entry | None, Entry | None], choice: Whole | None
) -> None:
    found = find(*case)
    if found is None:
        return
    plan = read(decided(found, choice), "plan")
    assert decide_by(plan, found, MANUAL) == decide(found, MANUAL, choice)
    by_field = {field.name: Side.INDEX for field in found.fields}
    if found.is_on_both and by_field:
        assert decide_by(read(decided(found, by_field), "plan"), found, MANUAL) == decide(found, MANUAL, by_field)


@given(st.lists(st.binary(max_size=30), max_size=4))
def test_nothing_else_breaks_it(lines: list[bytes]) -> None:
    with pytest.raises(UsageError):
        read([*lines, b"x"], "plan")
