"""`python -m tools.validation_doc`: write the tables of rules into docs/validation.md from the code."""

from __future__ import annotations

from pathlib import Path

from tattoo_data.validation.rules.every import markdown

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
_BEGIN, _END = "<!-- rules -->\n", "<!-- end -->"


def current(page: str) -> str:
    """The page with the tables as the code has them."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{markdown()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(current(PAGE.read_text("utf-8")), "utf-8")
