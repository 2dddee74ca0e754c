"""Resolving: flags over environment over `tattoo-data.toml` over defaults, once and for all settings.

A bad value fails before any work and names where it came from. Nothing of the machine's AWS set-up (profiles,
config files, metadata service) is read.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from tattoo_data.errors import BadSetting, UsageError
from tattoo_data.settings.specs import SPECS, Spec
from tattoo_data.settings.values import Settings

FILE_NAME = "tattoo-data.toml"
HIDDEN = "****"
_DEFAULT = "default"
#: Where the file may have more than settings of one value.
_FREE_SECTIONS = ("scenarios",)
_FREE_PLACES = frozenset(("monitoring.thresholds",))
#: Naming a target that is not local is a deliberate act, so it is done in the file and nowhere else.
_ALLOW = "target.allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting as `config` shows it; a secret's value is hidden."""

    name: str
    value: str
    source: str
    variables: tuple[str, ...]


def resolve(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Resolve every setting. Reads the settings file and nothing else. Raises `BadSetting` and `UsageError`."""
    path = _config_path(flags, environ, cwd)
    file = _read_file(path) if path else {}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for spec in SPECS:
        text, sources[spec.name] = _find(spec, flags, environ, file, path)
        values[spec.name] = None if text is None else _parse(spec, text, sources[spec.name])
    if values["home"] is None:
        values["home"] = _state_folder()
    for name in ("migrations", "alert_log"):
        # As whoever wrote it sees it: from where the file is, else from where the command is.
        if values[name] is not None:
            values[name] = (path.parent if path and sources[name].startswith("file ") else cwd) / values[name]
    sources |= {"allow": str(path) if _lookup(file, _ALLOW) else _DEFAULT, "config_path": _DEFAULT}
    _take_credentials_from_url(values, sources)
    _refuse_contradiction(values, sources)
    _refuse_one_bucket(values, sources)
    extra = {"allow": _allowed(file, path), "config_path": path, **_sections(file)}
    return Settings(**values, **extra, sources=sources)


def describe(settings: Settings) -> list[Row]:
    """Every setting with where it came from, for `config`; secrets hidden, passwords in URLs too."""
    specs = {spec.name: spec for spec in SPECS}
    rows = []
    for each in fields(settings):
        if each.name in ("sources", "monitoring", "scenarios"):
            continue
        spec = specs.get(each.name)
        value = getattr(settings, each.name)
        shown = HIDDEN if spec and spec.secret and value else _show(value)
        variables = tuple(spec.variables) if spec else ()
        rows.append(Row(name=each.name, value=shown, source=settings.sources[each.name], variables=variables))
    return rows


def redact_url(url: str) -> str:
    """A URL without the user and password it may hold."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}"))


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value)
    return redact_url(value) if isinstance(value, str) and "://" in value else str(value)


def _find(
    spec: Spec, flags: Mapping[str, object], environ: Mapping[str, str], file: Mapping[str, Any], path: Path | None
) -> tuple[str | None, str]:
    """The text of a setting and where it came from; an empty variable counts as not set."""
    flag = flags.get(spec.name)
    if flag is not None and flag is not False:
        return _text_of(flag), f"flag {spec.flag or '--' + spec.name.replace('_', '-')}"
    for variable in spec.variables:
        if environ.get(variable):
            return environ[variable], f"environment {variable}"
    found = _lookup(file, spec.place) if spec.place else None
    if found is not None:
        return _text_of(found), f"file {path} {spec.place}"
    return spec.default, _DEFAULT


def _text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(spec: Spec, text: str, source: str) -> Any:
    try:
        return spec.parse(text)
    except ValueError as error:
        shown = HIDDEN if spec.secret else redact_url(text) if "://" in text else text
        raise BadSetting(name=spec.name, value=shown, source=source, reason=str(error)) from None


