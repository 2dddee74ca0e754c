"""`python -m tests.engines install | run`: for a developer who wants the real engines at hand."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.engines import install
from tests.engines.session import REAL
from tests.engines.start import start


def main() -> None:
    """Install the engines, or start them all and wait until interrupted."""
    if sys.argv[1:] == ["install"]:
        made = (install.dynamodb_local(), *map(install.opensearch, install.OPENSEARCH), install.seaweedfs())
        for place in (*made, install.elasticdump(), install.compose(), *install.chromium()):
            print(place)
        return
    with tempfile.TemporaryDirectory() as folder:
        engines = [start(name, Path(folder) / name) for name in REAL]
        try:
            for engine in engines:
                print(f"{engine.name:16} {engine.url}  pid {engine.pid}", flush=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            for engine in engines:
                engine.stop()


if __name__ == "__main__":
    main()
