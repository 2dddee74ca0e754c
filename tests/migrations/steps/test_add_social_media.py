"""Social media: every form of handle and address, where each belongs, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tattoo_data.migrations.step import Fields
from tattoo_data.migrations.steps import add_social_media as step
from tests.migrations.steps.records import CONTEXT, exact, hold_laws, records

NOTHING: dict[str, Any] = dict.fromkeys(["instagram", "facebook", "twitter", "tiktok", "website"])
ADA = "https://www.instagram.com/ada.brown"


def media(record: Fields) -> Any:
    return step.up(dict(record), CONTEXT)["socialMedia"]


@pytest.mark.parametrize(
    ("handle", "address"),
    [
        ("ada.brown", ADA),
        ("@ada.brown", ADA),
        (" ada.brown ", ADA),
        ("Ada_Brown", "https://www.instagram.com/Ada_Brown"),
        ("x" * 30, f"https://www.instagram.com/{'x' * 30}"),
        ("x" * 31, None),
        ("ada brown", None),
        ("ada-brown", None),
        ("...", None),
        ("@", None),
        ("", None),
        ("åda", None),
        ("ada\n", "https://www.instagram.com/ada"),
        (ADA, ADA),
        ("instagram.com/ada.brown", "https://instagram.com/ada.brown"),
        ("instagram.com", None),
        (7, None),
        (None, None),
        (b"ada", None),
        ({"ada"}, None),
    ],
    ids=repr,
)
def test_a_handle_is_an_address_on_instagram(handle: Any, address: str | None) -> None:
    assert media({"instagramHandle": handle}) == NOTHING | {"instagram": address}


@pytest.mark.parametrize(
    ("contact", "wanted"),
    [
        ({}, {}),
        ({"instagram": ADA}, {"instagram": ADA}),
        ({"instagram": "@ada.brown"}, {"instagram": ADA}),
        ({"instagram": "HTTPS://Instagram.com/ada"}, {"instagram": "HTTPS://Instagram.com/ada"}),
        ({"instagram": f"{ADA}?igsh=1"}, {"instagram": f"{ADA}?igsh=1"}),
        ({"instagram": "ada brown on insta"}, {}),
        ({"facebook": "https://m.facebook.com/ada"}, {"facebook": "https://m.facebook.com/ada"}),
        ({"facebook": "ada.brown.ink"}, {"facebook": "https://www.facebook.com/ada.brown.ink"}),
        ({"facebook": "Ada Brown Tattoos"}, {}),
        ({"facebook": "ada"}, {}),
        ({"twitter": "@ada_b"}, {"twitter": "https://x.com/ada_b"}),
        ({"twitter": "twitter.com/ada_b"}, {"twitter": "https://twitter.com/ada_b"}),
        ({"twitter": "ada.brown"}, {}),
        ({"twitter": "https://t.co/ada"}, {"twitter": "https://t.co/ada"}),
        ({"tiktok": "@ada.brown"}, {"tiktok": "https://www.tiktok.com/@ada.brown"}),
        ({"tiktok": "https://www.tiktok.com/@ada"}, {"tiktok": "https://www.tiktok.com/@ada"}),
        ({"website": "https://ada.example.com"}, {"website": "https://ada.example.com"}),
        ({"website": "http://localhost:3000/ada"}, {"website": "http://localhost:3000/ada"}),
        ({"website": "ada.example.com/work"}, {"website": "https://ada.example.com/work"}),
        ({"website": "www.ada.example.com"}, {"website": "https://www.ada.example.com"}),
        ({"website": "https://bücher.example.com"}, {"website": "https://bücher.example.com"}),
        ({"website": "@ada"}, {}),
        ({"website": "ada@example.com"}, {}),
        ({"website": "javascript:alert(1)"}, {}),
        ({"website": "ftp://ada.example.com"}, {}),
        ({"website": "http://["}, {}),
        ({"website": "https://"}, {}),
        ({"website": "none"}, {}),
        ({"website": ""}, {}),
        ({"website": None, "facebook": 7, "twitter": ["@ada"], "tiktok": {"@ada"}}, {}),
        ({"email": "ada@example.com", "phone": "07700 900113"}, {}),
        # A host says where an address belongs.
        ({"website": ADA}, {"instagram": ADA}),
        ({"website": "www.facebook.com/ada"}, {"facebook": "https://www.facebook.com/ada"}),
        ({"website": "https://x.com/ada"}, {"twitter": "https://x.com/ada"}),
        ({"website": "https://vm.tiktok.com/ZM1"}, {"tiktok": "https://vm.tiktok.com/ZM1"}),
        ({"facebook": ADA}, {"instagram": ADA}),
        ({"facebook": "https://ada.example.com"}, {"facebook": "https://ada.example.com"}),
        ({"website": "https://notinstagram.com/ada"}, {"website": "https://notinstagram.com/ada"}),
        ({"website": "https://instagram.com.example.com/a"}, {"website": "https://instagram.com.example.com/a"}),
        ({"website": "https://ada.example.com/?at=x.com/ada"}, {"website": "https://ada.example.com/?at=x.com/ada"}),
        ({"website": "https://www.instagram.com/"}, {}),
        ({"website": "https://www.instagram.com"}, {}),
        # What is called as it belongs comes first.
        ({"website": "https://x.com/other", "twitter": "ada_b"}, {"twitter": "https://x.com/ada_b"}),
        ({"instagram": "https://x.com/ada", "twitter": "@ada_b"}, {"twitter": "https://x.com/ada_b"}),
    ],
    ids=repr,
)
def test_contacts_give_addresses(contact: Fields, wanted: Fields) -> None:
    assert media({"contactInfo": contact}) == NOTHING | wanted


def test_the_handle_comes_before_the_contact() -> None:
    record = {"instagramHandle": "ada.brown", "contactInfo": {"instagram": "other", "website": "instagram.com/third"}}
    assert media(record) == NOTHING | {"instagram": ADA}
    assert media({**record, "instagramHandle": "no handle"})["instagram"] == "https://www.instagram.com/other"


@pytest.mark.parametrize("contact", [None, "ada", [{"website": "https://ada.example.com"}], 7, {"ada"}], ids=repr)
def test_a_contact_of_another_type_says_nothing(contact: Any) -> None:
    assert media({"contactInfo": contact}) == NOTHING


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (None, NOTHING | {"instagram": ADA}),
        ({}, NOTHING | {"instagram": ADA}),
        ({"instagram": None}, NOTHING),
        ({"instagram": "mine", "twitter": 7}, NOTHING | {"instagram": "mine", "twitter": 7}),
        ({"mastodon": {"@ada"}}, NOTHING | {"instagram": ADA, "mastodon": {"@ada"}}),
        ("@ada", "@ada"),
        (["@ada"], ["@ada"]),
        (False, False),
    ],
    ids=repr,
)
def test_social_media_that_is_there_keeps_its_members(there: Any, wanted: Any) -> None:
    assert exact(media({"instagramHandle": "ada.brown", "socialMedia": there})) == exact(wanted)


@given(records())
def test_it_keeps_the_laws(record: Fields) -> None:
    after = hold_laws(step.up, step.WRITES, record)["socialMedia"]
    before = record.get("socialMedia")
    if isinstance(before, dict):
        assert exact({name: after[name] for name in before}) == exact(before)
        assert after.keys() == before.keys() | NOTHING.keys()
    elif before is None:
        assert after.keys() == NOTHING.keys()
        assert all(value is None or value.startswith(("http://", "https://")) for value in after.values())
    else:
        assert exact(after) == exact(before)
