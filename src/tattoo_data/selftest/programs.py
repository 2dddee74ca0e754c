"""Programs: the installed utilities, each run in a process of its own against the scratch target."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tattoo_data.environment import Target
from tattoo_data.selftest.check import CheckFailed
from tattoo_data.settings import Settings
from tattoo_data.settings.specs import SPECS

#: How long one command may take; each has next to nothing to do.
LIMIT_SECONDS = 120.0
_SHOWN = 300
_OURS = {variable for spec in SPECS for variable in spec.variables} | {"TATTOO_DATA_CONFIG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended."""

    words: str
    code: int
    stdout: str
    stderr: str

    def ended(self, code: int) -> Ran:
        """This, where it ended so; fails with what it said else."""
        if self.code != code:
            said = " ".join((self.stderr or self.stdout).split())[-_SHOWN:]
            raise CheckFailed(f"`{self.words}` ended with {self.code}, not {code}: {said or 'it said nothing'}")
        return self

    def says(self, *parts: str) -> Ran:
        """This, where each part stands somewhere in what it said."""
        for part in parts:
            if part not in self.stdout + self.stderr:
                raise CheckFailed(f"`{self.words}` does not say {part!r}")
        return self

    def document(self) -> Any:
        """The one JSON document on stdout."""
        return self._decoded(self.stdout, "stdout")

    def error(self) -> Any:
        """The error that is the one JSON document on stderr."""
        document = self._decoded(self.stderr, "stderr")
        if not (isinstance(document, dict) and isinstance(document.get("error"), dict)):
            raise CheckFailed(f"`{self.words}` gives no error document on stderr")
        return document["error"]

    def _decoded(self, text: str, where: str) -> Any:
        try:
            return msgspec.json.decode(text.encode())
        except msgspec.DecodeError as error:
            raise CheckFailed(f"`{self.words}` gives no JSON on {where}: {error}") from None


class Programs(Protocol):
    """Runs a utility to its end. With `bare`, nothing of a target is set; `variables` are set in any case."""

    def __call__(self, program: str, *arguments: str, bare: bool = False, **variables: str) -> Ran:
        """What came of it; fails where it does not end in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Programs as they are installed: the console script beside this one, else the same function in a new interpreter.
    `inherited` is the environment without our variables, `target` are those that name the scratch target, and `folder`
    is where they run and what their home is."""

    functions: Mapping[str, str]
    inherited: Mapping[str, str]
    folder: Path
    target: Mapping[str, str]

    def __call__(self, program: str, *arguments: str, bare: bool = False, **variables: str) -> Ran:
        words = shlex.join((program, *arguments))
        home = {"TATTOO_DATA_HOME": str(self.folder / "home")}
        environment = {**self.inherited, **home, **({} if bare else self.target), **variables}
        try:
            done = subprocess.run(
                [*self._command(program), *arguments],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=LIMIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise CheckFailed(f"`{words}` did not end within {LIMIT_SECONDS:.0f} s") from None
        except OSError as error:
            raise CheckFailed(f"`{words}` could not be run: {error.strerror or error}") from None
        return Ran(words=words, code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def _command(self, program: str) -> list[str]:
        script = Path(sys.executable).parent / program
        if script.is_file():
            return [str(script)]
        module, _, function = self.functions[program].partition(":")
        return [sys.executable, "-c", f"from {module} import {function} as run; run()"]


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without the variables that are settings of ours."""
    return {name: value for name, value in environ.items() if name not in _OURS}


def variables_of(settings: Settings, target: Target, config: Path) -> dict[str, str]:
    """The variables that make a command work on this very target, found the same way."""
    embedded = settings.target().embedded
    found = {
        "AWS_ENDPOINT_URL": target.aws_endpoint if embedded else settings.aws_endpoint,
        "AWS_ENDPOINT_URL_DYNAMODB": None if embedded else settings.dynamodb_endpoint,
        "AWS_ENDPOINT_URL_S3": None if embedded else settings.s3_endpoint,
        "OPENSEARCH_ENDPOINT": target.opensearch_endpoint if embedded else settings.opensearch_endpoint,
        "OPENSEARCH_DOMAIN": settings.opensearch_domain,
        "OPENSEARCH_USERNAME": settings.opensearch_username,
        "OPENSEARCH_PASSWORD": settings.opensearch_password,
        "AWS_ACCESS_KEY_ID": "test" if embedded else settings.access_key,
        "AWS_SECRET_ACCESS_KEY": "test" if embedded else settings.secret_key,
        "AWS_SESSION_TOKEN": None if embedded else settings.session_token,
        "AWS_DEFAULT_REGION": settings.region,
        "DYNAMODB_TABLE_NAME": settings.table,
        "OPENSEARCH_INDEX": settings.index,
        "IMAGE_BUCKET": settings.image_bucket,
        "BACKUP_BUCKET": settings.backup_bucket,
        "TATTOO_DATA_AS_OF": settings.as_of.isoformat() if settings.as_of else None,
        "TATTOO_DATA_CONFIG": str(config),
        "TATTOO_DATA_HOME": str(settings.home),
        "TATTOO_DATA_YES": "1",
    }
    return {name: value for name, value in found.items() if value}


def settings_file(settings: Settings) -> str:
    """The settings that have no variable, as a file: which names count as local too, and how indexes are made."""
    text = msgspec.json.encode  # a JSON string, number or array of strings is TOML's, too
    lines = [
        "[target]",
        f"allow = {text(list(settings.allow)).decode()}",
        "[images]",
        f"base_url = {text(settings.images_base_url).decode()}",
        "[index]",
        f"swap = {text(settings.index_swap).decode()}",
        f"shards = {settings.index_shards}",
        f"replicas = {settings.index_replicas}",
    ]
    return "\n".join([*lines, ""])
