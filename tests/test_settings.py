"""Settings: which value counts, where it came from, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from tattoo_data.errors import BadSetting, CredentialsIncomplete, TargetIncomplete, UsageError
from tattoo_data.settings import HIDDEN, SPECS, Settings, describe, redact_url, resolve

SECRET = "s3cr3t-Value"


def settings(tmp_path: Path, environ: Mapping[str, str] | None = None, file: str = "", **flags: object) -> Settings:
    if file:
        (tmp_path / "tattoo-data.toml").write_text(file)
    return resolve(flags, environ or {}, tmp_path)


def test_without_anything_the_defaults_and_the_embedded_stack(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.table, found.index, found.region) == ("tattoo-directory-local", "artists-local", "eu-west-2")
    assert (found.image_bucket, found.backup_bucket) == ("tattoo-directory-images", "tattoo-directory-backups")
    assert found.target().embedded
    assert found.sources["table"] == "default"


def test_flags_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = '[target]\ntable = "from-file"\nindex = "from-file"\nimage_bucket = "from-file"\n'
    environ = {"DYNAMODB_TABLE_NAME": "from-environment", "OPENSEARCH_INDEX": "from-environment"}
    found = settings(tmp_path, environ, file, table="from-flag")
    assert (found.table, found.index) == ("from-flag", "from-environment")
    assert (found.image_bucket, found.backup_bucket) == ("from-file", "tattoo-directory-backups")
    assert found.sources["table"] == "flag --table"
    assert found.sources["index"] == "environment OPENSEARCH_INDEX"
    assert found.sources["image_bucket"].endswith("tattoo-data.toml target.image_bucket")


def test_the_seeds_own_variables(tmp_path: Path) -> None:
    environ = {
        "AWS_ENDPOINT_URL": "http://localstack:4566",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-2",
        "DYNAMODB_TABLE_NAME": "tattoo-directory-local",
        "OPENSEARCH_INDEX": "artists-local",
        "BACKUP_BUCKET": "tattoo-directory-backups",
    }
    target = settings(tmp_path, environ).target()
    assert not target.embedded
    assert (target.dynamodb, target.s3) == ("http://localstack:4566", "http://localstack:4566")
    assert target.opensearch is None


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert settings(tmp_path, {"AWS_ENDPOINT_URL": "", "DYNAMODB_TABLE_NAME": ""}).target().embedded


def test_the_file_is_found_upwards_to_the_top_of_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "tattoo-data.toml").write_text('[target]\ntable = "found"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert resolve({}, {}, below).table == "found"
    (tmp_path / "a" / ".git").mkdir()
    assert resolve({}, {}, below).table == "tattoo-directory-local"


def test_a_file_that_cannot_be_read_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "tattoo-data.toml"
    path.symlink_to("nowhere")
    with pytest.raises(BadSetting, match="No such file"):
        resolve({}, {}, tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(BadSetting, match="Is a directory"):
        resolve({}, {}, tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "tattoo-data.toml").write_bytes(b'\xef\xbb\xbf[target]\ntable = "found"\n')
    assert resolve({}, {}, tmp_path).table == "found"


def test_a_file_is_named_by_flag_or_variable(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[target]\ntable = "other"\n')
    assert settings(tmp_path, config="other.toml").table == "other"
    assert settings(tmp_path, {"TATTOO_DATA_CONFIG": str(tmp_path / "other.toml")}).table == "other"
    with pytest.raises(BadSetting, match="no such file"):
        settings(tmp_path, config="nowhere.toml")


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"AWS_ENDPOINT_URL": "localhost:4566"}, "aws_endpoint"),
        ({"AWS_ENDPOINT_URL": "http://localhost:4566/path"}, "aws_endpoint"),
        ({"AWS_ENDPOINT_URL": "http://u:p@localhost:4566"}, "aws_endpoint"),
        ({"AWS_ENDPOINT_URL": "http://localhost:99999"}, "aws_endpoint"),
        ({"OPENSEARCH_ENDPOINT": "http://localhost:9200?x=1"}, "opensearch_endpoint"),
        ({"OPENSEARCH_ENDPOINT": "ftp://localhost"}, "opensearch_endpoint"),
        ({"OPENSEARCH_ENDPOINT": " "}, "opensearch_endpoint"),
        ({"AWS_ENDPOINT_URL": " "}, "aws_endpoint"),
        ({"AWS_DEFAULT_REGION": "london"}, "region"),
        ({"DYNAMODB_TABLE_NAME": "a b"}, "table"),
        ({"DYNAMODB_TABLE_NAME": "ab"}, "table"),
        ({"OPENSEARCH_INDEX": "Artists"}, "index"),
        ({"OPENSEARCH_INDEX": "_all"}, "index"),
        ({"OPENSEARCH_INDEX": "a,b"}, "index"),
        ({"OPENSEARCH_INDEX": "a*"}, "index"),
        ({"BACKUP_BUCKET": "No_Bucket"}, "backup_bucket"),
        ({"BACKUP_BUCKET": "../x"}, "backup_bucket"),
        ({"TATTOO_DATA_AS_OF": "yesterday"}, "as_of"),
        ({"TATTOO_DATA_AS_OF": "2026-02-30"}, "as_of"),
        ({"TATTOO_DATA_AS_OF": "20260101"}, "as_of"),
        ({"TATTOO_DATA_AS_OF": "0001-01-01"}, "as_of"),
        ({"TATTOO_DATA_AS_OF": "0999-12-31"}, "as_of"),
        ({"TATTOO_DATA_AS_OF": "9000-01-01"}, "as_of"),
        ({"TATTOO_DATA_AS_OF": "9999-12-31"}, "as_of"),
        ({"TATTOO_DATA_AWS_PORT": "0"}, "stack_aws_port"),
        ({"TATTOO_DATA_AWS_PORT": "x"}, "stack_aws_port"),
        ({"TATTOO_DATA_YES": "perhaps"}, "yes"),
    ],
)
def test_a_bad_value_is_named_with_where_it_came_from(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    with pytest.raises(BadSetting) as refused:
        settings(tmp_path, environ)
    assert refused.value.exit_code == 2
    assert refused.value.fields["name"] == name
    assert f"environment {next(iter(environ))}" in str(refused.value)


@pytest.mark.parametrize(
    ("environ", "named", "other"),
    [
        ({"IMAGE_BUCKET": "both", "BACKUP_BUCKET": "both"}, "image_bucket", "environment BACKUP_BUCKET"),
        ({"IMAGE_BUCKET": "tattoo-directory-backups"}, "image_bucket", "backup_bucket, from default"),
        ({"BACKUP_BUCKET": "tattoo-directory-images"}, "backup_bucket", "image_bucket, from default"),
    ],
)
def test_backups_do_not_lie_among_the_images(tmp_path: Path, environ: dict[str, str], named: str, other: str) -> None:
    with pytest.raises(BadSetting, match=f"{other}, is the same bucket") as refused:
        settings(tmp_path, environ)
    assert refused.value.fields["name"] == named
    with pytest.raises(BadSetting, match="the same bucket"):
        settings(tmp_path, file='[target]\nimage_bucket = "one"\n', backup_bucket="one")


def test_the_hint_of_a_bad_value_is_of_where_it_came_from(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as refused:
        settings(tmp_path, {"AWS_DEFAULT_REGION": "london"})
    assert refused.value.hint == "Mend it there, or take it out: then the default holds."
    given = BadSetting(name="baseline", value="x", source="the command line", reason="there is no such file")
    assert "--help" in given.hint


def test_a_day_near_the_calendars_ends_is_refused_with_the_range_that_is_taken(tmp_path: Path) -> None:
    for text in ("1000-01-01", "8999-12-31"):
        assert settings(tmp_path, as_of=text).as_of == date.fromisoformat(text)
    with pytest.raises(BadSetting, match="no day from 1000-01-01 to 8999-12-31"):
        settings(tmp_path, as_of="9999-12-31")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ('[target]\ntabel = "x"\n', "did you mean target.table"),
        ("table = 1\n", "no setting"),
        ("[target\n", "the settings file"),
        ('[target]\nallow = "one"\n', "no list of host names"),
        ('[index]\nswap = "sometimes"\n', "auto, never"),
        ("[index]\nshards = 0\n", "from 1 to"),
        ("[monitoring]\nraw_hours = 0\n", "from 1 to"),
        ("[monitoring]\nwebhok = 'x'\n", "did you mean monitoring.webhook"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, file: str, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        settings(tmp_path, file=file)


def test_values_are_what_they_mean(tmp_path: Path) -> None:
    file = '[seed]\nas_of = 2026-01-31\n[index]\nshards = 5\nswap = "never"\n[target]\nallow = ["a.example"]\n'
    found = settings(tmp_path, {"DEBUG": "1"}, file)
    assert found.as_of == date(2026, 1, 31)
    assert (found.index_shards, found.index_swap, found.allow, found.debug) == (5, "never", ("a.example",), True)
    assert not settings(tmp_path, {"DEBUG": "false"}).debug


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"OPENSEARCH_ENDPOINT": "http://localhost:9200"}, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:8000"}, "AWS_ENDPOINT_URL_S3"),
        ({"AWS_ENDPOINT_URL_S3": "http://localhost:8333"}, "AWS_ENDPOINT_URL_DYNAMODB"),
        (
            {"AWS_ENDPOINT_URL_DYNAMODB": "http://localhost:1", "AWS_ENDPOINT_URL_S3": "http://localhost:2"},
            "OPENSEARCH_ENDPOINT",
        ),
    ],
)
def test_a_target_is_whole(tmp_path: Path, environ: dict[str, str], missing: str) -> None:
    with pytest.raises(TargetIncomplete) as refused:
        settings(tmp_path, environ).target()
    assert missing in refused.value.hint
    assert next(iter(environ)) in str(refused.value)


def test_local_takes_the_stack_whatever_is_named(tmp_path: Path) -> None:
    assert settings(tmp_path, {"AWS_ENDPOINT_URL": "http://localstack:4566"}, local=True).target().embedded
    with pytest.raises(UsageError, match="contradict"):
        settings(tmp_path, local=True, aws_endpoint="http://localhost:4566")


def test_an_opensearch_of_aws_has_no_scheme(tmp_path: Path) -> None:
    for text, url in (
        ("search-x.eu-west-2.es.amazonaws.com", "https://search-x.eu-west-2.es.amazonaws.com"),
        ("localhost:9200", "http://localhost:9200"),
    ):
        assert settings(tmp_path, {"OPENSEARCH_ENDPOINT": text}).opensearch_endpoint == url


@pytest.mark.parametrize(
    ("environ", "local", "given"),
    [
        ({}, True, ("test", "test", None)),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, True, ("a", "b", "c")),
        ({"AWS_ACCESS_KEY_ID": "a"}, True, None),
        ({"AWS_SECRET_ACCESS_KEY": "b"}, True, None),
        ({}, False, None),
    ],
)
def test_credentials_of_a_named_target(
    tmp_path: Path, environ: dict[str, str], local: bool, given: tuple[str, str, str | None] | None
) -> None:
    named = {**environ, "AWS_ENDPOINT_URL": "http://localhost:4566"}
    found = settings(tmp_path, named)
    if given is not None:
        assert found.credentials(local=local) == given
        return
    with pytest.raises(CredentialsIncomplete):
        found.credentials(local=local)


def test_the_embedded_stack_never_sees_an_accounts_credentials(tmp_path: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": SECRET}
    assert settings(tmp_path, environ).credentials(local=True) == ("test", "test", None)


@pytest.mark.parametrize(
    "environ",
    [
        *({spec.variables[0]: SECRET} for spec in SPECS if spec.secret and spec.name != "webhook"),
        {"TATTOO_DATA_WEBHOOK": f"http://localhost:9000/{SECRET}"},
        {"OPENSEARCH_ENDPOINT": f"http://user:{SECRET}@localhost:9200"},
    ],
)
def test_a_secret_is_never_shown(tmp_path: Path, environ: dict[str, str]) -> None:
    found = settings(tmp_path, environ)
    shown = repr(found) + str([(row.name, row.value, row.source) for row in describe(found)])
    assert SECRET not in shown
    assert HIDDEN in str([row.value for row in describe(found)])


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_ENDPOINT_URL": f"http://user:{SECRET}@localhost:4566"},
        {"AWS_ENDPOINT_URL_S3": f"https://{SECRET}:x@localhost"},
        {"OPENSEARCH_ENDPOINT": f"ftp://user:{SECRET}@localhost"},
        {"OPENSEARCH_ENDPOINT": f"http://user:{SECRET}@localhost:99999"},
        {"AWS_SECRET_ACCESS_KEY": f"{SECRET}\x01"},
        {"TATTOO_DATA_WEBHOOK": f"ftp://localhost/{SECRET}"},
        {"TATTOO_DATA_WEBHOOK": f"http://user:{SECRET}@localhost/"},
        {"TATTOO_DATA_WEBHOOK": f"http://localhost/ {SECRET}"},
        {"OPENSEARCH_PASSWORD": f"{SECRET}\n"},
    ],
)
def test_a_secret_in_a_bad_value_is_not_shown_either(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(BadSetting) as refused:
        settings(tmp_path, environ)
    assert SECRET not in str(refused.value.document())


def test_user_and_password_are_taken_from_the_url(tmp_path: Path) -> None:
    found = settings(tmp_path, {"OPENSEARCH_ENDPOINT": "https://us%40er:p%2Fw@search:9200"})
    assert (found.opensearch_username, found.opensearch_password) == ("us@er", "p/w")
    assert found.opensearch_endpoint == "https://search:9200"


def test_every_setting_is_described_with_its_source(tmp_path: Path) -> None:
    rows = {row.name: row for row in describe(settings(tmp_path))}
    assert {spec.name for spec in SPECS} <= set(rows)
    assert all(row.source for row in rows.values())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a:b@h:1/x", "http://****@h:1/x"),
        ("http://h:1", "http://h:1"),
        ("http://a@b@h", "http://****@h"),
    ],
)
def test_urls_are_shown_without_their_user(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_a_user_without_a_folder_has_to_name_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unknown(*_: object, **__: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_state_path", unknown)
    with pytest.raises(BadSetting, match="TATTOO_DATA_HOME"):
        resolve({}, {}, tmp_path)
    assert resolve({}, {"TATTOO_DATA_HOME": str(tmp_path)}, tmp_path).home == tmp_path
