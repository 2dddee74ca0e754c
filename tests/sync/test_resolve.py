"""Resolve: every case under every strategy, written and found no more, in memory."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tools.sync_doc import POLICIES, SITUATIONS, STATES, after, conflict

from tattoo_data.backups.restore import RestoreOptions, restore
from tattoo_data.backups.take import TakeOptions, take
from tattoo_data.errors import SourceEmpty, UnknownName, UsageError
from tattoo_data.model.entry import Blob, Entry
from tattoo_data.repository.packs import PREFIX
from tattoo_data.runs.session import WriteOptions
from tattoo_data.stores.base import Target, TransientError
from tattoo_data.sync.conflict import Side
from tattoo_data.sync.decide import decide
from tattoo_data.sync.policy import Policy, Strategy
from tattoo_data.sync.resolve import Resolved, ResolveOptions, write_plan
from tests.runs import Killed, Shelf
from tests.sync.stand import INDEX, TABLE, Stand, failed, key_of

DRY = WriteOptions(dry_run=True)


def put(stand: Stand, artist: str, state: str, *stores: Any) -> None:
    """Make an artist's sides what a state of the documentation's example says."""
    fields = STATES[state]
    for store in stores:
        if fields is None:
            stand.lose(artist, store)
        elif store is TABLE:
            stand.item(artist, **{str(name): value for name, value in fields.items()})
        else:
            stand.document(artist, **fields)


def lay_out(stand: Stand, situation: str) -> dict[str, tuple[str, str]]:
    """An artist for every pair of states of a situation; what each is."""
    artists = {f"{table}-{index}": (table, index) for table, index in SITUATIONS[situation]}
    if situation != "none":
        for artist in artists:
            put(stand, artist, situation, TABLE, INDEX)
        stand.point()
    for artist, (table, index) in artists.items():
        put(stand, artist, table, TABLE)
        put(stand, artist, index, INDEX)
    return artists


@pytest.mark.parametrize("name", list(POLICIES))
@pytest.mark.parametrize("situation", list(SITUATIONS))
def test_every_case_ends_as_the_documentation_says(stand: Stand, situation: str, name: str) -> None:
    policy = POLICIES[name]
    artists = lay_out(stand, situation)
    before = stand.state()
    decided = {
        artist: decide(found, policy) for artist, pair in artists.items() if (found := conflict(situation, *pair))
    }
    left = {artist for artist, decision in decided.items() if decision.is_left}
    plan = stand.resolve(policy.strategy, prefer=policy.prefer, write=DRY)
    assert stand.state() == before
    assert plan.new_point is None
    done = stand.resolve(policy.strategy, prefer=policy.prefer)
    assert done.change.failures == ()
    assert {each.id: (each.reason, each.left) for each in done.decisions} == {
        artist: (decision.reason, decision.is_left) for artist, decision in decided.items()
    }
    assert list(plan.decisions) == list(done.decisions)
    assert plan.change.counts == done.change.counts
    assert (done.left, set(stand.kinds()), stand.disagree()) == (len(left), left, left)
    for artist, decision in decided.items():
        if artist not in left:
            state = after(decision)
            wanted = {"bio": "A", "avatar": "C", "updatedAt": "2026-01-04"} if state == "A and C" else STATES[state]
            assert stand.fields(artist) == (wanted if wanted is None else {"artistId": artist, **wanted})
    assert (done.new_point is None) == bool(left)
    again = stand.resolve(policy.strategy, prefer=policy.prefer)
    assert (again.change.run, again.left, again.new_point) == (None, len(left), None)


def test_an_undo_takes_it_all_back(stand: Stand) -> None:
    lay_out(stand, "same")
    before = stand.state()
    assert stand.resolve(Strategy.OPENSEARCH_WINS).change.run is not None
    assert stand.desk.undo().change.failures == ()
    assert stand.state() == before


def edited(stand: Stand) -> tuple[str, dict[str, Any]]:
    """A sync point, and what was edited and deleted since. Returns it, and the fields that are right when the table
    wins."""
    for artist in ("a", "b", "gone"):
        stand.both(artist, bio="old", updatedAt="2026-01-01")
    point = stand.point()
    stand.item("a", bio="TABLE", updatedAt="2026-06-01")
    stand.document("a", bio="INDEX", updatedAt="2026-05-01")
    stand.document("b", bio="only the index", updatedAt="2026-01-01")
    stand.lose("gone", TABLE)
    return point, {"a": "TABLE", "b": "only the index"}


def bios(stand: Stand) -> dict[str, Any]:
    """The table's texts, by artist."""
    return {each["artistId"]["S"]: each["bio"]["S"] for each in stand.items().values()}


