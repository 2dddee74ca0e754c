"""The guard: which addresses may be reached at all. Nothing is sent before a URL passed it.

Local is: loopback, the private ranges 10/8, 172.16/12, 192.168/16 and fc00::/7 as plain literals, names without a
dot, `*.localhost`, `host.docker.internal` and `*.localstack.cloud` where they resolve to nothing else. Every other
name must be named in the settings file, whatever it resolves to: a VPC endpoint of a production account resolves
to 10.x.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from tattoo_data.errors import StoreUnreachable, TargetNotAllowed

Address = IPv4Address | IPv6Address
#: Host name -> the IP addresses it resolves to, as text. Raises OSError where it does not.
Resolver = Callable[[str], Sequence[str]]

_LOCAL_V4 = tuple(map(IPv4Network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_LOCAL_V6 = tuple(map(IPv6Network, ("::1/128", "fc00::/7")))
_PORTS = {"http": 80, "https": 443}
#: The domains of AWS itself.
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_LOCAL_SUFFIXES = (".localhost", ".localstack.cloud")
#: What inet_aton would read as a number: 2130706433, 0x7f.1, 0177.0.0.1, 127.1
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL that passed: connections go to `addresses`, in this order, and to nothing else."""

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]
    local: bool


def system_resolver(host: str) -> list[str]:
    """What the machine's resolver says, IPv4 first: local servers rarely listen on ::1."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = {str(entry[4][0]) for entry in found}
    return sorted(addresses, key=lambda address: (":" in address, address))


def check(url: str, *, allow: Sequence[str] = (), resolve: Resolver = system_resolver) -> Endpoint:
    """Let a URL pass whose name and every address are local, or whose name is in `allow`.

    Raises `TargetNotAllowed` otherwise, and `StoreUnreachable` for a name that may pass but does not resolve.
    """
    parts = _split(url)
    host = _host(parts, url)
    named = host in {name.lower().rstrip(".") for name in allow}
    addresses = _addresses(host, resolve, named=named)
    local = all(_is_local(address) for address in addresses)
    if any(_is_never(address) for address in addresses):
        raise TargetNotAllowed(
            host=host,
            reason="a link-local or unspecified address is never a target",
            hint="Name another address: this one is refused whatever the settings allow.",
        )
    if not (local or named):
        raise TargetNotAllowed(host=host, reason=f"it resolves to {addresses[0]}")
    port = parts.port or _PORTS[parts.scheme]
    return Endpoint(
        url=_normal(parts.scheme, host, parts.port, parts.path),
        scheme=parts.scheme,
        host=host,
        port=port,
        addresses=tuple(map(str, addresses)),
        local=local and not (named and _must_be_named(host)),
    )


def same_target(endpoint: Endpoint, url: str) -> bool:
    """Whether `url`, as a client built it, still goes to the endpoint that was checked."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return False
    return (parts.scheme, (parts.hostname or "").lower(), port) == (endpoint.scheme, endpoint.host, endpoint.port)


def is_aws(host: str) -> bool:
    """Whether a host is one of AWS itself."""
    return host.endswith(_AWS_DOMAINS)


def connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    """A connection to the first of the checked addresses that takes one, whatever the name resolves to by now. Raises
    the OSError of the last."""
    failure: OSError | None = None
    for address in endpoint.addresses:
        try:
            return socket.create_connection((address, endpoint.port), timeout)
        except OSError as error:
            failure = error
    raise failure or OSError("it has no address")


def _split(url: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise TargetNotAllowed(host=repr(url), reason="it holds white space, control characters or backslashes")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise TargetNotAllowed(host=repr(url), reason=str(error)) from None
    if parts.scheme not in _PORTS:
        raise TargetNotAllowed(host=repr(url), reason="it is no http or https URL")
    return parts


def _host(parts: SplitResult, url: str) -> str:
    """The host in lower case; every spelling that another reader might take for another host is refused."""
    host = (parts.hostname or "").lower()
    if "@" in parts.netloc:
        raise TargetNotAllowed(host=host, reason="a user name before the host hides where a URL goes")
    if ":" in host:
        return str(_literal(host))
    host = host.removesuffix(".")
    if not host.isascii() or "%" in host:
        raise TargetNotAllowed(host=host, reason="only plain ASCII names are taken")
    if _NUMERIC.fullmatch(host):
        return str(_literal(host))
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise TargetNotAllowed(host=host or repr(url), reason="it is no host name")
    return host


def _literal(text: str) -> Address:
    if "%" in text:
        raise TargetNotAllowed(host=text, reason="an address with a zone is link-local")
    try:
        return ip_address(text)
    except ValueError:
        raise TargetNotAllowed(
            host=text, reason="it is a number that readers take for different addresses; write it as 127.0.0.1"
        ) from None


def _addresses(host: str, resolve: Resolver, *, named: bool) -> list[Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    if not named and _must_be_named(host):
        raise TargetNotAllowed(host=host, reason="a name with a dot is not local, whatever it resolves to")
    try:
        found = [ip_address(address.partition("%")[0]) for address in resolve(host)]
    except (OSError, ValueError, UnicodeError) as error:
        if host.endswith(".localhost"):  # RFC 6761: loopback, though many resolvers do not know it
            return [IPv4Address("127.0.0.1")]
        raise _unresolved(host, str(error)) from error
    if not found:
        raise _unresolved(host, "it has no address")
    return found


def _unresolved(host: str, reason: str) -> StoreUnreachable:
    return StoreUnreachable(
        service="the name", endpoint=host, reason=f"it does not resolve ({reason})", variable="The endpoint's variable"
    )


def _must_be_named(host: str) -> bool:
    """Whether a name counts as local only when the settings say so."""
    if _is_address(host):
        return not _is_local(ip_address(host))
    if "." not in host or host == "host.docker.internal":
        return False
    return not host.endswith(_LOCAL_SUFFIXES)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_local(address.ipv4_mapped)
        return any(address in network for network in _LOCAL_V6)
    return any(address in network for network in _LOCAL_V4)


def _is_never(address: Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    judged = mapped or address
    return judged.is_link_local or judged.is_unspecified or judged.is_multicast


def _normal(scheme: str, host: str, port: int | None, path: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" + (f":{port}" if port else "") + path.rstrip("/")
