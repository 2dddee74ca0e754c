"""tattoo-data: make the live stores of the Tattoo Directory equal a desired state, safely.

`connect()` is the way in from Python. It is loaded when it is first asked for: the command line starts without it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tattoo_data.api import Session, connect, doctor
    from tattoo_data.errors import TattooDataError

__version__ = "0.1.0"
__all__ = ["Session", "TattooDataError", "__version__", "connect", "doctor"]
#: name -> the module that has it
_LAZY: Mapping[str, str] = {
    "Session": "tattoo_data.api",
    "TattooDataError": "tattoo_data.errors",
    "connect": "tattoo_data.api",
    "doctor": "tattoo_data.api",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