def test_once_a_resolve_is_undone_its_sync_point_counts_no_more(stand: Stand) -> None:
    point, right = edited(stand)
    before = stand.state()
    first = stand.resolve(Strategy.OPENSEARCH_WINS)
    assert first.new_point is not None
    stand.desk.machine.passes(1)
    stand.desk.undo()
    assert stand.state() == before
    again = stand.resolve(Strategy.DYNAMO_WINS)
    assert (again.point, bios(stand), stand.disagree()) == (point, right, set())
    assert again.new_point not in (None, first.new_point)


def test_once_a_resolve_is_redone_its_sync_point_counts_again(stand: Stand) -> None:
    point, right = edited(stand)
    first = stand.resolve()
    stand.desk.machine.passes(1)
    stand.desk.undo()
    assert stand.detect().point == point
    stand.desk.machine.passes(1)
    stand.desk.redo()
    stand.document("a", bio="newer", updatedAt="2026-01-01")
    again = stand.resolve(Strategy.DYNAMO_WINS)
    assert again.point == first.new_point
    assert bios(stand) == right | {"a": "newer"}


def test_a_sync_point_that_is_set_after_an_undo_counts(stand: Stand) -> None:
    edited(stand)
    stand.resolve()
    stand.desk.machine.passes(1)
    stand.desk.undo()
    own = stand.point("own")
    assert stand.resolve(Strategy.DYNAMO_WINS).point == own


def test_once_a_snapshot_is_restored_a_resolve_since_counts_no_more(stand: Stand) -> None:
    point, right = edited(stand)
    stand.desk.machine.passes(1)
    take(stand.env, TakeOptions(name="s"))
    assert stand.resolve(Strategy.OPENSEARCH_WINS).new_point is not None
    stand.desk.machine.passes(1)
    restore(stand.env, RestoreOptions(reference="s"))
    again = stand.resolve(Strategy.DYNAMO_WINS)
    assert (again.point, bios(stand), stand.disagree()) == (point, right, set())


def test_what_was_deleted_on_purpose_stays_deleted(stand: Stand) -> None:
    for artist in ("a", "b", "stays"):
        stand.both(artist, updatedAt="2026-01-01")
    stand.point()
    stand.lose("a", TABLE)
    stand.lose("b", INDEX)
    stand.resolve()
    assert {key for key, *_ in stand.state()[INDEX].items()} == {"stays"}
    assert stand.items().keys() == {key_of("stays")}


def test_both_forms_of_an_artist_that_is_deleted_go(stand: Stand) -> None:
    stand.both("a", bio="x")
    stand.item("a", "PROFILE", bio="old")
    stand.both("b", bio="x")
    stand.point()
    stand.lose("a", INDEX)
    stand.resolve()
    assert stand.items().keys() == {key_of("b")}


