"""A Chromium that looks at the dashboard, and tells what it asked for and complained of."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from tests.engines import install
from tests.engines.install import EngineMissing
from tests.engines.session import VARIABLE

_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    # Whatever a page names, no other machine is asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_SECONDS = 60
_VALUES = """(() => {
  const found = [...document.querySelectorAll("[data-of]")];
  const values = Object.fromEntries(found.map(each => [each.dataset.of, each.dataset.value]));
  return values["consistency.compared"] === "full" && values;
})()"""


class Browser:
    """One page of a browser."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._asked: list[str] = []

    def open(self, url: str) -> None:
        """Go there; what the page before complained of is forgotten, as its server may be gone."""
        self.driver.get("about:blank")
        self.complaints()
        self.driver.get(url)

    def run(self, script: str) -> Any:
        """What a script of the test returns."""
        return self.driver.execute_script(script)

    def values(self) -> dict[str, str]:
        """The values on the page that bear their path in the JSON of a check, once they are those of a full one."""
        found: dict[str, str] = self.until(_VALUES)
        return found

    def until(self, script: str) -> Any:
        """Wait until the script returns something true, and return that."""
        wait = WebDriverWait(self.driver, _SECONDS, poll_frequency=0.05)
        return wait.until(lambda _: self.run(f"return {script}"), f"still not so: {script}")

    def look(self, width: int, *, dark: bool = False, height: int = 800) -> None:
        """Be as large as that, in light or dark."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def asked(self) -> list[str]:
        """The addresses of everything that was asked for so far."""
        for entry in self.driver.get_log("performance"):  # type: ignore[no-untyped-call]
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self._asked.append(message["params"]["request"]["url"])
        return self._asked

    def complaints(self) -> list[str]:
        """What the console says."""
        log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own. The test is skipped where there is none, and fails in CI."""
    program, chromedriver = _programs()
    options = ChromeOptions()
    options.binary_location = program
    for each in (*_SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def _programs() -> tuple[str, str]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program and driver:
        return program, driver
    if "all" not in os.environ.get(VARIABLE, "").split(","):
        pytest.skip("chromium and chromedriver are not there: `make engines` installs them")
    try:
        return install.chromium()
    except EngineMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"chromium must run in CI: {error}", pytrace=False)
        pytest.skip(f"chromium cannot run here: {error}")
