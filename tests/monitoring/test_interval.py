"""Intervals: what is typed, and what is refused with words that help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.errors import UsageError
from tattoo_data.monitoring.interval import parse_duration, span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("500ms", 0.5),
        ("1m", 60),
        ("1h", 3600),
        ("2d", 172_800),
        ("30", 30),
        ("0.5", 0.5),
        (".5s", 0.5),
        ("1.5m", 90),
        ("3600", 3600),
        ("3601s", 3601),
        ("5000ms", 5),
        ("1ms", 0.001),
        (" 10 S ", 10),
    ],
)
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text, "the interval") == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("abc", "it is no time"),
        ("", "it is no time"),
        ("--5", "it is no time"),
        ("-5", "more than nothing"),
        ("-5s", "more than nothing"),
        ("-30000", "more than nothing"),
        ("nan", "it is no time"),
        ("inf", "it is no time"),
        ("1e9", "it is no time"),
        ("5 parsecs", "it is no time"),
        ("٣s", "it is no time"),
        ("9" * 400, "it is no time"),
        ("0", "more than nothing"),
        ("0ms", "more than nothing"),
        ("0.0001ms", "from 1ms to 366d"),
        ("367d", "from 1ms to 366d"),
        ("999999999999h", "from 1ms to 366d"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_duration(text, "the interval")
    assert raised.value.exit_code == 2
    assert raised.value.message.startswith(f"the interval is {text!r}: ")
    assert said in raised.value.message
    assert "500ms" in raised.value.hint


@pytest.mark.parametrize("text", ["3601", "30000", "60000.5"])
def test_a_large_bare_number_is_asked_about(text: str) -> None:
    with pytest.raises(UsageError, match="were milliseconds meant") as raised:
        parse_duration(text, "the interval")
    assert f"{text}ms" in raised.value.hint
    assert f"{text}s" in raised.value.hint
    assert parse_duration(f"{text}ms", "the interval") == pytest.approx(float(text) / 1000)


@given(st.text(max_size=12))
def test_any_text_gives_seconds_or_is_refused(text: str) -> None:
    try:
        seconds = parse_duration(text, "--for")
    except UsageError:
        return
    assert 0.001 <= seconds <= 366 * 86_400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (59.6, "1 m"),
        (60, "1 m"),
        (200, "3 m 20 s"),
        (7500, "2 h 5 m"),
        (97_300, "1 d 3 h"),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words