def test_items_keep_their_types_their_form_and_what_is_not_the_documents(stand: Stand) -> None:
    typed: dict[str, Any] = {"styles": {"SS": ["b", "a"]}, "raw": {"B": "AAE="}, "gsi9pk": {"S": "of its own"}}
    stand.item("a", "PROFILE", bio="1", **typed)
    stand.to_index()
    stand.point()
    fields = stand.fields("a")
    stand.raw("a", {**fields, "bio": "2", "styles": ["c", "b"]}, routing="r")
    done = stand.resolve()
    attributes = stand.attributes("a", "PROFILE")
    assert attributes["styles"] == {"SS": ["b", "c"]}
    assert (attributes["raw"], attributes["gsi9pk"], attributes["bio"]) == (
        {"B": "AAE="},
        {"S": "of its own"},
        {"S": "2"},
    )
    assert [each.routing for each in stand.documents.get(["a"], {"a": "r"})] == ["r"]
    assert (done.left, stand.disagree()) == (0, set())


def test_what_comes_back_has_the_types_of_the_sync_point(stand: Stand) -> None:
    stand.item("a", "PROFILE", styles={"SS": ["a"]}, note={"B": "AAE="})
    stand.to_index()
    stand.point()
    stand.both("b")
    stand.table.delete([Target(key_of("a", "PROFILE"))])
    stand.raw("a", {**stand.fields("a"), "styles": ["b"]})
    stand.resolve()
    assert stand.attributes("a", "PROFILE")["styles"] == {"SS": ["b"]}
    assert stand.attributes("a", "PROFILE")["note"] == {"B": "AAE="}


# What wins.


@pytest.mark.parametrize(
    ("table", "index", "winner"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", "index"),
        ("2026-11-22T10:00:00Z", "2026-11-22T09:30:00Z", "table"),
        ("soon", "2026-01-01", "index"),
        ("2030-01-01", "2026-01-01", "index"),
        ("2026-01-01", "2030-01-01", "table"),
        ("2026-11-23T09:00:00Z", "2026-11-22T09:00:00Z", "table"),
        ("2030-01-01", "never", "table"),
        (None, "2026-01-01", "index"),
        (None, None, "table"),
    ],
)
def test_the_latest_by_what_can_be_believed(stand: Stand, table: str | None, index: str | None, winner: str) -> None:
    stand.item("a", bio="table", **({"updatedAt": table} if table else {}))
    stand.document("a", bio="index", **({"updatedAt": index} if index else {}))
    done = stand.resolve()
    assert (stand.fields("a")["bio"], done.left) == (winner, 0)
    assert stand.disagree() == set()


def test_an_hour_ahead_is_believed_and_a_year_is_not(stand: Stand) -> None:
    now = stand.env.clock.now()
    for artist, ahead, winner in (("h", timedelta(hours=1), "index"), ("y", timedelta(days=365), "table")):
        stand.item(artist, bio="table", updatedAt=now.isoformat())
        stand.document(artist, bio="index", updatedAt=(now + ahead).isoformat())
        stand.resolve()
        assert stand.fields(artist)["bio"] == winner


# Bad input.


def test_what_cannot_be_read_is_named_and_the_rest_is_done(stand: Stand) -> None:
    stand.item("good", bio="x")
    stand.raw("plain", {"text": "x"})
    stand.raw("ARTIST#good", {"artistId": "good"})
    done = stand.resolve(Strategy.DYNAMO_WINS)
    assert failed(done) == {("index", "plain", "CannotBeProjected")}
    assert done.new_point is None
    assert stand.state()[INDEX].keys() == {"good", "plain", "ARTIST#good"}


def test_a_document_that_no_item_can_give_is_left(stand: Stand) -> None:
    stand.both("a", bio="x")
    stand.documents.put([Entry("a", b'{"artistId":"a","bio":"x","n":1%s1}' % (b"0" * 40))])
    done = stand.resolve(Strategy.OPENSEARCH_WINS)
    (decided,) = done.decisions
    assert (done.left, decided.left, done.change.run) == (1, True, None)
    assert "no item can give its document" in decided.reason
    assert stand.resolve(Strategy.DYNAMO_WINS).left == 0


