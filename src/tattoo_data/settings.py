"""Settings: one frozen object, resolved once: flags over environment over `tattoo-data.toml` over defaults.

A bad value fails before any work and names where it came from. Nothing of the machine's AWS set-up (profiles,
config files, metadata service) is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from tattoo_data.errors import BadSetting, TargetIncomplete, UsageError

FILE_NAME = "tattoo-data.toml"
HIDDEN = "****"
_DEFAULT = "default"
_AWS_NAMES = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which services are named. `opensearch` None means: to be found through `AWS_ENDPOINT_URL`."""

    embedded: bool
    dynamodb: str = ""
    s3: str = ""
    opensearch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, with where each came from in `sources`."""

    aws_endpoint: str | None
    dynamodb_endpoint: str | None
    s3_endpoint: str | None
    opensearch_endpoint: str | None
    opensearch_domain: str
    opensearch_username: str | None
    opensearch_password: str | None = field(repr=False)
    access_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    session_token: str | None = field(repr=False)
    region: str
    table: str
    index: str
    image_bucket: str
    backup_bucket: str
    home: Path
    as_of: date | None
    images_base_url: str
    index_swap: str
    index_shards: int
    index_replicas: int
    allow: tuple[str, ...]
    local: bool
    stack_aws_port: int
    stack_opensearch_port: int
    yes: bool
    debug: bool
    config_path: Path | None
    scenarios: Mapping[str, Any]
    sources: Mapping[str, str]

    def target(self) -> Target:
        """Which services are named: all, or none. Raises `TargetIncomplete` where a part cannot be found from the
        rest; named and embedded services are never mixed."""
        if self.local:
            return Target(embedded=True)
        dynamodb = self.dynamodb_endpoint or self.aws_endpoint
        s3 = self.s3_endpoint or self.aws_endpoint
        if not (dynamodb or s3 or self.opensearch_endpoint):
            return Target(embedded=True)
        named = self._named()
        if not dynamodb:
            raise _incomplete(named, "DynamoDB", "AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_DYNAMODB")
        if not s3:
            raise _incomplete(named, "S3", "AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_S3")
        if not (self.opensearch_endpoint or self.aws_endpoint):
            raise _incomplete(named, "OpenSearch", "OPENSEARCH_ENDPOINT")
        return Target(embedded=False, dynamodb=dynamodb, s3=s3, opensearch=self.opensearch_endpoint)

    def credentials(self, *, local: bool) -> tuple[str, str, str | None]:
        """Access key, secret key and session token. A local target takes `test` where none are set; any other has
        to be given some. Raises `BadSetting` where they are missing or half."""
        if self.target().embedded:
            return "test", "test", None
        if self.access_key and self.secret_key:
            return self.access_key, self.secret_key, self.session_token
        missing = "secret_key" if self.access_key else "access_key"
        if self.access_key or self.secret_key or not local:
            raise BadSetting(
                name=missing,
                value=None,
                source="nowhere",
                reason="a target needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, both; set both"
                + (", or neither for test/test" if local else ""),
            )
        return "test", "test", None

    def _named(self) -> str:
        names = ("aws_endpoint", "dynamodb_endpoint", "s3_endpoint", "opensearch_endpoint")
        return " and ".join(self.sources[name].split(" ", 1)[-1] for name in names if getattr(self, name))


def _incomplete(named: str, missing: str, variable: str) -> TargetIncomplete:
    return TargetIncomplete(named=named, missing=missing, variable=variable)


Parser = Callable[[str], Any]


def _matching(pattern: str, what: str) -> Parser:
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"it is no {what}")
        return text

    return parse


def _index_name(text: str) -> str:
    # The rules of OpenSearch's create index API.
    if not re.fullmatch(r"(?![_+-])[^A-Z\s\"*\\<|,>/?#:]{1,255}", text) or text in (".", ".."):
        raise ValueError('it is no index name: lower case, no leading _ - +, none of " * \\ < | , > / ? # :')
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"it is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no http or https URL with a host")
    if parts.query or parts.fragment:
        raise ValueError("an endpoint has no query and no fragment")
    return text.rstrip("/")


def _aws_url(text: str) -> str:
    url = _url(text)
    if urlsplit(url).path:
        raise ValueError("an AWS endpoint has no path")
    return url


def _search_url(text: str) -> str:
    if "://" not in text:
        host = text.partition("/")[0].partition(":")[0].lower()
        text = ("https://" if host.endswith(_AWS_NAMES) else "http://") + text
    return _url(text)


def _date(text: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("it is no date such as 2026-11-22") from None


def _flag(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false")


def _switch(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.strip().lower() not in known:
        raise ValueError("it is neither true nor false")
    return known[text.strip().lower()]


def _number(low: int, high: int) -> Parser:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"it is no whole number from {low} to {high}")
        return int(text)

    return parse


def _one_of(*names: str) -> Parser:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"it is none of {', '.join(names)}")
        return text

    return parse


_BUCKET = _matching(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "bucket name (3 to 63 of a-z, 0-9, - and .)")
_TEXT = _matching(r"[^\x00-\x1f]+", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One setting: its environment variables and place in the file, its default, and how its text is read."""

    name: str
    help: str
    parse: Parser
    variables: Sequence[str] = ()
    place: str = ""
    default: str | None = None
    secret: bool = False


