"""The rates, and what batches and answers become: without any engine."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest

from tests.faults import FaultRates, Moment, Service
from tests.faults import opensearch as bulks
from tests.faults.damage import Damage
from tests.faults.errors import json_answer, service_error
from tests.faults.messages import Answer, Request, header
from tests.faults.rates import judge

ACTIONS = b"""{"index":{"_id":"a"}}
{"n":1}
{"delete":{"_id":"b"}}
{"create":{"_id":"c","_index":"other"}}
{"delete":{"_id":"not an action"}}
{"update":{"_id":"d"}}
{"doc":{"n":1.50}}

{"index":{}}
{"n":5}
{"delete":{"_id":"e"}}
"""


@pytest.mark.parametrize(
    "wrong",
    [
        {"throttled": 1.1},
        {"partial": -0.1},
        {"throttled": 0.6, "dropped": 0.6},
        {"delay_seconds": 3600.0},
        {"dropped_at": ()},
    ],
)
def test_rates_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        FaultRates(**wrong)


def test_requests_meet_each_fault_by_its_rate() -> None:
    rates = FaultRates(throttled=0.1, error500=0.2, unavailable=0.05, dropped=0.15, delayed=0.5)
    verdicts = [judge(rates, rates.random(number)) for number in range(20_000)]
    counts = Counter(verdict.fault for verdict in verdicts)
    for name, rate in [("throttled", 0.1), ("error500", 0.2), ("unavailable", 0.05), ("dropped", 0.15), (None, 0.5)]:
        assert counts[name] / 20_000 == pytest.approx(rate, abs=0.01)
    assert sum(verdict.delay > 0 for verdict in verdicts) / 20_000 == pytest.approx(0.5, abs=0.02)
    assert {verdict.moment for verdict in verdicts} == set(Moment)


def test_where_everything_fails_nothing_passes() -> None:
    rates = FaultRates.everything()
    counts = Counter(judge(rates, rates.random(number)).fault for number in range(3_000))
    assert set(counts) == {"throttled", "unavailable", "dropped"}
    assert min(counts.values()) > 800


def test_a_key_is_refused_always_or_never() -> None:
    rates = FaultRates(refused=0.2, seed=1)
    refused = [f"key {number}" for number in range(5_000) if rates.refuses(f"key {number}")]
    assert len(refused) / 5_000 == pytest.approx(0.2, abs=0.02)
    assert all(rates.refuses(key) for key in refused)
    assert [key for key in refused if FaultRates(refused=0.2, seed=2).refuses(key)] != refused
    assert not any(FaultRates(seed=1).refuses(key) for key in refused)


# Bulks


def _bulk(partial: float, path: str = "/index/_bulk", seed: int = 0) -> Damage | None:
    request = Request(method="POST", path=path, headers=(("Content-Length", str(len(ACTIONS))),), body=ACTIONS)
    return bulks.damage(request, "_bulk", FaultRates(partial=partial), Random(seed))


def _merged(damage: Damage, items: list[dict[str, Any]]) -> Any:
    answer = json_answer(Service.OPENSEARCH, 200, {"took": 3, "errors": False, "items": items})
    return msgspec.json.decode(damage.merged(answer).body)


@pytest.mark.parametrize("seed", range(20))
def test_every_action_is_either_sent_or_answered(seed: int) -> None:
    damage = _bulk(0.4, seed=seed) or Damage()
    if damage.forwarded is None:  # all or none of them is hit
        return
    names = ["index", "delete", "create", "update", "index", "delete"]
    lines = [b'{"n":1}', b'{"delete":{"_id":"b"}}', b'{"create":{"_id":"c","_index":"other"}}']
    lines += [b'{"doc":{"n":1.50}}', b'{"n":5}', b'{"delete":{"_id":"e"}}']
    sent = [line in damage.forwarded.body.splitlines() for line in lines]
    assert damage.counts == {"partial": sent.count(False)}
    document = _merged(damage, [{name: {"status": 200}} for name, each in zip(names, sent, strict=True) if each])
    assert (document["took"], document["errors"]) == (3, True)
    assert [next(iter(item)) for item in document["items"]] == names
    assert [next(iter(item.values()))["status"] == 200 for item in document["items"]] == sent


def test_where_all_is_hit_nothing_is_sent() -> None:
    damage = _bulk(1.0)
    assert damage is not None
    assert damage.forwarded is None
    assert damage.answer is not None
    items = msgspec.json.decode(damage.answer.body)["items"]
    assert [next(iter(item.values()))["_index"] for item in items] == ["index", "index", "other", *["index"] * 3]
    assert items[1]["delete"]["_id"] == "b"
    assert _bulk(0.0) is None


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/_bulk?filter_path=errors", {"errors": True}),
        ("/_bulk?filter_path=items.*.status", {"items": [{"index": {"status": 429}}]}),
        ("/_bulk?filter_path=errors,items.*._id", {"errors": True, "items": [{"index": {"_id": "a"}}]}),
        ("/_bulk?filter_path=items.index.error.t*", {"items": [{"index": {"error": {"type": "t"}}}]}),
        ("/_bulk?filter_path=items.create", {}),
    ],
)
def test_an_answer_holds_what_the_filter_lets_through(path: str, document: dict[str, Any]) -> None:
    request = Request(method="POST", path=path, headers=(), body=b'{"index":{"_id":"a"}}\n{}\n')
    damage = bulks.damage(request, "_bulk", FaultRates(partial=1.0), Random(0))
    assert damage is not None
    assert damage.answer is not None
    assert _shape(msgspec.json.decode(damage.answer.body)) == _shape(document)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize("body", [b"no json\n", b'{"index":{"_id":"a"},"delete":{}}\n', b'{"noop":{}}\n', b"[]\n"])
def test_a_bulk_that_cannot_be_read_is_no_business_of_ours(body: bytes) -> None:
    request = Request(method="POST", path="/_bulk", headers=(), body=body)
    with pytest.raises(ValueError):
        bulks.damage(request, "_bulk", FaultRates(partial=1.0), Random(0))


# Answers


def test_an_answer_s_times_move_together() -> None:
    headers = (
        ("Date", "Tue, 24 Nov 2026 23:30:00 GMT"),
        ("Last-Modified", "Sat, 28 Feb 2026 23:59:59 GMT"),
        ("X", "y"),
    )
    body = b"<ListBucketResult><LastModified>2026-12-31T23:59:59.123Z</LastModified></ListBucketResult>"
    answer = Answer(status=200, reason="OK", headers=headers, body=body)
    later = answer.shifted(3600)
    assert header(later.headers, "date") == "Wed, 25 Nov 2026 00:30:00 GMT"
    assert header(later.headers, "last-modified") == "Sun, 01 Mar 2026 00:59:59 GMT"
    assert b"<LastModified>2027-01-01T00:59:59.123Z</LastModified>" in later.body
    assert len(later.body) == len(body)
    assert answer.shifted(0) is answer


def test_another_body_has_its_own_length_and_checksum() -> None:
    answer = service_error(Service.DYNAMODB, "throttled", Random(0)).with_body(b"{}")
    assert header(answer.headers, "content-length") == "2"
    assert header(answer.headers, "x-amz-crc32") == "2745614147"
