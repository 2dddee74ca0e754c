"""Printing: what a step prints goes to stderr. stdout is the command's own, and may be one JSON document."""

from __future__ import annotations

import builtins
import sys
from typing import Any


def print_beside(*values: object, **options: Any) -> None:
    """What a step's `print` is: to stderr, where it names no file."""
    options["file"] = options.get("file") or sys.stderr
    builtins.print(*values, **options)  # noqa: T201
