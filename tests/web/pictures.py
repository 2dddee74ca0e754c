"""`python -m tests.web.pictures`: the pictures of the dashboard in docs/images, of views made by hand."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from PIL import Image

from tattoo_data.clock import Clock
from tattoo_data.monitoring.view import View
from tattoo_data.web.live import Live
from tattoo_data.web.server import listen, serve, url_of
from tests.web import examples
from tests.web.browser import Browser, browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: name -> (view, width, dark)
_PICTURES: dict[str, tuple[Callable[[datetime], View], int, bool]] = {
    "dashboard-light": (examples.unhealthy, 1280, False),
    "dashboard-dark": (examples.healthy, 1280, True),
    "dashboard-phone": (examples.unreachable, 360, False),
}


@contextmanager
def shown(view: View) -> Iterator[tuple[str, Live]]:
    """A dashboard of a view that was made by hand: its address, and what it shows."""
    listener, live = listen(0), Live(view, examples.INTERVAL, Clock())
    over = threading.Event()

    def checks(stop: threading.Event) -> Iterator[View]:
        over.wait()
        yield from ()

    served = threading.Thread(target=serve, args=(listener, live, examples.Desk(view.alerts), checks))
    served.start()
    try:
        yield url_of(listener), live
    finally:
        over.set()
        served.join()


def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder)) as page:
        for name, (make, width, dark) in _PICTURES.items():
            with shown(make(datetime.now(UTC))) as (url, _):
                page.look(width, dark=dark)
                page.open(url)
                page.until("document.querySelector('time')?.dataset.ago")
                _take(page, IMAGES / f"{name}.png", width, dark)


def _take(page: Browser, path: Path, width: int, dark: bool) -> None:
    page.look(width, dark=dark, height=page.run("return document.documentElement.scrollHeight"))
    picture = Image.open(BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
