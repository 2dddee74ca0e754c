"""Who: the user and machine that something in the repository was made by."""

from __future__ import annotations

import getpass
import socket


def who() -> str:
    """`ada@workstation`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
