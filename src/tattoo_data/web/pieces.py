"""Pieces: what several parts of the dashboard are made of."""

from __future__ import annotations

from tattoo_data.monitoring.sample import Health
from tattoo_data.web.html import Html, fill
from tattoo_data.web.words import count

_MARK = '<path class="mark" d="{}"/>'
_ICONS = {
    "good": '<circle cx="8" cy="8" r="7"/>' + _MARK.format("M4.6 8.3l2.3 2.3 4.5-4.8"),
    "warn": '<path d="M8 1.2 15.3 14.4H.7z"/>' + _MARK.format("M8 6v4M8 12.2v.1"),
    "bad": '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z"/>'
    + _MARK.format("M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"),
    "calm": '<circle cx="8" cy="8" r="7"/>' + _MARK.format("M8 7.3v4M8 4.8v.1"),
}
TONES = {Health.HEALTHY: "good", Health.DEGRADED: "warn", Health.UNHEALTHY: "bad"}


def pill(tone: str, text: str) -> Html:
    """A mark that says how something is by its form, its colour and its words."""
    icon = Html(f'<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{_ICONS[tone]}</svg>')
    return fill('<span class="pill {tone}">{icon}{text}</span>', tone=tone, icon=icon, text=text)


def quiet(text: str) -> Html:
    """A remark, where there is nothing to show."""
    return fill('<p class="quiet">{text}</p>', text=text)


def more(total: int, shown: int, tag: str, command: str = "") -> Html:
    """How many of a list are not on the page, and the command that lists all."""
    if total <= shown:
        return Html()
    how = fill(" (<code>{command}</code> lists all)", command=command) if command else Html()
    return fill(
        '<{tag} class="more quiet">and {number} more{how}</{tag}>', tag=Html(tag), number=count(total - shown), how=how
    )
