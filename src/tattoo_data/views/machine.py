"""Machine: what `doctor` asks of this machine: Python, extras, folders, room, ports. Read-only."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tattoo_data import __version__, stack
from tattoo_data.stack.ports import holder, is_free
from tattoo_data.stack.state import ServerName

#: extra -> the modules that it brings, and what they are for.
EXTRAS = {
    "local": (("ministack", "osmem_server"), "the embedded stack"),
    "web": (("starlette", "uvicorn", "pygal", "prometheus_client"), "the dashboard"),
}
_OLDEST = (3, 11)
_SCARCE, _FULL = 1 << 30, 100 << 20


class Health(StrEnum):
    """How a check ended: `warning` works but will surprise, `broken` does not work."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found, and where it is not ok what to type."""

    id: str
    status: Health
    message: str
    hint: str = ""


def python() -> Iterator[Check]:
    """The interpreter, the product and the system."""
    found = f"Python {platform.python_version()}, tattoo-data {__version__}, {platform.system()} {platform.machine()}"
    if sys.version_info < _OLDEST:
        yield Check(id="python", status=Health.BROKEN, message=found, hint="Install Python 3.11 or newer.")
    elif sys.platform == "win32":
        yield Check(id="python", status=Health.WARNING, message=found, hint="Windows is untested.")
    else:
        yield Check(id="python", status=Health.OK, message=found)


def extras(*, needed: str | None = None) -> Iterator[Check]:
    """Which extras are installed; `needed` is the one that this target cannot do without."""
    for extra, (modules, purpose) in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        name, hint = f"extra-{extra}", f"pip install 'tattoo-data[{extra}]'"
        if not missing:
            yield Check(id=name, status=Health.OK, message=f"installed: {purpose}")
        elif extra == needed:
            message = f"{', '.join(missing)} is not installed, which {purpose} needs"
            yield Check(id=name, status=Health.BROKEN, message=message, hint=hint)
        else:
            yield Check(id=name, status=Health.OK, message=f"not installed: no {purpose} ({hint})")


def home(folder: Path) -> Iterator[Check]:
    """Whether the state folder, or the folder that it will be made in, takes a file."""
    place = _nearest(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Check(
            id="home",
            status=Health.BROKEN,
            message=f"the state folder {folder} cannot be written ({error.strerror or error})",
            hint="Set TATTOO_DATA_HOME to a folder that can be written.",
        )
    else:
        yield Check(id="home", status=Health.OK, message=f"{folder}{'' if place == folder else ' (not made yet)'}")


def room(name: str, folder: Path, setting: str) -> Iterator[Check]:
    """How much room a folder's disk has; `setting` names another one."""
    free = shutil.disk_usage(_nearest(folder)).free
    status = Health.BROKEN if free < _FULL else Health.WARNING if free < _SCARCE else Health.OK
    hint = f"Make room there, or set {setting} to a folder on another disk." if status is not Health.OK else ""
    yield Check(id=name, status=status, message=f"{free / (1 << 30):,.1f} GiB free for {folder}", hint=hint)


def ports(options: stack.Options) -> Iterator[Check]:
    """Who holds the ports of an embedded stack that does not run."""
    for name in ServerName:
        port, id = options.port(name), f"port-{name}"
        if is_free(port):
            yield Check(id=id, status=Health.OK, message=f"{port} is free")
        else:
            yield Check(
                id=id,
                status=Health.WARNING,
                message=f"{port} is taken by {holder(port)}; the stack will listen on the next free one",
                hint=f"End it, or set TATTOO_DATA_{name.upper()}_PORT, to have the same port every day.",
            )


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    return next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
