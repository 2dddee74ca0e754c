"""Doctor: what is wrong with a machine, settings, addresses and services, without a store behind them."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tattoo_data.clock import Clock
from tattoo_data.errors import BadSetting
from tattoo_data.settings import Settings, resolve
from tattoo_data.views import doctor as doctors
from tattoo_data.views import machine
from tattoo_data.views.doctor import Diagnosis, doctor
from tattoo_data.views.machine import Check, Health
from tests.engines.start import free_port
from tests.stub import Answer, stub

NOBODY = "http://127.0.0.1:9"
BOTH = {"AWS_ENDPOINT_URL": NOBODY, "OPENSEARCH_ENDPOINT": NOBODY}


@pytest.fixture
def ports() -> dict[str, str]:
    """Ports on which nobody listens, so that what runs on this machine does not count."""
    return {"TATTOO_DATA_AWS_PORT": str(free_port()), "TATTOO_DATA_OPENSEARCH_PORT": str(free_port())}


def looked_at(tmp_path: Path, *variables: Mapping[str, str], **flags: object) -> Diagnosis:
    environ = {"TATTOO_DATA_HOME": str(tmp_path / "state")}
    for each in variables:
        environ |= each
    return doctor(lambda: resolve(flags, environ, tmp_path), Clock())


def of(found: Diagnosis, name: str) -> Check:
    """The one check of a name."""
    (check,) = [each for each in found.checks if each.id == name]
    return check


def not_ok(found: Diagnosis) -> dict[str, Health]:
    return {each.id: each.status for each in found.checks if each.status is not Health.OK}


def test_nothing_is_set_and_nothing_runs(tmp_path: Path, ports: dict[str, str]) -> None:
    found = looked_at(tmp_path, ports)
    assert not_ok(found) == {}
    assert "not running" in of(found, "stack").message
    assert of(found, "port-aws").message == f"{ports['TATTOO_DATA_AWS_PORT']} is free"
    assert found.target is None
    assert not (tmp_path / "state").exists(), "it started something"


@pytest.mark.parametrize(
    ("variables", "name", "health", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "k"}, "credentials", Health.WARNING, "unset AWS_ACCESS_KEY_ID"),
        ({"AWS_SECRET_ACCESS_KEY": "s"}, "credentials", Health.WARNING, "AWS_ACCESS_KEY_ID is not"),
        ({"OPENSEARCH_PASSWORD": "s"}, "credentials", Health.WARNING, "unset OPENSEARCH_PASSWORD"),
        (BOTH | {"AWS_ACCESS_KEY_ID": "k"}, "credentials", Health.BROKEN, "AWS_SECRET_ACCESS_KEY is not set"),
        ({"AWS_ENDPOINT_URL_S3": NOBODY}, "target", Health.BROKEN, "AWS_ENDPOINT_URL_DYNAMODB"),
        ({"OPENSEARCH_ENDPOINT": NOBODY}, "target", Health.BROKEN, "there is no DynamoDB"),
        (
            BOTH | {"AWS_ENDPOINT_URL_S3": "https://s3.eu-west-2.amazonaws.com"},
            "address-s3",
            Health.BROKEN,
            "nothing was sent",
        ),
        (BOTH | {"OPENSEARCH_ENDPOINT": "http://169.254.169.254"}, "address-opensearch", Health.BROKEN, "not a local"),
        ({"AWS_ENDPOINT_URL": NOBODY}, "services", Health.BROKEN, "does not answer"),
        (BOTH, "index", Health.BROKEN, "Is it running there?"),
    ],
)
def test_what_is_half_configured_or_broken_is_named_with_what_to_type(
    tmp_path: Path, ports: dict[str, str], variables: dict[str, str], name: str, health: Health, words: str
) -> None:
    found = looked_at(tmp_path, ports, variables)
    assert of(found, name).status is health
    assert words in f"{of(found, name).message} {of(found, name).hint}"
    assert all(each.hint for each in found.checks if each.status is not Health.OK)


def test_every_service_that_does_not_answer_is_named(tmp_path: Path) -> None:
    found = looked_at(tmp_path, BOTH)
    assert not_ok(found) == dict.fromkeys(("clock", "table", "index", "images", "backups"), Health.BROKEN)
    assert found.target is not None


def test_what_is_no_opensearch_is_not_asked_for_more(tmp_path: Path) -> None:
    with stub(lambda asked: Answer(body=b'{"hello": "world"}')) as other:
        found = looked_at(tmp_path, BOTH | {"OPENSEARCH_ENDPOINT": other.url})
    assert "not as OpenSearch" in of(found, "index").message
    assert {(asked.method, asked.path) for asked in other.asked} == {("GET", "/")}


def test_an_address_that_is_refused_keeps_the_others_from_being_asked(tmp_path: Path) -> None:
    with stub(lambda asked: Answer()) as other:
        found = looked_at(
            tmp_path, {"AWS_ENDPOINT_URL": other.url, "OPENSEARCH_ENDPOINT": "https://search.example.com"}
        )
    assert not_ok(found) == {"address-opensearch": Health.BROKEN}
    assert other.asked == []


def test_another_emulator_on_the_port_is_named_with_the_line_that_uses_it(tmp_path: Path) -> None:
    with stub(lambda asked: Answer(body=json.dumps({"services": {}}).encode())) as other:
        found = looked_at(tmp_path, {"TATTOO_DATA_AWS_PORT": str(other.port)})
        ours = looked_at(tmp_path, {"TATTOO_DATA_AWS_PORT": str(other.port)}, local=True)
    assert f"export AWS_ENDPOINT_URL=http://localhost:{other.port}" in of(found, "target").hint
    assert of(ours, "port-aws").status is Health.WARNING


def test_who_has_a_port_of_the_stack_is_named(tmp_path: Path, ports: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(ports["TATTOO_DATA_OPENSEARCH_PORT"])))
        taken.listen()
        found = looked_at(tmp_path, ports)
    assert not_ok(found) == {"port-opensearch": Health.WARNING}
    assert "is taken by" in of(found, "port-opensearch").message
    assert "TATTOO_DATA_OPENSEARCH_PORT" in of(found, "port-opensearch").hint


def test_a_home_that_cannot_be_written_does_not_hide_the_rest(tmp_path: Path, ports: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")
    found = looked_at(tmp_path, ports, {"TATTOO_DATA_HOME": str(tmp_path / "file" / "state")})
    assert not_ok(found) == {"home": Health.BROKEN}
    assert "TATTOO_DATA_HOME" in of(found, "home").hint
    assert of(found, "stack").status is Health.OK


@pytest.mark.parametrize(
    "error",
    [
        BadSetting(name="index", value="X", source="environment OPENSEARCH_INDEX", reason="it is no index name"),
        FileNotFoundError(2, "the working folder is gone"),
    ],
)
def test_settings_that_cannot_be_read_are_a_check_and_no_crash(error: Exception) -> None:
    def broken() -> Settings:
        raise error

    found = doctor(broken, Clock())
    assert not_ok(found) == {"settings": Health.BROKEN}
    assert of(found, "python").status is Health.OK
    assert of(found, "settings").hint


@pytest.mark.parametrize(
    ("needed", "status", "words"),
    [(None, Health.OK, "not installed: no moon"), ("moon", Health.BROKEN, "no_such_module is not installed")],
)
def test_an_extra_that_is_missing_is_broken_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, needed: str | None, status: Health, words: str
) -> None:
    monkeypatch.setattr(machine, "EXTRAS", {"moon": (("json", "no_such_module"), "moon")})
    (check,) = machine.extras(needed=needed)
    assert (check.status, words in check.message) == (status, True)
    assert "pip install 'tattoo-data[moon]'" in check.message + check.hint


def test_the_page_names_every_check() -> None:
    """Checks are named as they are made, or after the look that failed."""
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
    sources = [Path(module.__file__ or "").read_text("utf-8") for module in (machine, doctors)]
    named = {name for text in sources for name in re.findall(r"(?:\bid=|_safely\(|room\()\"([a-z-]+)\"", text)}
    assert len(named) > 12
    assert [name for name in sorted(named - {"extras"}) if f"`{name}`" not in page] == []
