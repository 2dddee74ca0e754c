"""Configuration: the environment reaches the settings, in the right order, and what is wrong is refused in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tattoo_data.selftest.bench import Bench
from tattoo_data.selftest.check import Category, Check, expect, same
from tattoo_data.selftest.sockets import listener, nobody

_HIDDEN = "****"
#: Variable -> setting, and what it is set to.
_VARIABLES: Mapping[str, tuple[str, str]] = {
    "AWS_ENDPOINT_URL": ("aws_endpoint", "http://localhost:4599"),
    "AWS_ACCESS_KEY_ID": ("access_key", "selftest-key"),
    "AWS_SECRET_ACCESS_KEY": ("secret_key", "selftest-secret"),
    "AWS_DEFAULT_REGION": ("region", "eu-central-1"),
    "DYNAMODB_TABLE_NAME": ("table", "selftest-table"),
    "OPENSEARCH_INDEX": ("index", "selftest-index"),
    "BACKUP_BUCKET": ("backup_bucket", "selftest-backups"),
}
_SECRETS = ("access_key", "secret_key")
#: No name of ours, whatever it resolves to; and an address of nobody's private net (RFC 5737).
_NOT_LOCAL = ("https://dynamodb.eu-west-2.amazonaws.com", "http://192.0.2.1:8000")


def _variables(bench: Bench) -> None:
    given = {variable: value for variable, (_, value) in _VARIABLES.items()}
    settings = _config(bench, **given)
    for variable, (name, value) in _VARIABLES.items():
        same(f"where {name} comes from", settings[name]["source"], f"environment {variable}")
        same(f"the value of {name}", settings[name]["value"], _HIDDEN if name in _SECRETS else value)


def _precedence(bench: Bench) -> None:
    path = bench.folder / "precedence.toml"
    path.write_text('[target]\ntable = "from-file"\n', "utf-8")
    file, flag = ("--config", str(path)), ("--table", "from-flag")
    variable = {"DYNAMODB_TABLE_NAME": "from-environment"}
    same("the default of the table", _config(bench)["table"]["source"], "default")
    same("the table of the file", _config(bench, *file)["table"]["value"], "from-file")
    same("the table of environment and file", _config(bench, *file, **variable)["table"]["value"], "from-environment")
    both = _config(bench, *file, *flag, **variable)
    same("the table of flag, environment and file", both["table"]["value"], "from-flag")


def _bad_value(bench: Bench) -> None:
    with listener() as server:
        target = {"AWS_ENDPOINT_URL": server.url, "OPENSEARCH_ENDPOINT": server.url}
        for name, value in (("DYNAMODB_TABLE_NAME", "no table name"), ("AWS_DEFAULT_REGION", "nowhere")):
            ran = bench.run("tattoo-data", "status", "--json", bare=True, **target, **{name: value}).ended(2)
            error = ran.error()
            same("the error of a bad value", error["id"], "BadSetting")
            expect(name in error["message"], f"the error does not name {name}: {error['message']}")
        expect(not server.was_dialled(), "something was sent although a setting is wrong")


def _not_local(bench: Bench) -> None:
    with listener() as server:
        for url in _NOT_LOCAL:
            target = {"AWS_ENDPOINT_URL": url, "OPENSEARCH_ENDPOINT": server.url}
            ran = bench.run("tattoo-data", "status", "--json", bare=True, **target).ended(15)
            same(f"the error of {url}", ran.error()["id"], "TargetNotAllowed")
        expect(not server.was_dialled(), "something was sent although the target is refused")


def _secrets(bench: Bench) -> None:
    secret = bench.clock.token(12)
    with nobody() as url:
        given = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": secret,
            "AWS_SECRET_ACCESS_KEY": secret,
            "OPENSEARCH_ENDPOINT": url.replace("//", f"//somebody:{secret}@"),
        }
        settings = _config(bench, **given)
        same("the value of opensearch_password", settings["opensearch_password"]["value"], _HIDDEN)
        ran = [
            bench.run("tattoo-data", "config", bare=True, **given).ended(0),
            bench.run("tattoo-data", "config", "--json", bare=True, **given).ended(0),
            bench.run("tattoo-data", "status", "--debug", bare=True, **given).ended(14),
            bench.run("tattoo-data", "status", "--json", bare=True, **given).ended(14),
        ]
    for each in ran:
        expect(secret not in each.stdout + each.stderr, f"`{each.words}` shows a secret")


def _config(bench: Bench, *arguments: str, **variables: str) -> Any:
    ran = bench.run("tattoo-data", "config", "--json", *arguments, bare=True, **variables)
    return ran.ended(0).document()["settings"]


CHECKS = (
    Check(
        category=Category.CONFIGURATION,
        name="variables",
        proves="the environment variables reach the settings",
        act=_variables,
        target=False,
    ),
    Check(
        category=Category.CONFIGURATION,
        name="precedence",
        proves="a flag counts over the environment, that over the file, that over the default",
        act=_precedence,
        target=False,
    ),
    Check(
        category=Category.CONFIGURATION,
        name="bad-value",
        proves="a bad value is refused with 2 before anything is sent",
        act=_bad_value,
        target=False,
    ),
    Check(
        category=Category.CONFIGURATION,
        name="not-local",
        proves="a target that is not local is refused with 15 before anything is sent",
        act=_not_local,
        target=False,
    ),
    Check(
        category=Category.CONFIGURATION,
        name="secrets",
        proves="no secret is in the settings shown, in errors or in the trace",
        act=_secrets,
        target=False,
    ),
)