@pytest.mark.parametrize("lost", [TABLE, INDEX])
def test_an_empty_side(stand: Stand, lost: Any) -> None:
    """Without a sync point a lost table empties nothing, and a lost index is filled."""
    for number in range(30):
        stand.both(f"a{number}", bio="x")
    whole = stand.state()
    for number in range(30):
        stand.lose(f"a{number}", lost)
    before = stand.state()
    done = stand.resolve()
    assert stand.state() == (before if lost is TABLE else whole)
    assert done.left == (30 if lost is TABLE else 0)
    stand.resolve(Strategy.OPENSEARCH_WINS)
    assert stand.disagree() == set()
    assert len(stand.items()) == 30


@pytest.mark.parametrize("lost", [TABLE, INDEX])
def test_a_side_that_lost_everything_since_the_sync_point_empties_nothing(stand: Stand, lost: Any) -> None:
    for artist in ("a", "b"):
        stand.both(artist, bio="x")
    stand.point()
    for artist in ("a", "b"):
        stand.lose(artist, lost)
    stand.raw("ARTIST#a", {"artistId": "a"})
    stand.table.put([Entry(key, key.encode()) for key in (key_of("a").replace("ARTIST", "STUDIO"),)])
    before = stand.state()
    for write in (DRY, WriteOptions()):
        with pytest.raises(SourceEmpty):
            stand.resolve(write=write)
    assert stand.state() == before
    assert stand.desk.runs() == []
    assert len(stand.kinds()) == 2
    keeps = Strategy.OPENSEARCH_WINS if lost is TABLE else Strategy.DYNAMO_WINS
    with pytest.raises(SourceEmpty):
        stand.resolve(keeps)
    assert stand.resolve(allow_empty=True).change.removed == ({"documents": 2} if lost is TABLE else {"artists": 2})


# The sync point that is set.


def test_a_new_point_is_set_where_all_agree(stand: Stand) -> None:
    stand.item("a", bio="1")
    first = stand.resolve()
    assert (first.point, str(first.new_point).startswith("resolved@")) == (None, True)
    stand.document("a", bio="2")
    second = stand.resolve()
    assert second.point == first.new_point
    assert (second.kinds, second.new_point != first.new_point) == ({"changed-in-index": 1}, True)
    assert stand.attributes("a")["bio"] == {"S": "2"}
    assert stand.resolve().new_point is None


# By hand.


