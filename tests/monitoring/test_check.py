"""Checks: what is counted and compared, what is not healthy, and what a light one does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tattoo_data.errors import CredentialsRefused, StoreUnreachable, TattooDataError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.monitoring.check import REQUESTS, check, unreached
from tattoo_data.monitoring.comparison import NAMED
from tattoo_data.monitoring.sample import Compared, Difference, Health
from tattoo_data.stores.base import TransientError
from tattoo_data.views.recognise import Content
from tests.monitoring.stand import BEGUN, Checked

TABLE, INDEX, IMAGES = StoreName
DOWN = StoreUnreachable(service="dynamodb", endpoint="http://x", reason="refused", variable="AWS_ENDPOINT_URL")
BUSY = TransientError(service="index", endpoint="http://x", operation="page", reason="HTTP 503")
DENIED = CredentialsRefused(service="dynamodb", endpoint="http://x", reason="no")


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Checked]:
    """A target in memory without a record."""
    with ThreadPoolExecutor(4) as pool:
        yield Checked(tmp_path, pool)


def names(sample_differences: tuple[Difference, ...]) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {each.key: (each.kind, each.fields) for each in sample_differences}


def test_everything_is_counted_by_kind_and_compared(target: Checked) -> None:
    target.fill(60)
    target.table.put([Entry(item_key("STYLE#a", "METADATA"), b'{"PK":{"S":"STYLE#a"},"SK":{"S":"METADATA"}}')])
    target.table.put([Entry(item_key("AUDIT#1", "x"), b'{"PK":{"S":"AUDIT#1"},"SK":{"S":"x"}}')])
    target.raw("ARTIST#artist-001", {"artistId": "artist-001"})
    found = target.check()
    assert found.health is Health.HEALTHY
    assert (found.stores[TABLE].count, found.stores[TABLE].kinds) == (62, {"artists": 60, "styles": 1, "other": 1})
    assert (found.stores[INDEX].count, found.stores[INDEX].kinds) == (61, {"artists": 60, "other": 1})
    assert found.stores[IMAGES].count == 0
    same = found.consistency
    assert (same.compared, same.artists, same.consistent, same.differing) == (Compared.FULL, 60, True, 0)
    assert not found.light
    assert found.notes == ()


def test_each_store_is_asked_several_times(target: Checked) -> None:
    target.fill(200)
    found = target.check()
    assert all(each.requests.count >= REQUESTS for each in found.stores.values())
    assert len(target.traced[IMAGES].asked) == REQUESTS
    assert found.stores[IMAGES].requests.p95 == 0.01
    assert "describe" not in target.traced[TABLE].asked[1:], "a scan of many pages needs no more"


def test_equal_counts_with_other_content_are_not_consistent(target: Checked) -> None:
    target.fill(30)
    target.document("artist-001", artistName="Eve", rating=1.5)
    target.lose("artist-002", INDEX)
    target.document("artist-999", artistName="Nobody")
    found = target.check()
    assert found.health is Health.UNHEALTHY
    assert found.stores[TABLE].kinds == found.stores[INDEX].kinds
    same = found.consistency
    assert (same.consistent, same.missing, same.extra, same.different, same.artists) == (False, 1, 1, 1, 31)
    assert names(same.differences) == {
        "artist-001": ("different", ("artistName",)),
        "artist-002": ("missing", ()),
        "artist-999": ("extra", ()),
    }


def test_a_number_in_another_spelling_is_the_same(target: Checked) -> None:
    target.item("a", rating={"N": "4.50"})
    target.documents.put([Entry("a", b'{"rating": 45e-1, "artistId": "a"}')])
    assert target.check().consistency.consistent


def test_what_differs_by_thousands_is_counted_and_the_first_are_named(target: Checked) -> None:
    for number in range(NAMED + 50):
        target.item(f"artist-{number:04}")
    found = target.check()
    assert found.consistency.missing == NAMED + 50
    assert len(found.consistency.differences) == NAMED
    assert f"{NAMED} of the {NAMED + 50} artists" in found.notes[0]
    every = target.check(name_all=True)
    assert len(every.consistency.differences) == every.consistency.differing == NAMED + 50
    assert every.notes == ()


def test_the_own_form_of_an_item_counts(target: Checked) -> None:
    target.item("a", "PROFILE", artistName="Old")
    target.both("a", artistName="New")
    assert target.check().consistency.consistent
    assert target.check(light=True).consistency.consistent
    target.document("a", artistName="Old")
    assert names(target.check().consistency.differences) == {"a": ("different", ("artistName",))}
    assert names(target.check(light=True).consistency.differences) == {"a": ("different", ("artistName",))}


def test_an_item_that_gives_no_document_differs(target: Checked) -> None:
    target.both("a", artistName="Ada")
    body = b'{"PK":{"S":"ARTIST#a"},"SK":{"S":"METADATA"},"x":{"SS":["b","a"],"S":"c"}}'
    target.table.put([Entry(item_key("ARTIST#a", "METADATA"), body)])
    found = target.check()
    assert found.health is Health.UNHEALTHY
    assert found.stores[TABLE].problems[0].startswith("it holds what cannot be read")


def test_what_agrees_when_it_is_read_again_was_no_difference(target: Checked) -> None:
    target.fill(3)
    late = target.documents.get(["artist-001"])
    target.lose("artist-001", INDEX)
    index = target.traced[INDEX]
    ask = index.get

    def get(*given: object, **more: object) -> list[Entry]:
        target.documents.put(late)
        return ask(*given, **more)  # type: ignore[arg-type]

    index.get = get  # type: ignore[method-assign]
    found = target.check().consistency
    assert (found.consistent, found.differing, found.differences) == (True, 0, ())


@pytest.mark.parametrize("name", list(StoreName))
@pytest.mark.parametrize("light", [False, True])
def test_a_store_that_is_down_is_unhealthy_and_the_others_are_checked(
    target: Checked, name: StoreName, light: bool
) -> None:
    target.fill(5)
    target.traced[name].error = DOWN
    found = target.check(light=light)
    assert found.health is Health.UNHEALTHY
    down = found.stores[name]
    assert (down.reachable, down.healthy, down.count) == (False, False, None)
    assert down.problems == (DOWN.message,)
    assert down.requests.errors == down.requests.count > 0
    assert all(found.stores[each].healthy for each in StoreName if each is not name)
    known = found.consistency.consistent
    assert known is (True if name is IMAGES else None)
    assert found.consistency.compared is not Compared.NOTHING or known is None


@pytest.mark.parametrize(("error", "reachable"), [(DOWN, False), (BUSY, False), (DENIED, True)])
def test_only_what_answers_is_reachable(target: Checked, error: TattooDataError, reachable: bool) -> None:
    target.traced[TABLE].error = error
    assert target.check().stores[TABLE].reachable is reachable


@pytest.mark.parametrize(("name", "failing"), [(INDEX, "page"), (TABLE, "page")])
def test_a_store_that_fails_in_the_middle_is_unhealthy(target: Checked, name: StoreName, failing: str) -> None:
    target.fill(5)
    target.traced[name].error, target.traced[name].failing = BUSY, (failing,)
    found = target.check()
    assert found.stores[name].problems == (BUSY.message,)
    assert found.consistency.compared is Compared.NOTHING


def test_all_stores_down_is_a_check_like_any_other(target: Checked) -> None:
    for each in target.traced.values():
        each.error = DOWN
    found = target.check()
    assert not any(each.reachable for each in found.stores.values())
    assert found.health is Health.UNHEALTHY


@pytest.mark.parametrize("light", [False, True])
def test_a_structure_that_is_not_as_it_should_be_is_unhealthy(target: Checked, light: bool) -> None:
    target.fill(5)
    target.traced[INDEX].about = {"rebuild": ("artistId is text",), "missing": ("the permission to write",)}
    found = target.check(light=light)
    assert (found.stores[INDEX].reachable, found.stores[INDEX].healthy) == (True, False)
    assert found.stores[INDEX].problems == ("artistId is text", "the permission to write is missing")
    assert found.consistency.consistent, "it is read all the same"


@pytest.mark.parametrize("light", [False, True])
def test_a_table_that_is_none_of_ours_is_described_and_not_read(target: Checked, light: bool) -> None:
    target.fill(5)
    target.traced[TABLE].about = {"refused": ("its hash key is id",)}
    found = target.check(light=light)
    assert found.stores[TABLE].problems == ("its hash key is id",)
    assert (found.stores[TABLE].count, found.stores[TABLE].kinds) == (None, None)
    assert found.consistency.compared is Compared.NOTHING
    assert "page" not in target.traced[TABLE].asked


def test_a_missing_index_lacks_every_document(target: Checked) -> None:
    target.fill(5)
    target.documents._entries = None
    found = target.check()
    assert found.stores[INDEX].problems == ("it does not exist",)
    assert (found.stores[INDEX].reachable, found.stores[INDEX].count) == (True, 0)
    assert (found.consistency.missing, found.consistency.consistent) == (5, False)


def test_nothing_at_all_is_not_consistent_but_not_known(target: Checked) -> None:
    target.table._entries = target.documents._entries = None
    assert target.check().consistency.compared is Compared.NOTHING


def test_a_light_check_sends_under_ten_requests_and_says_what_it_compared(target: Checked) -> None:
    target.fill(60)
    target.document("artist-001", artistName="Eve")
    target.lose("artist-002", INDEX)
    found = target.check(light=True)
    assert target.requests < 10
    assert found.light
    assert (found.consistency.compared, found.consistency.artists) == (Compared.SAMPLE, 10)
    assert names(found.consistency.differences) == {
        "artist-001": ("different", ("artistName", "rating")),
        "artist-002": ("missing", ()),
    }
    assert (found.stores[TABLE].count, found.stores[INDEX].count, found.stores[IMAGES].count) == (None, 59, None)
    assert found.stores[TABLE].kinds is None


def test_light_checks_walk_through_the_table_and_begin_anew(target: Checked) -> None:
    target.fill(25)
    target.document("artist-024", artistName="Eve")
    found = [target.check(light=True).consistency for _ in range(4)]
    assert [each.artists for each in found] == [10, 10, 5, 10]
    assert [each.consistent for each in found] == [True, True, False, True]


def test_a_page_that_fails_is_not_passed_over(target: Checked) -> None:
    target.fill(25)
    target.check(light=True)
    target.traced[TABLE].error, target.traced[TABLE].failing = BUSY, ("page",)
    assert target.check(light=True).stores[TABLE].problems == (BUSY.message,)
    target.traced[TABLE].error = None
    assert target.check(light=True).consistency.artists == 10


def test_the_own_form_of_an_item_counts_although_it_is_on_another_page(target: Checked) -> None:
    target.fill(9)
    target.both("zoe", artistName="New")
    target.item("zoe", "PROFILE", artistName="Old")
    found = [target.check(light=True).consistency for _ in range(2)]
    assert [(each.artists, each.consistent) for each in found] == [(10, True), (0, True)]


def test_a_light_check_finds_documents_by_their_routing(target: Checked) -> None:
    target.fill(3)
    (document,) = target.documents.get(["artist-001"])
    target.lose("artist-001", INDEX)
    target.documents.put([Entry(document.key, document.body, "elsewhere")])
    assert target.check(light=True).consistency.consistent
    assert target.requests < 10


def test_an_empty_target_that_is_made_as_it_should_be_is_healthy(target: Checked) -> None:
    assert target.check().health is Health.HEALTHY
    assert target.check(light=True).health is Health.HEALTHY


def test_requests_that_were_sent_before_are_no_part_of_a_check(target: Checked) -> None:
    target.fill(1)
    target.traced[TABLE].describe()
    assert target.check(light=True).stores[TABLE].requests.count == 2


def test_a_content_is_named_where_all_was_read(target: Checked) -> None:
    asked: list[Content] = []

    def naming(content: Content) -> str | None:
        asked.append(content)
        return "mine"

    target.fill(2)
    assert check(target.watched, target.recorder, naming=naming).state == "mine"
    assert (asked[0].documents, asked[0].kinds["artists"]) == (2, 2)
    target.traced[IMAGES].error = DOWN
    assert check(target.watched, target.recorder, naming=naming).state is None
    assert len(asked) == 1


def test_a_name_that_cannot_be_looked_up_is_none(target: Checked) -> None:
    def naming(content: Content) -> str | None:
        raise DOWN

    found = check(target.watched, target.recorder, naming=naming)
    assert (found.state, found.health) == (None, Health.HEALTHY)


def test_a_target_that_cannot_be_opened_is_unreachable() -> None:
    found = unreached(DOWN, BEGUN, 0.5, light=False)
    assert found.health is Health.UNHEALTHY
    assert [each.problems for each in found.stores.values()] == [(DOWN.message,)] * 3


_SIDES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=6)


@given(table=_SIDES, index=_SIDES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_differs_is_what_a_reader_would_say(table: dict[str, int], index: dict[str, int], tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        target = Checked(tmp_path, pool)
        for artist, value in table.items():
            target.item(artist, n={"N": str(value)})
        for artist, value in index.items():
            target.document(artist, n=value)
        found = target.check().consistency
    assert found.missing == len(table.keys() - index.keys())
    assert found.extra == len(index.keys() - table.keys())
    assert found.different == sum(table[each] != index[each] for each in table.keys() & index.keys())
    assert found.artists == len(table.keys() | index.keys())
    assert found.consistent is (table == index)
    assert len(found.differences) == found.differing
