"""What is known of the stack between commands: one small file beside its data."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from tattoo_data.errors import StackFailed
from tattoo_data.settings import Settings

HOST = "127.0.0.1"


class ServerName(StrEnum):
    """The two servers."""

    AWS = "aws"
    OPENSEARCH = "opensearch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the stack keeps its state, and the ports it takes when they are free."""

    home: Path
    aws_port: int = 4566
    opensearch_port: int = 9200

    @property
    def folder(self) -> Path:
        """Everything of the stack is in here."""
        return self.home / "stack"

    def port(self, name: ServerName) -> int:
        """The preferred port of a server."""
        return self.aws_port if name is ServerName.AWS else self.opensearch_port

    def log(self, name: ServerName) -> Path:
        """The file that a server's output goes to."""
        return self.folder / "logs" / f"{name}.log"

    @property
    def data(self) -> Path:
        """The folder of the AWS server's data."""
        return self.folder / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that was started: `boot` and `started`, as `processes` tells them, tell it from another that got its
    pid."""

    name: ServerName
    pid: int
    boot: str | None
    started: float
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The stack as it runs, and what starting it found.

    `started` are the servers that this call started; `table_lost` that the AWS server had not been stopped in an
    orderly way, so that tables may be gone.
    """

    servers: tuple[Server, ...]
    started: tuple[ServerName, ...] = ()
    notes: tuple[str, ...] = ()
    table_lost: bool = False

    def _server(self, name: ServerName) -> Server:
        return next(server for server in self.servers if server.name is name)

    @property
    def aws_endpoint(self) -> str:
        """Where DynamoDB and S3 answer."""
        return self._server(ServerName.AWS).url

    @property
    def opensearch_endpoint(self) -> str:
        """Where OpenSearch answers."""
        return self._server(ServerName.OPENSEARCH).url


def options_of(settings: Settings) -> Options:
    """The options that the settings give."""
    return Options(home=settings.home, aws_port=settings.stack_aws_port, opensearch_port=settings.stack_opensearch_port)


def read(options: Options) -> dict[ServerName, Server]:
    """The servers that were started last; none where nothing is known or the file is damaged."""
    try:
        known = json.loads((options.folder / "servers.json").read_text("utf-8"))
        servers = [Server(**{**fields, "name": ServerName(fields["name"])}) for fields in known]
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return {server.name: server for server in servers}


def write(options: Options, servers: dict[ServerName, Server]) -> None:
    """Keep which servers were started: written whole, or not at all."""
    _replace(options.folder / "servers.json", json.dumps([asdict(server) for server in servers.values()]))


def is_clean(options: Options) -> bool:
    """Whether the AWS server was stopped in an orderly way since it last ran, or never ran."""
    return not (options.folder / "running").exists()


def mark_running(options: Options) -> None:
    """Note that the AWS server runs; the note outlives a crash."""
    _replace(options.folder / "running", "")


def mark_clean(options: Options) -> None:
    """Note that it was stopped in an orderly way."""
    (options.folder / "running").unlink(missing_ok=True)


def is_index_lost(options: Options) -> bool:
    """Whether the OpenSearch server was started, and its index not yet rebuilt from the table."""
    return (options.folder / "index-lost").exists()


def mark_index_lost(options: Options) -> None:
    """Note that the OpenSearch server starts, which keeps nothing on disk; the note outlives a crash."""
    _replace(options.folder / "index-lost", "")


def mark_index_rebuilt(options: Options) -> None:
    """Note that all of the index is there again."""
    (options.folder / "index-lost").unlink(missing_ok=True)


def make_folders(options: Options) -> None:
    """Create the stack's folders. Raises `StackFailed` where that is not possible."""
    try:
        for folder in (options.folder, options.data, options.folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        probe = options.folder / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise StackFailed(
            reason=f"its state folder {options.folder} cannot be written ({error.strerror or error})",
            hint="Set TATTOO_DATA_HOME to a folder that can be written.",
        ) from error


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