def edit(path: Path, choices: dict[str, object]) -> None:
    """Put decisions into a plan."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[1:]:
        line["decision"] = choices.get(line["id"])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_by_hand(stand: Stand, tmp_path: Path) -> None:
    for artist in ("one", "two", "three", "four", "auto"):
        stand.both(artist, bio="0", avatar="0")
    stand.point()
    for artist in ("one", "two", "three", "four"):
        stand.item(artist, bio="t", avatar="t")
        stand.document(artist, bio="i", avatar="i")
    stand.item("auto", bio="t", avatar="0")
    path = tmp_path / "plan.jsonl"
    before = stand.state()
    assert write_plan(stand.env, path) == 4
    assert stand.state() == before
    ids = [json.loads(line).get("id") for line in path.read_text().splitlines()]
    assert sorted(map(str, ids)) == ["None", "four", "one", "three", "two"]
    assert [each.name for each in tmp_path.glob(".plan*")] == []
    edit(path, {"one": "index", "two": {"bio": "table", "avatar": "index"}, "three": "delete"})
    done = stand.resolve(Strategy.MANUAL, apply=path)
    assert (done.left, {each.id for each in done.decisions if each.left}) == (1, {"four"})
    assert stand.disagree() == {"four"}
    assert stand.fields("one")["bio"] == "i"
    assert (stand.fields("two")["bio"], stand.fields("two")["avatar"]) == ("t", "i")
    assert (stand.fields("three"), stand.attributes("three")) == (None, None)
    assert stand.fields("auto")["bio"] == "t"
    again = stand.resolve(Strategy.MANUAL, apply=path)
    assert (again.change.run, again.left) == (None, 1)


def test_a_plan_that_is_there_is_not_written_over(stand: Stand, tmp_path: Path) -> None:
    stand.item("a", bio="t")
    stand.document("a", bio="i")
    path = tmp_path / "plan.jsonl"
    write_plan(stand.env, path)
    edit(path, {"a": "index"})
    edited = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        write_plan(stand.env, path)
    assert path.read_bytes() == edited


def test_a_plan_is_a_file(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="a file to edit"):
        write_plan(stand.env, Path("-"))
    assert list(tmp_path.glob("-*")) == []


def test_decisions_about_nothing_are_named(stand: Stand, tmp_path: Path) -> None:
    for artist in ("a", "same", "undecided"):
        stand.item(artist, bio="t")
        stand.document(artist, bio="i")
    path = tmp_path / "plan.jsonl"
    write_plan(stand.env, path)
    edit(path, {"a": "index", "same": "table"})
    stand.to_index()
    stand.document("a", bio="i")
    stand.desk.said.clear()
    stand.resolve(Strategy.MANUAL, apply=path)
    (note,) = (each for each in stand.desk.said if "the plan decides" in each)
    assert note.endswith(": same")


def test_a_plan_about_other_values_decides_nothing(stand: Stand, tmp_path: Path) -> None:
    stand.item("a", bio="t")
    stand.document("a", bio="i")
    path = tmp_path / "plan.jsonl"
    write_plan(stand.env, path)
    edit(path, {"a": "index"})
    stand.item("a", bio="newer")
    done = stand.resolve(Strategy.MANUAL, apply=path)
    assert (done.left, stand.fields("a")["bio"], stand.attributes("a")["bio"]) == (1, "i", {"S": "newer"})


def test_plans_that_are_none(stand: Stand, tmp_path: Path) -> None:
    stand.both("a")
    with pytest.raises(UnknownName):
        stand.resolve(Strategy.MANUAL, apply=tmp_path / "none.jsonl")
    (tmp_path / "bad.jsonl").write_text("{}\n")
    with pytest.raises(UsageError):
        stand.resolve(Strategy.MANUAL, apply=tmp_path / "bad.jsonl")
    assert stand.desk.runs() == []


# Somebody else writes meanwhile.


def conflicted(done: Resolved) -> set[str]:
    """The keys that are left because somebody else wrote; nothing else failed."""
    assert all(each.is_conflict for each in done.change.failures)
    return {each.key for each in done.change.failures}


def test_a_record_that_changes_meanwhile_is_decided_anew(stand: Stand) -> None:
    stand.both("a", bio="0", updatedAt="2026-01-01")
    stand.point()
    stand.document("a", bio="i", updatedAt="2026-01-02")
    stand.table.at_write.append(lambda: stand.item("a", bio="newest", updatedAt="2026-01-03"))
    done = stand.resolve()
    assert stand.fields("a")["bio"] == "newest"
    assert stand.attributes("a")["bio"] == {"S": "newest"}
    assert (stand.disagree(), done.change.failures) == (set(), ())
    assert done.new_point is not None


def test_what_needs_a_decision_by_now_is_left_and_named(stand: Stand) -> None:
    stand.both("a", bio="0")
    stand.both("b", bio="0")
    stand.point()
    stand.document("a", bio="i")
    stand.document("b", bio="i")
    stand.table.at_write.append(lambda: stand.item("a", bio="t"))
    done = stand.resolve(Strategy.MERGE)
    assert key_of("a") in conflicted(done) <= {key_of("a"), "a"}
    assert (stand.attributes("a")["bio"], stand.fields("a")["bio"]) == ({"S": "t"}, "i")
    assert stand.fields("b")["bio"] == "i"
    assert stand.disagree() == {"a"}


@pytest.mark.parametrize("strategy", [Strategy.LATEST, Strategy.MERGE])
@pytest.mark.parametrize("lost", [TABLE, INDEX])
def test_what_changes_before_it_is_deleted_stays(stand: Stand, lost: Any, strategy: Strategy) -> None:
    for artist in ("a", "b", "stays"):
        stand.both(artist, bio="0")
    stand.point()
    stand.lose("a", lost)
    stand.lose("b", lost)
    if lost is TABLE:
        stand.documents.at_write.append(lambda: stand.document("a", bio="new"))
    else:
        stand.table.at_write.append(lambda: stand.item("a", bio="new"))
    done = stand.resolve(strategy)
    assert conflicted(done) & {key_of("a"), "a"}
    assert done.new_point is None
    kept = stand.fields("a") if lost is TABLE else stand.attributes("a")
    assert kept["bio"] in ("new", {"S": "new"})
    assert (stand.fields("b"), stand.attributes("b")) == (None, None)
    stand.resolve(Strategy.LATEST)
    assert stand.fields("a")["bio"] == "new"
    assert stand.disagree() == set()


def test_a_document_that_changes_once_its_item_is_written_is_not_lost(stand: Stand) -> None:
    stand.both("a", bio="0", updatedAt="2026-01-01")
    stand.point()
    stand.item("a", bio="t", updatedAt="2026-01-02")
    stand.document("a", bio="i", updatedAt="2026-01-03")
    stand.table.after_write.append(lambda: stand.document("a", bio="newer", updatedAt="2026-01-04"))
    done = stand.resolve()
    assert stand.fields("a")["bio"] == "newer"
    assert done.new_point is None
    stand.resolve()
    assert stand.fields("a")["bio"] == "newer"
    assert stand.disagree() == set()


def test_a_document_that_changes_before_it_is_written_needs_another_run(stand: Stand) -> None:
    stand.both("a", bio="0", avatar="0", updatedAt="2026-01-01")
    stand.point()
    stand.item("a", bio="t", avatar="0", updatedAt="2026-01-02")
    stand.document("a", bio="0", avatar="i", updatedAt="2026-01-03")
    stand.documents.at_write.append(lambda: stand.document("a", bio="0", avatar="newer", updatedAt="2026-01-04"))
    done = stand.resolve()
    assert stand.fields("a")["avatar"] == "newer"
    assert conflicted(done) == {"a"}
    stand.resolve()
    assert (stand.fields("a")["avatar"], stand.disagree()) == ("newer", set())


@pytest.mark.parametrize("store", [TABLE, INDEX])
def test_killed_in_the_middle_the_same_again_ends_it(stand: Stand, store: Any) -> None:
    for number in range(60):
        stand.both(f"a{number}", bio="0")
    stand.point()
    for number in range(60):
        stand.document(f"a{number}", bio="1")
        stand.item(f"a{number}", bio="0", avatar="1")
    dies = stand.table if store is TABLE else stand.documents

    def die() -> None:
        raise Killed

    dies.at_write.append(die)
    with pytest.raises(Killed):
        stand.resolve()
    stand.desk.machine.passes(61)
    done = stand.resolve()
    assert (done.left, stand.disagree(), stand.kinds()) == (0, set(), {})
    assert {stand.fields(f"a{number}")["bio"] for number in range(60)} == {"1"}


def test_the_policy_and_the_plan_are_part_of_the_command(stand: Stand, tmp_path: Path) -> None:
    policy = Policy(strategy=Strategy.MERGE, prefer=Side.INDEX)
    assert ResolveOptions(policy=policy).arguments == ("merge", "--prefer", "index")
    manual = Policy(strategy=Strategy.MANUAL)
    assert ResolveOptions(policy=manual, apply=tmp_path).arguments == ("manual", "--apply", str(tmp_path))


class Full(Shelf):
    """A bucket that takes no packs any more."""

    def put(self, key: str, blob: Blob) -> None:
        if key.startswith(PREFIX):
            raise TransientError(service="S3", endpoint="memory", operation="put", reason="there is no room")
        super().put(key, blob)


def test_what_was_resolved_counts_although_no_point_can_be_set(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stand = Stand(tmp_path, pool, Full())
        stand.item("a", bio="x")
        done = stand.resolve()
    assert (stand.disagree(), done.left, done.new_point) == (set(), 0, None)
    assert [said for said in stand.desk.said if "no sync point could be set" in said]
