"""Interrupted: what is told of a Ctrl-C, also of one that comes while the program is still being loaded."""

from __future__ import annotations

import sys
from typing import NoReturn

EXIT_CODE = 130
HINT = "Run the same command again: it ends what was begun."


def document() -> dict[str, object]:
    """The JSON form of the error."""
    return {"id": "Interrupted", "message": "interrupted", "hint": HINT, "exitCode": EXIT_CODE, "details": {}}


def end_at_start() -> NoReturn:
    """Tell of it, and end the process. For a moment at which nothing else can be relied upon."""
    if "--json" in sys.argv:
        import json

        text = json.dumps({"error": document()})
    else:
        text = f"error: interrupted\n\nhint: {HINT}"
    if sys.stderr is not None:
        sys.stderr.write(text + "\n")
    sys.exit(EXIT_CODE)
