"""Give artists `socialMedia`, from the handles and addresses that the record holds.

It has `instagram`, `facebook`, `twitter`, `tiktok` and `website`, each an address, or null where nothing says it. That
of Instagram is made of `instagramHandle`, else taken from `contactInfo`; the others are taken from the members of
`contactInfo` that are called so. A member may be a full address, one without its scheme, or for a network an account's
name, with @ or without. An address goes where its host belongs, whatever it is called: a website on instagram.com is
taken for Instagram's, unless the record names another one. The front page of a network is nobody's address.

A `socialMedia` that is there keeps its members, null ones too, and gets those that it lacks. Null itself is as good as
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tattoo_data.migrations.step import Context, Fields

VERSION = "1.4.0"
WRITES = ("socialMedia",)
READS = ("instagramHandle", "contactInfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """A network: its hosts, the form of an account's name, and the address that such a name is put behind."""

    hosts: tuple[str, ...]
    account: str
    address: str

    def has(self, host: str) -> bool:
        return any(host == each or host.endswith(f".{each}") for each in self.hosts)


_NETWORKS: Mapping[str, _Network] = {
    "instagram": _Network(
        hosts=("instagram.com", "instagr.am"),
        account=r"(?=.*[A-Za-z0-9_])[A-Za-z0-9._]{1,30}",
        address="https://www.instagram.com/",
    ),
    "facebook": _Network(
        hosts=("facebook.com", "fb.com", "fb.me"),
        account=r"[A-Za-z0-9][A-Za-z0-9.]{4,49}",
        address="https://www.facebook.com/",
    ),
    "twitter": _Network(
        hosts=("twitter.com", "x.com"),
        account=r"[A-Za-z0-9_]{1,15}",
        address="https://x.com/",
    ),
    "tiktok": _Network(
        hosts=("tiktok.com",),
        account=r"(?=.*[A-Za-z0-9_])[A-Za-z0-9._]{2,24}",
        address="https://www.tiktok.com/@",
    ),
}
_MEMBERS = (*_NETWORKS, "website")
_FULL = re.compile(r"https?://(?P<host>[^\s/?#@:\[\]\\]+)(?::\d{1,5})?(?P<rest>[/?#]\S*)?", re.IGNORECASE)
_BARE = re.compile(r"(?P<host>(?:[\w-]+\.)+[^\W\d_]{2,})(?::\d{1,5})?(?P<rest>[/?#]\S*)?")


def up(record: Fields, context: Context) -> Fields:
    """The record with every member of its social media."""
    media = record.get("socialMedia", {})
    if media is None or isinstance(media, dict):
        record["socialMedia"] = _addresses(record) | (media or {})
    return record


def _addresses(record: Fields) -> dict[str, str | None]:
    found: dict[str, str | None] = dict.fromkeys(_MEMBERS)
    read = [(name, *place) for name, text in _said(record) if (place := _place(name, text))]
    # What is called as it belongs comes before what stands under another name.
    for _, network, address in sorted(read, key=lambda each: each[0] != each[1]):
        found[network] = found[network] or address
    return found


def _said(record: Fields) -> Iterator[tuple[str, str]]:
    """Everything that the record says, by what it is called there; the first of two comes first."""
    contact = record.get("contactInfo")
    members = contact if isinstance(contact, dict) else {}
    for name, value in (
        ("instagram", record.get("instagramHandle")),
        *((name, members.get(name)) for name in _MEMBERS),
    ):
        if isinstance(value, str):
            yield name, value.strip()


def _place(name: str, text: str) -> tuple[str, str] | None:
    """Where a text belongs, and the address that it gives; None where it gives none."""
    account = text.removeprefix("@")
    if name in _NETWORKS and re.fullmatch(_NETWORKS[name].account, account) and not _is_host(account.lower()):
        return name, _NETWORKS[name].address + account
    match = _FULL.fullmatch(text) or _BARE.fullmatch(text)
    if match is None:
        return None
    address = text if match.re is _FULL else f"https://{text}"
    network = _network_of(match["host"].lower())
    if network is None:
        # Without a scheme it may as well be a name that the network does not allow: ada.brown on Twitter.
        return (name, address) if match.re is _FULL or name == "website" else None
    return (network, address) if (match["rest"] or "").strip("/?#") else None


def _is_host(text: str) -> bool:
    """Whether what could be an account's name is rather an address."""
    return text.startswith("www.") or _network_of(text) is not None


def _network_of(host: str) -> str | None:
    return next((name for name, network in _NETWORKS.items() if network.has(host)), None)
