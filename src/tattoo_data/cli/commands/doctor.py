"""`doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tattoo_data.cli.options import Invocation, common

if TYPE_CHECKING:
    from tattoo_data.stores.wire import Trace
    from tattoo_data.views.doctor import Diagnosis

EPILOG = """\b
Touches: nothing; it starts no stack, and sends nothing to an address that is refused.

\b
Example:
  tattoo-data doctor
  tattoo-data doctor --json | jq -r '.checks[] | select(.status != "ok") | .hint'

\b
Exit status:
  0  nothing is broken; there may be warnings
  4  something is broken
"""
_BROKEN = 4


@click.command("doctor", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Check that everything is there and right, and say what to type.

    Python, extras, settings, credentials, addresses, the local stack, every store, clocks, locks, interrupted runs,
    table against index, the file of alerts and history, and room on the disk.
    """
    from tattoo_data.monitoring.kept import kept
    from tattoo_data.views.doctor import doctor
    from tattoo_data.views.machine import Health

    found = doctor(lambda: invocation.settings, invocation.clock, _trace(invocation), kept)
    if invocation.output.json:
        invocation.output.document(_document(invocation, found))
    else:
        _show(invocation, found)
    return _BROKEN if found.count(Health.BROKEN) else 0


def _trace(invocation: Invocation) -> Trace | None:
    from tattoo_data.cli.trace import print_settings, tracer

    try:
        settings = invocation.settings
    except Exception:  # noqa: BLE001  what is wrong with them is one of the checks
        return None
    if not settings.debug:
        return None
    print_settings(settings)
    return tracer()


def _document(invocation: Invocation, found: Diagnosis) -> dict[str, Any]:
    from tattoo_data.views.machine import Health

    return {
        "command": invocation.command,
        "elapsedSeconds": invocation.elapsed(),
        "target": found.target.document() if found.target else None,
        "summary": {health.value: found.count(health) for health in Health},
        "checks": [
            {"id": each.id, "status": each.status.value, "message": each.message, "hint": each.hint or None}
            for each in found.checks
        ],
    }


def _show(invocation: Invocation, found: Diagnosis) -> None:
    from tattoo_data.views.machine import Health

    for each in found.checks:
        if invocation.output.quiet and each.status is Health.OK:
            continue
        invocation.output.line(f"{each.status.value:8} {each.id:18} {' '.join(each.message.split())}")
        if each.hint:
            invocation.output.line(f"{'':27} -> {each.hint}")
    broken, warnings = found.count(Health.BROKEN), found.count(Health.WARNING)
    invocation.output.line(f"{len(found.checks)} checks: {broken} broken, {warnings} to look at.")
