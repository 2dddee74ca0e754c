"""The dashboard in a browser: it says what a check says, follows by itself, and fits every width."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tattoo_data.monitoring.sample import Difference
from tattoo_data.monitoring.view import View
from tests.engines.killable import Osmem
from tests.engines.start import Engine
from tests.tool import AS_OF, Tool, names
from tests.web import examples
from tests.web.browser import Browser, browser
from tests.web.pictures import shown

_HEALTH = "document.getElementById('view').dataset.health"
_CHANGING = re.compile(r"requests\.")
_OF_STORES = {f"stores.{name}.{field}" for name in ("table", "index", "images") for field in ("count", "healthy")}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def _now() -> datetime:
    return datetime.now(UTC)


def _long(now: datetime) -> View:
    """Names as long as they get, without a place to break."""
    view, text = examples.unhealthy(now), "x" * 300
    assert view.sample is not None
    apart = replace(view.sample.consistency, differences=(Difference(key=text, kind="missing", fields=(text,)),))
    alerts = [replace(each, cause=text, message=text, acknowledged_by=text) for each in view.alerts]
    return replace(
        view,
        target={**dict.fromkeys(examples.TARGET, text)},
        sample=replace(view.sample, consistency=apart, state=text),
        alerts=alerts,
        events=[replace(each, alert=alerts[0]) for each in view.events],
        kept=[replace(each, reference=text) for each in view.kept],
        notes=(text,),
    )


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 1920])
@pytest.mark.parametrize("make", [examples.healthy, examples.unhealthy, examples.unreachable, examples.unseen, _long])
def test_nothing_scrolls_sideways(page: Browser, width: int, make: object) -> None:
    assert callable(make)
    with shown(make(_now())) as (url, _):
        page.look(width)
        page.open(url)
        assert page.run("return document.documentElement.scrollWidth") <= width
        assert page.run("return innerWidth") == width
        charts = page.run(
            "return [...document.querySelectorAll('svg.chart')].map(e => e.getBoundingClientRect().width)"
        )
        assert all(200 < each < width for each in charts)
        assert page.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("make", [examples.healthy, examples.unhealthy, examples.unreachable])
def test_texts_stand_out_from_their_ground(page: Browser, dark: bool, make: object) -> None:
    assert callable(make)
    with shown(make(_now())) as (url, _):
        page.look(1280, dark=dark)
        page.open(url)
        faint = page.run(_CONTRAST)
    assert faint == []


def test_light_and_dark_follow_the_system(page: Browser) -> None:
    with shown(examples.healthy(_now())) as (url, _):
        page.open(url)
        grounds = []
        for dark in (False, True):
            page.look(1280, dark=dark)
            grounds.append(page.run("return getComputedStyle(document.body).backgroundColor"))
    light, dark_ground = (sum(map(int, re.findall(r"\d+", each)[:3])) for each in grounds)
    assert light > 600 and dark_ground < 150


def test_hostile_names_run_nothing(page: Browser) -> None:
    view, text = examples.unhealthy(_now()), "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
    alerts = [replace(each, cause=text, message=text) for each in view.alerts]
    with shown(replace(view, alerts=alerts, notes=(text,))) as (url, live):
        page.open(url)
        live.publish(lambda before: replace(before, checks=before.checks + 1))
        page.until("document.getElementById('view').textContent.includes('241')")
        assert page.run("return window.hit") is None
        assert page.run("return document.querySelectorAll('#view img, #view script').length") == 0
        assert page.complaints() == []


def test_focus_stays_where_it_was_when_the_page_changes(page: Browser) -> None:
    with shown(examples.unhealthy(_now())) as (url, live):
        page.open(url)
        page.run("document.getElementById('acknowledge-9').focus()")
        live.publish(lambda before: replace(before, checks=before.checks + 1))
        page.until("document.getElementById('view').textContent.includes('241')")
        assert page.run("return document.activeElement.id") == "acknowledge-9"


def test_data_that_became_old_is_said_without_a_reload(page: Browser) -> None:
    with shown(examples.healthy(_now())) as (url, live):
        page.open(url)
        page.until(f"{_HEALTH} === 'healthy'")
        page.run("window.same = true")
        live.fail("it broke")
        assert "it broke" in page.until("document.getElementById('old')?.textContent")
        assert page.run(f"return {_HEALTH}") == "unknown"
        assert page.run("return document.title").startswith("Not known")
        assert page.run("return window.same") is True


def test_a_running_monitor_from_healthy_to_a_killed_store_and_back(
    page: Browser, osmem: Osmem, ministack: Engine, tmp_path: Path
) -> None:
    environment = {"AWS_ENDPOINT_URL": ministack.url, "OPENSEARCH_ENDPOINT": osmem.url, **names()}
    tool = Tool({**environment, "TATTOO_DATA_HOME": str(tmp_path / "state")}, tmp_path)
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    with tool.start("monitor", "serve", "--port", "0", "--interval", "1s", "--json") as child:
        assert child.stdout is not None and child.stderr is not None
        try:
            url = json.loads(child.stdout.readline())["url"]
            lines: list[str] = []
            reader = threading.Thread(target=lambda out: lines.extend(out), args=(child.stdout,))
            reader.start()
            _from_healthy_to_a_killed_store_and_back(page, osmem, tool, url)
            os.kill(child.pid, signal.SIGINT)
            assert child.wait(timeout=60) == 0
            page.until("!document.getElementById('lost').hidden")
        finally:
            child.kill()
        reader.join()
        assert child.stderr.read() == ""
    kinds = [json.loads(line)["type"] for line in lines]
    assert kinds[-1] == "summary" and {"check", "event"} <= set(kinds)


def _from_healthy_to_a_killed_store_and_back(page: Browser, osmem: Osmem, tool: Tool, url: str) -> None:
    page.open(url)
    page.run("window.same = true")
    page.until(f"{_HEALTH} === 'healthy'")
    _shows_what_a_check_says(page, tool)

    osmem.kill()
    page.until(f"{_HEALTH} === 'unhealthy' && document.querySelector('#store-index.bad') !== null")
    assert page.run("return document.querySelector('#store-index .pill').textContent") == "Unreachable"
    assert page.run("return document.querySelector('#store-table .pill').textContent") == "Healthy"
    page.until(f"[...document.querySelectorAll('[data-acknowledge]')].some({_IS_OF_INDEX})")
    page.run(
        f"[...document.querySelectorAll('[data-acknowledge]')].find({_IS_OF_INDEX}).querySelector('button').click()"
    )
    assert "by dashboard" in page.until("document.querySelector('.acknowledged')?.textContent")
    known = {each["cause"]: each for each in tool.ok("monitor", "alerts", "--json").json()["alerts"]}
    assert known["index.reachable"]["acknowledgedBy"] == "dashboard"

    osmem.start()
    tool.ok("sync", "dynamo-to-os")
    page.until(f"{_HEALTH} === 'healthy'")
    _shows_what_a_check_says(page, tool)
    assert page.run("return window.same") is True, "the page was never loaded again"
    assert page.complaints() == []
    assert [each for each in page.asked() if each.startswith(url)] and _elsewhere(page) == []


_IS_OF_INDEX = "form => form.closest('li').querySelector('code').textContent === 'index.reachable'"


def _shows_what_a_check_says(page: Browser, tool: Tool) -> None:
    """Every value on the page is that of `monitor check --json`, but for what each check measures anew."""
    document = tool.ok("monitor", "check", "--json").json()
    shown = {path: value for path, value in page.values().items() if not _CHANGING.search(path)}
    assert {"health", "state", "consistency.differing", "stores.table.kinds.artists", *_OF_STORES} <= set(shown)
    for path, value in shown.items():
        expected = document
        for name in path.split("."):
            expected = expected[name]
        assert value == (expected if isinstance(expected, str) else json.dumps(expected)), path


def _elsewhere(page: Browser) -> list[str]:
    """Requests to anything but a dashboard of this machine."""
    return [url for url in page.asked() if not re.match(r"http://127\.0\.0\.1:\d+/|data:|chrome|about:", url)]


_CONTRAST = """
const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return {r, g, b, a}; };
const linear = (v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const light = ({r, g, b}) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
const ground = (element) => {
  const found = parse(getComputedStyle(element).backgroundColor);
  return found.a === 1 || !element.parentElement ? found : ground(element.parentElement);
};
const faint = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.getClientRects().length || element.closest('.hidden, .skip, [hidden]')) continue;
  const style = getComputedStyle(element);
  const levels = [light(parse(element.closest('svg') ? style.fill : style.color)), light(ground(element))];
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  if ((high + .05) / (low + .05) < 4.5) faint.push(element.className + ': ' + element.textContent.slice(0, 40));
}
return faint;
"""