SPECS: tuple[Spec, ...] = (
    Spec(
        name="aws_endpoint",
        help="where DynamoDB and S3 answer",
        parse=_aws_url,
        variables=("AWS_ENDPOINT_URL",),
        place="target.aws_endpoint",
    ),
    Spec(
        name="dynamodb_endpoint",
        help="where DynamoDB answers, if elsewhere",
        parse=_aws_url,
        variables=("AWS_ENDPOINT_URL_DYNAMODB",),
        place="target.dynamodb_endpoint",
    ),
    Spec(
        name="s3_endpoint",
        help="where S3 answers, if elsewhere",
        parse=_aws_url,
        variables=("AWS_ENDPOINT_URL_S3",),
        place="target.s3_endpoint",
    ),
    Spec(
        name="opensearch_endpoint",
        help="where OpenSearch answers",
        parse=_search_url,
        variables=("OPENSEARCH_ENDPOINT",),
        place="target.opensearch_endpoint",
    ),
    Spec(
        name="opensearch_domain",
        help="the domain that is asked for at AWS_ENDPOINT_URL",
        parse=_matching(r"[a-z][a-z0-9-]{2,27}", "domain name"),
        variables=("OPENSEARCH_DOMAIN",),
        place="target.opensearch_domain",
        default="tattoo-directory-local",
    ),
    Spec(
        name="opensearch_username",
        help="the user at OpenSearch",
        parse=_TEXT,
        variables=("OPENSEARCH_USERNAME",),
        place="target.opensearch_username",
    ),
    Spec(
        name="opensearch_password",
        help="the password at OpenSearch",
        parse=_TEXT,
        variables=("OPENSEARCH_PASSWORD",),
        secret=True,
    ),
    Spec(
        name="access_key",
        help="the AWS access key id",
        parse=_TEXT,
        variables=("AWS_ACCESS_KEY_ID",),
        secret=True,
    ),
    Spec(
        name="secret_key",
        help="the AWS secret access key",
        parse=_TEXT,
        variables=("AWS_SECRET_ACCESS_KEY",),
        secret=True,
    ),
    Spec(
        name="session_token",
        help="the AWS session token",
        parse=_TEXT,
        variables=("AWS_SESSION_TOKEN",),
        secret=True,
    ),
    Spec(
        name="region",
        help="the AWS region",
        parse=_matching(r"[a-z]{2,}(-[a-z]+)+-\d{1,2}", "region"),
        variables=("AWS_DEFAULT_REGION", "AWS_REGION"),
        place="target.region",
        default="eu-west-2",
    ),
    Spec(
        name="table",
        help="the DynamoDB table",
        parse=_matching(r"[A-Za-z0-9_.-]{3,255}", "table name (3 to 255 of A-Z, a-z, 0-9, _ . -)"),
        variables=("DYNAMODB_TABLE_NAME",),
        place="target.table",
        default="tattoo-directory-local",
    ),
    Spec(
        name="index",
        help="the OpenSearch index",
        parse=_index_name,
        variables=("OPENSEARCH_INDEX",),
        place="target.index",
        default="artists-local",
    ),
    Spec(
        name="image_bucket",
        help="the bucket of images",
        parse=_BUCKET,
        variables=("IMAGE_BUCKET",),
        place="target.image_bucket",
        default="tattoo-directory-images",
    ),
    Spec(
        name="backup_bucket",
        help="the bucket of backups and runs",
        parse=_BUCKET,
        variables=("BACKUP_BUCKET",),
        place="target.backup_bucket",
        default="tattoo-directory-backups",
    ),
    Spec(
        name="home",
        help="the folder of the local stack's state",
        parse=lambda text: Path(text).expanduser(),
        variables=("TATTOO_DATA_HOME",),
        place="stack.home",
    ),
    Spec(
        name="as_of",
        help="the day that relative dates count from",
        parse=_date,
        variables=("TATTOO_DATA_AS_OF",),
        place="seed.as_of",
    ),
    Spec(
        name="images_base_url",
        help="what image urls begin with",
        parse=_url,
        place="images.base_url",
        default="http://localhost:4566",
    ),
    Spec(
        name="index_swap",
        help="whether an index may be built anew and swapped in",
        parse=_one_of("auto", "never"),
        place="index.swap",
        default="auto",
    ),
    Spec(
        name="index_shards",
        help="the shards of a new index",
        parse=_number(1, 1024),
        place="index.shards",
        default="1",
    ),
    Spec(
        name="index_replicas",
        help="the replicas of a new index",
        parse=_number(0, 100),
        place="index.replicas",
        default="0",
    ),
    Spec(
        name="local",
        help="use our own local stack, whatever else answers",
        parse=_switch,
        variables=("TATTOO_DATA_LOCAL",),
        default="false",
    ),
    Spec(
        name="stack_aws_port",
        help="the port of the local DynamoDB and S3",
        parse=_number(1, 65535),
        variables=("TATTOO_DATA_AWS_PORT",),
        place="stack.aws_port",
        default="4566",
    ),
    Spec(
        name="stack_opensearch_port",
        help="the port of the local OpenSearch",
        parse=_number(1, 65535),
        variables=("TATTOO_DATA_OPENSEARCH_PORT",),
        place="stack.opensearch_port",
        default="9200",
    ),
    Spec(
        name="yes",
        help="answer yes to the question before a deletion",
        parse=_switch,
        variables=("TATTOO_DATA_YES",),
        default="false",
    ),
    Spec(name="debug", help="show settings and every request", parse=_flag, variables=("DEBUG",), default="false"),
)
#: Where the file may have more than settings of one value.
_FREE_SECTIONS = ("scenarios",)
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
        from platformdirs import user_state_path

        values["home"] = user_state_path("tattoo-data", appauthor=False)
    sources |= {"allow": str(path) if _lookup(file, _ALLOW) else _DEFAULT, "config_path": _DEFAULT}
    _take_credentials_from_url(values, sources)
    _refuse_contradiction(values, sources)
    extra = {"allow": _allowed(file, path), "config_path": path, "scenarios": file.get("scenarios", {})}
    return Settings(**values, **extra, sources=sources)


def describe(settings: Settings) -> list[Row]:
    """Every setting with where it came from, for `config`; secrets hidden, passwords in URLs too."""
    specs = {spec.name: spec for spec in SPECS}
    rows = []
    for each in fields(settings):
        if each.name in ("sources", "scenarios"):
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
        return _text_of(flag), f"flag --{spec.name.replace('_', '-')}"
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
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists() or folder == Path.home():
            break
    return None


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        file = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadSetting(name="config", value=str(path), source="the settings file", reason=str(error)) from None
    known = {spec.place for spec in SPECS if spec.place} | {_ALLOW}
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


def _refuse_contradiction(values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """--local beside a flag that names an endpoint says two things at once."""
    if not values["local"]:
        return
    for name in ("aws_endpoint", "opensearch_endpoint"):
        if sources[name].startswith("flag"):
            raise UsageError(what=f"--local and {sources[name].removeprefix('flag ')} contradict each other")
