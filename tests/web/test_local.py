"""Local requests: which are let in, and what every answer forbids."""

from __future__ import annotations

import pytest

from tattoo_data.web.live import Live
from tattoo_data.web.local import refusal
from tests.web import examples
from tests.web.client import OURS, Client, client_of


def _client() -> Client:
    return client_of(Live(examples.unhealthy(), examples.INTERVAL, examples.clock_at(examples.NOW)))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", None),
        ("localhost:8321", None),
        ("LOCALHOST:1", None),
        ("127.0.0.1", None),
        ("127.0.0.1:8321", None),
        ("[::1]", None),
        ("[::1]:8321", None),
        ("", 421),
        ("example.com", 421),
        ("localhost.example.com", 421),
        ("evil.localhost", 421),
        ("127.0.0.1.nip.io", 421),
        ("127.0.0.2", 421),
        ("192.168.1.5:8321", 421),
        ("localhost:8321@example.com", 421),
        ("localhost:port", 421),
        ("localhost ", 421),
        ("localhost\n", 421),
        ("::1", 421),
        ("0.0.0.0:8321", 421),
    ],
)
def test_only_local_hosts_are_answered(host: str, status: int | None) -> None:
    found = refusal("GET", [host], None, None)
    assert (found[0] if found else None) == status


@pytest.mark.parametrize("hosts", [[], ["localhost", "example.com"], ["localhost", "localhost"]])
def test_one_host_is_named(hosts: list[str]) -> None:
    assert (refusal("GET", hosts, None, None) or (0,))[0] == 421


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        (None, None, None),
        (OURS, "same-origin", None),
        (OURS, None, None),
        (None, "none", None),
        ("HTTP://LOCALHOST:8321", None, None),
        ("http://localhost:9999", None, 403),
        ("https://localhost:8321", None, 403),
        ("http://127.0.0.1:8321", None, 403),
        ("http://localhost", None, 403),
        ("https://example.com", None, 403),
        ("null", None, 403),
        ("", None, 403),
        (None, "cross-site", 403),
        (None, "same-site", 403),
        (OURS, "cross-site", 403),
        (OURS, "same-site", 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_only_our_page_changes_anything(origin: str | None, site: str | None, status: int | None, method: str) -> None:
    found = refusal(method, ["localhost:8321"], origin, site)
    assert (found[0] if found else None) == status
    assert refusal("GET", ["localhost:8321"], origin, site) is None, "reading is kept apart by the browser"


def test_a_foreign_post_changes_nothing() -> None:
    client = _client()
    for headers in ({"Origin": "https://example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "example.com"}):
        refused = client.request("POST", "/api/alerts/7/acknowledge", headers)
        assert refused.status_code in (403, 421)
    assert client.get("/api/alerts").json()["alerts"][0]["acknowledgedAt"] is None
    assert client.post("/api/alerts/7/acknowledge", Origin=OURS).status_code == 200


@pytest.mark.parametrize("path", ["/", "/fragment", "/healthz", "/metrics", "/api/status", "/dashboard.js", "/nowhere"])
@pytest.mark.parametrize("host", ["localhost", "example.com"])
def test_every_answer_keeps_others_out(path: str, host: str) -> None:
    headers = _client().get(path, Host=host).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    ours = path.endswith(".js") and host == "localhost"
    assert headers["cache-control"] == ("no-cache" if ours else "no-store")
