"""The page: everything of the view is on it, escaped, and it stays small."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.alert import Change, Event, Severity
from tattoo_data.monitoring.document import sample_document
from tattoo_data.monitoring.sample import Compared, Consistency, Difference
from tattoo_data.monitoring.view import Kept, View
from tattoo_data.web import page
from tattoo_data.web.html import fill
from tests.web import examples

HOSTILE = "<script>alert(1)</script>\"'&</div>{name}"
_VOID = {"meta", "link", "br", "path", "circle", "input"}


class _Page(HTMLParser):
    """What a browser makes of a page: its elements, its texts, and the values that bear their path."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.values: dict[str, str] = {}
        self.ids: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        assert not [name for name in found if name.startswith("on") or name == "style"]
        if "data-of" in found:
            assert found["data-of"] not in self.values
            self.values[found["data-of"]] = found["data-value"]
        if "id" in found:
            self.ids.append(found["id"])
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element without content."""
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Its end."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        self.words += data


def _drawn(view: View, old: str | None = None) -> _Page:
    return _Page(page.page(page.fragment(view, page.body(view), examples.INTERVAL, old)).decode())


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


def _spelled(value: Any) -> str:
    return {True: "true", False: "false", None: "null"}[value] if value in (True, False, None) else str(value)


@pytest.mark.parametrize("view", [examples.healthy(), examples.unhealthy()], ids=["healthy", "unhealthy"])
def test_values_are_those_of_the_check(view: View) -> None:
    assert view.sample is not None
    document = sample_document(view.sample)
    shown = _drawn(view)
    for path, value in shown.values.items():
        expected = _at(document, path)
        assert value == (
            _spelled(expected) if not isinstance(expected, int) or isinstance(expected, bool) else str(expected)
        )
    for name in StoreName:
        for field in ("count", "healthy", "requests.p50Seconds", "requests.p99Seconds", "requests.throttled"):
            assert f"stores.{name}.{field}" in shown.values
    assert {"health", "state", "consistency.consistent", "consistency.differing", "stores.table.kinds.artists"} <= set(
        shown.values
    )


@pytest.mark.parametrize(
    "words",
    [
        "Unhealthy",
        "Table and index disagree".lower(),
        "2,094 items",
        "998 documents",
        "2,000 artists",
        "1,002 artists differ",
        "668 not in the index",
        "2,000 artists compared on every field",
        "ARTIST#camden-0001",
        "rating, styles",
        "and 982 more",
        "consistency.differing",
        "threshold >= 1 artists",
        "by dashboard",
        "before-test-suite@20261128T081500Z",
        "1.42 s",
        "every 30 s",
        "tattoo-directory-local",
        "http://127.0.0.1:9200",
    ],
)
def test_everything_of_a_view_is_on_the_page(words: str) -> None:
    assert words in _drawn(examples.unhealthy()).words


def test_ids_are_there_once() -> None:
    ids = _drawn(examples.unhealthy()).ids
    assert len(ids) == len(set(ids))


def test_a_store_that_does_not_answer_shows_what_was_known_and_when() -> None:
    shown = _drawn(examples.unreachable())
    assert "Unreachable" in shown.words
    assert examples.SILENT in shown.words
    assert "2,000 documents, counted 28 Nov 10:25:11" in shown.words
    assert "Last pass over everything 28 Nov 10:25:11: agreed." in shown.words
    assert shown.values["stores.index.healthy"] == "false"
    assert shown.values["stores.index.requests.p50Seconds"] == "null"
    assert shown.values["consistency.consistent"] == "null"


def test_before_the_first_check_nothing_is_claimed() -> None:
    shown = _drawn(examples.unseen())
    assert shown.values == {"health": "unknown"}
    assert "The first check is being made" in shown.words
    assert "ealthy" not in shown.words


def test_old_data_does_not_look_healthy() -> None:
    shown = _drawn(examples.healthy(), "No check has ended since 10:20.")
    assert shown.values["health"] == "unknown"
    assert "No check has ended since 10:20." in shown.words
    assert "it was healthy when last looked at" in shown.words
    text = page.fragment(examples.healthy(), page.body(examples.healthy()), 30, "gone")
    assert 'data-health="unknown"' in text and 'class="old"' in text
    assert 'data-title="Not known' in text


@pytest.mark.parametrize(
    ("consistency", "words"),
    [
        (Consistency(), "Nothing was compared in this check."),
        (
            Consistency(compared=Compared.SAMPLE, artists=100, consistent=True),
            "100 artists compared of one page of the table, on every field.",
        ),
        (
            Consistency(compared=Compared.FULL, artists=1, consistent=False, extra=1),
            "1 artist compared on every field.",
        ),
    ],
)
def test_what_was_compared_is_said(consistency: Consistency, words: str) -> None:
    view = examples.healthy()
    assert view.sample is not None
    assert words in _drawn(replace(view, sample=replace(view.sample, consistency=consistency))).words


def _hostile(text: str) -> View:
    """A view all whose texts are the same one."""
    view = examples.unhealthy()
    assert view.sample is not None
    bad = replace(
        examples.alert(7, Severity.CRITICAL, text, text),
        value=text,
        threshold=text,
        acknowledged_at=examples.NOW,
        acknowledged_by=text,
    )
    stores = {
        name: replace(store, engine=text, problems=(text,), kinds={"artists": 1}, reachable=False, healthy=False)
        for name, store in view.sample.stores.items()
    }
    apart = replace(view.sample.consistency, differences=(Difference(key=text, kind="different", fields=(text,)),))
    sample = replace(view.sample, stores=stores, consistency=apart, state=text)
    return replace(
        view,
        target=dict.fromkeys(examples.TARGET, text),
        sample=sample,
        full=sample,
        alerts=[bad, replace(bad, id=8, acknowledged_at=None)],
        events=[Event(at=examples.NOW, change=Change.OPENED, alert=bad)],
        series=[replace(each, title=text) for each in view.series],
        kept=[Kept(reference=text, kind="backup", created_at=examples.NOW)],
        notes=(text,),
    )


def test_hostile_names_stay_names() -> None:
    shown = _drawn(_hostile(HOSTILE), HOSTILE)
    assert shown.tags.count("script") == 1, "the page's own"
    assert shown.words.count(HOSTILE) >= 15
    assert "alert(1)" not in re.sub(re.escape(HOSTILE), "", shown.words)


@given(text=st.text(min_size=1, max_size=30).filter(lambda text: text != "-"))
def test_any_text_leaves_the_page_as_it_is_built(text: str) -> None:
    found, plain = (_drawn(replace(_hostile(each), series=[])).tags for each in (text, "x"))
    assert found == plain


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_what_is_filled_in_is_text(text: str) -> None:
    shown = _Page(fill('<p id="{text}">{text}</p>', text=text))
    assert (shown.words, shown.ids, shown.tags) == (text, [text], ["p"])


def test_a_thousand_alerts_and_long_messages_leave_the_page_small() -> None:
    message = "the index is not as it should be: " + "x" * 10_000
    many = [examples.alert(number, Severity.WARNING, f"cause.{number}", message) for number in range(1, 1_001)]
    events = [Event(at=examples.NOW, change=Change.OPENED, alert=each) for each in many]
    view = replace(examples.unhealthy(), alerts=many, events=events)
    shown = _drawn(view)
    assert "and 980 more (tattoo-data monitor alerts lists all)" in shown.words
    assert shown.ids.count("alert-1") == 1 and "alert-21" not in shown.ids
    assert len(page.page(page.fragment(view, page.body(view), 30, None))) < 120_000


def test_the_next_check_is_an_interval_after_the_last() -> None:
    view = examples.healthy()
    text = page.fragment(view, page.body(view), 30, None)
    assert f"{view.at + timedelta(seconds=30):%H:%M:%S}" in text
