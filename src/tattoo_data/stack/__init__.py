"""The local stack: ministack (DynamoDB, S3) and osmem (OpenSearch) as background processes on loopback.

This room starts, stops and watches processes and meets the rest over HTTP only.
"""

from tattoo_data.stack.lifecycle import down, foreign_emulator, rebuilding, running, up, wipe
from tattoo_data.stack.report import logs, status
from tattoo_data.stack.state import Options, ServerName, Stack, options_of

__all__ = [
    "Options",
    "ServerName",
    "Stack",
    "down",
    "foreign_emulator",
    "logs",
    "options_of",
    "rebuilding",
    "running",
    "status",
    "up",
    "wipe",
]
