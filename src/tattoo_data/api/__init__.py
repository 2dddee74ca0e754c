"""The public Python API: `connect()` and a `Session` with a function for each verb of the command line.

It hands options on to the rooms and gives back what they return; what is decided, is decided there.
"""

from tattoo_data.api.connection import Writing
from tattoo_data.api.session import Session, connect, doctor

__all__ = ["Session", "Writing", "connect", "doctor"]
