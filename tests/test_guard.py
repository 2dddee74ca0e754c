"""The guard: every spelling of an address that could be another than it looks."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from tattoo_data import guard
from tattoo_data.errors import StoreUnreachable, TargetNotAllowed

#: What the names of these tests resolve to; every other name does not resolve.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localstack": ["172.18.0.2"],
    "dynamo": ["10.0.0.7"],
    "public-name": ["93.184.216.34"],
    "two-minds": ["127.0.0.1", "93.184.216.34"],
    "link": ["169.254.169.254"],
    "mapped": ["::ffff:127.0.0.1"],
    "mapped-public": ["::ffff:8.8.8.8"],
    "host.docker.internal": ["192.168.65.2"],
    "nothing": [],
    "broken": ["no address"],
    "api.localhost": ["127.0.0.1"],
    "evil.localhost": ["8.8.8.8"],
    "localhost.localstack.cloud": ["127.0.0.1"],
    "s3.localhost.localstack.cloud": ["127.0.0.1"],
    "away.localstack.cloud": ["8.8.8.8"],
    "metadata.localstack.cloud": ["169.254.169.254"],
    "dynamodb.eu-west-2.amazonaws.com": ["52.94.15.1"],
    "vpce-1.dynamodb.eu-west-2.vpce.amazonaws.com": ["10.1.2.3"],
    "search-x.eu-west-2.es.amazonaws.com": ["10.1.2.4"],
    "abc.lambda-url.eu-west-2.on.aws": ["10.1.2.5"],
    "dynamodb.eu-west-2.api.aws": ["10.1.2.6"],
    "db.company.example": ["10.9.9.9"],
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "localhost.evil.example": ["127.0.0.1"],
    "public.example": ["93.184.216.34"],
}


def resolve(host: str) -> Sequence[str]:
    if host not in NAMES:
        raise OSError(f"{host} is not known")
    return NAMES[host]


LOCAL = [
    "http://127.0.0.1:4566",
    "http://127.0.0.1",
    "http://127.1.2.3:80",
    "http://10.0.0.1:9200",
    "http://172.16.0.1",
    "http://172.31.255.255",
    "http://192.168.1.1:1",
    "http://[::1]:4566",
    "http://[fc00::1]",
    "http://[fd12:3456::1]:9200",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]:4566",
    "http://[::ffff:10.0.0.1]",
    "http://localhost:4566",
    "http://LocalHost:4566",
    "http://localhost.:4566",
    "https://localhost",
    "http://localstack:4566",
    "http://dynamo:8000",
    "http://mapped:1",
    "http://host.docker.internal:4566",
    "http://api.localhost:3000",
    "http://unknown.localhost:3000",
    "http://localhost.localstack.cloud:4566",
    "http://s3.localhost.localstack.cloud:4566",
]
REFUSED = [
    # Public and special literals
    "http://8.8.8.8",
    "http://93.184.216.34:4566",
    "http://172.15.0.1",
    "http://172.32.0.1",
    "http://192.169.0.1",
    "http://100.64.0.1",
    "http://169.254.169.254",
    "http://0.0.0.0:4566",
    "http://255.255.255.255",
    "http://224.0.0.1",
    "http://[::]",
    "http://[fe80::1]",
    "http://[fe80::1%25eth0]",
    "http://[2001:4860:4860::8888]",
    "http://[::ffff:8.8.8.8]",
    "http://[::ffff:169.254.169.254]",
    "http://[::127.0.0.1]",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
    "http://[ff02::1]",
    # Numbers that readers take for different addresses
    "http://2130706433",
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://127.0.1",
    "http://127.0.0.01",
    "http://017700000001",
    "http://134744072",
    "http://127.0.0.1.1",
    "http://256.0.0.1",
    "http://１２７.0.0.1",
    # Names that are not local, whatever they resolve to
    "http://public-name",
    "http://two-minds",
    "http://link",
    "http://mapped-public",
    "http://evil.localhost",
    "http://away.localstack.cloud",
    "http://metadata.localstack.cloud",
    "https://dynamodb.eu-west-2.amazonaws.com",
    "https://DynamoDB.eu-west-2.AmazonAWS.com.",
    "https://vpce-1.dynamodb.eu-west-2.vpce.amazonaws.com",
    "https://search-x.eu-west-2.es.amazonaws.com",
    "https://abc.lambda-url.eu-west-2.on.aws",
    "https://dynamodb.eu-west-2.api.aws",
    "http://db.company.example",
    "http://127.0.0.1.nip.io",
    "http://localhost.evil.example",
    "http://public.example",
    "http://localhost.localstack.cloud.evil.example",
    "http://notlocalstack.cloud",
    # URLs that hide where they go
    "http://127.0.0.1@8.8.8.8",
    "http://localhost:4566@public.example",
    "http://user:password@localhost:4566",
    "http://localhost\\@public.example",
    "http://localhost%2f@public.example",
    "http://local host",
    "http://localhost\t:4566",
    "http://localhost\n.evil.example",
    "http://loc%61lhost",
    "http://ⓛocalhost",
    "http://xn--lcalhost-54a\u200b",
    "http://",
    "http://:4566",
    "http://localhost:99999",
    "http://localhost:port",
    "http://-bad-",
    "http://a..b",
    "http://[::1",
    "ftp://localhost",
    "file:///etc/passwd",
    "//localhost",
    "localhost:4566",
    "",
]


@pytest.mark.parametrize("url", LOCAL)
def test_local_addresses_pass(url: str) -> None:
    endpoint = guard.check(url, resolve=resolve)
    assert endpoint.local
    assert endpoint.addresses


@pytest.mark.parametrize("url", REFUSED)
def test_everything_else_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(TargetNotAllowed) as refused:
        guard.check(url, resolve=resolve)
    assert refused.value.exit_code == 15
    assert "password" not in str(refused.value)


def test_there_are_at_least_sixty_spellings() -> None:
    assert len({*LOCAL, *REFUSED}) == len(LOCAL) + len(REFUSED) >= 60


@pytest.mark.parametrize("url", ["http://nowhere", "http://nothing", "http://broken"])
def test_a_name_that_does_not_resolve_is_unreachable(url: str) -> None:
    with pytest.raises(StoreUnreachable):
        guard.check(url, resolve=resolve)


@pytest.mark.parametrize(
    "host",
    [
        "dynamodb.eu-west-2.amazonaws.com",
        "db.company.example",
        "public-name",
        "public.example",
        "8.8.8.8",
        "vpce-1.dynamodb.eu-west-2.vpce.amazonaws.com",
    ],
)
def test_a_name_in_the_settings_passes_and_is_not_local(host: str) -> None:
    endpoint = guard.check(f"https://{host}", allow=[host], resolve=resolve)
    assert not endpoint.local


def test_the_settings_name_a_host_in_any_case_and_with_a_dot() -> None:
    assert guard.check("https://DB.company.example.", allow=["db.Company.example"], resolve=resolve).port == 443


def test_naming_one_host_allows_no_other() -> None:
    for url in ("https://evil.public.example", "https://public.example.evil", "https://example"):
        with pytest.raises((TargetNotAllowed, StoreUnreachable)):
            guard.check(url, allow=["public.example"], resolve=resolve)


@pytest.mark.parametrize("url", ["http://link", "http://169.254.169.254", "http://metadata.localstack.cloud"])
def test_the_metadata_service_is_never_a_target(url: str) -> None:
    host = url.removeprefix("http://")
    with pytest.raises(TargetNotAllowed, match="never"):
        guard.check(url, allow=[host], resolve=resolve)


def test_a_connection_goes_to_the_address_that_was_checked() -> None:
    answers = iter([["127.0.0.1"], ["8.8.8.8"]])
    endpoint = guard.check("http://rebinding:4566", resolve=lambda host: next(answers))
    assert endpoint.addresses == ("127.0.0.1",)


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("http://localhost:4566/bucket/key?x=1", True),
        ("http://LOCALHOST:4566/", True),
        ("http://localhost:4567/", False),
        ("https://localhost:4566/", False),
        ("http://bucket.localhost:4566/", False),
        ("http://localhost:4566@evil/", False),
        ("http://localhost:bad/", False),
    ],
)
def test_what_a_client_built_is_compared_once_more(url: str, same: bool) -> None:
    endpoint = guard.check("http://localhost:4566", resolve=resolve)
    assert guard.same_target(endpoint, url) is same


def test_the_url_is_kept_in_its_normal_form() -> None:
    assert guard.check("HTTP://LocalHost:4566/", resolve=resolve).url == "http://localhost:4566"
    assert guard.check("http://[::1]:1/opensearch/x/", resolve=resolve).url == "http://[::1]:1/opensearch/x"


def test_the_first_address_that_takes_a_connection_is_used() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        endpoint = guard.check(f"http://two:{port}", resolve=lambda host: ["127.0.0.2", "127.0.0.1"])
        with guard.connect(endpoint, 5) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)
    with pytest.raises(ConnectionRefusedError):
        guard.connect(endpoint, 5)


@pytest.mark.parametrize(
    ("host", "aws"),
    [("search-x.eu-west-2.es.amazonaws.com", True), ("x.on.aws", True), ("amazonaws.com.example", False)],
)
def test_the_names_of_aws(host: str, aws: bool) -> None:
    assert guard.is_aws(host) is aws