def _config_path(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The file that is named, or the nearest one from `cwd` up to the top of its checkout."""
    named = flags.get("config") or environ.get("TATTOO_DATA_CONFIG")
    if named:
        path = cwd / str(named)
        if not path.is_file():
            source = "flag --config" if flags.get("config") else "environment TATTOO_DATA_CONFIG"
            raise BadSetting(name="config", value=str(named), source=source, reason="there is no such file")
        return path
    for folder in (cwd, *cwd.parents):
        if os.path.lexists(folder / FILE_NAME):  # also what cannot be read: it was meant to be
            return folder / FILE_NAME
        if (folder / ".git").exists() or folder == _home():
            break
    return None


def _home() -> Path | None:
    """The user's folder; None for a user that the system does not know."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _state_folder() -> Path:
    """Where the system keeps a user's state. Raises `BadSetting` where it does not know the user."""
    from platformdirs import user_state_path

    try:
        return user_state_path("tattoo-data", appauthor=False)
    except RuntimeError:
        reason = "the system does not know this user, so it has no folder for state: set TATTOO_DATA_HOME"
        raise BadSetting(name="home", value=None, source="default", reason=reason) from None


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        file = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSetting(name="config", value=str(path), source="the settings file", reason=str(error)) from None
    known = {spec.place for spec in SPECS if spec.place} | {_ALLOW} | _FREE_PLACES
    for section, content in file.items():
        if section in _FREE_SECTIONS:
            continue
        keys = [f"{section}.{key}" for key in content] if isinstance(content, dict) else [section]
        for key in keys:
            if key not in known:
                raise _unknown_key(key, path, known)
    return file


def _unknown_key(key: str, path: Path, known: set[str]) -> BadSetting:
    import difflib

    close = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.5)
    reason = "no setting has this name" + (f"; did you mean {close[0]}?" if close else "")
    return BadSetting(name=key, value=key, source=f"file {path}", reason=reason)


def _sections(file: Mapping[str, Any]) -> dict[str, Any]:
    """The sections whose rooms know what may be in them."""
    return {name: file.get(name, {}) for name in ("monitoring", "scenarios")}


def _lookup(file: Mapping[str, Any], place: str) -> Any:
    section, _, key = place.partition(".")
    content = file.get(section, {})
    return content.get(key) if isinstance(content, Mapping) else None


def _allowed(file: Mapping[str, Any], path: Path | None) -> tuple[str, ...]:
    allow = _lookup(file, _ALLOW)
    if allow is None:
        return ()
    if not isinstance(allow, list) or not all(isinstance(name, str) and name for name in allow):
        raise BadSetting(
            name="allow", value=allow, source=f"file {path} {_ALLOW}", reason="it is no list of host names"
        )
    return tuple(allow)


def _take_credentials_from_url(values: dict[str, Any], sources: dict[str, str]) -> None:
    """OpenSearch's user and password may stand in its URL; from here on they do not."""
    for name in ("aws_endpoint", "dynamodb_endpoint", "s3_endpoint"):
        if values[name] and "@" in urlsplit(values[name]).netloc:
            raise BadSetting(
                name=name,
                value=redact_url(values[name]),
                source=sources[name],
                reason="a user name before the host hides where a URL goes",
            )
    url = values["opensearch_endpoint"]
    parts = urlsplit(url or "")
    if not url or "@" not in parts.netloc:
        return
    values["opensearch_endpoint"] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    for name, value in (("opensearch_username", parts.username), ("opensearch_password", parts.password)):
        if values[name] is None and value is not None:
            values[name] = unquote(value)
            sources[name] = f"the URL from {sources['opensearch_endpoint']}"


def _refuse_one_bucket(values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """What makes the images equal a state would delete the backups and runs that lie among them."""
    if values["image_bucket"] != values["backup_bucket"]:
        return
    name, other = "image_bucket", "backup_bucket"
    if sources[name] == _DEFAULT:
        name, other = other, name
    reason = f"{other}, from {sources[other]}, is the same bucket: a reset would delete the backups among the images"
    raise BadSetting(name=name, value=values[name], source=sources[name], reason=reason)


def _refuse_contradiction(values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """--local beside a flag that names an endpoint says two things at once."""
    if not values["local"]:
        return
    for name in ("aws_endpoint", "opensearch_endpoint"):
        if sources[name].startswith("flag"):
            raise UsageError(
                what=f"--local and {sources[name].removeprefix('flag ')} contradict each other",
                hint="Give one of them: --local is our own stack, an endpoint any other.",
            )
