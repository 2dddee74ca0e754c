"""The dashboard: what monitoring sees, in a browser, and for Prometheus."""

from __future__ import annotations

from importlib.util import find_spec

from tattoo_data.errors import ExtraMissing

__all__ = ["require"]
_NEEDED = ("starlette", "uvicorn", "prometheus_client", "pygal")


def require() -> None:
    """Raise `ExtraMissing` where a library that the dashboard is made of is not installed. The other modules of this
    room cannot be imported then."""
    for name in _NEEDED:
        if find_spec(name) is None:
            raise ExtraMissing(what="the dashboard", package=name)
