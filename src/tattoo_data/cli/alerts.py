"""What the commands of alerts and reports share: the ledger of a target that nobody is asked for, and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tattoo_data.cli.options import Invocation

if TYPE_CHECKING:
    from tattoo_data.monitoring.alert import Alert, Severity
    from tattoo_data.monitoring.remember import Remembered
    from tattoo_data.settings import Settings

_SEVERITIES = ("critical", "warning", "info")


@contextmanager
def remembered(invocation: Invocation) -> Iterator[Remembered]:
    """What is kept of the invocation's target. No store is asked."""
    from tattoo_data.cli.trace import print_settings
    from tattoo_data.monitoring.remember import remembering

    settings = invocation.settings
    if settings.debug:
        print_settings(settings)
    with remembering(settings, invocation.clock, invocation.output.say) as kept:
        yield kept


def envelope(invocation: Invocation, **fields: Any) -> dict[str, Any]:
    """The JSON document of a result: command, elapsed seconds and target first."""
    return {
        "command": invocation.command,
        "elapsedSeconds": invocation.elapsed(),
        "target": target_document(invocation.settings),
        **fields,
    }


def target_document(settings: Settings) -> dict[str, object]:
    """The target as settings and state folder tell it; an address that nobody knows without asking is None."""
    from tattoo_data import stack

    named = settings.target()
    aws, s3, search = named.dynamodb or None, named.s3 or None, named.opensearch
    if named.embedded:
        options = stack.Options(
            home=settings.home, aws_port=settings.stack_aws_port, opensearch_port=settings.stack_opensearch_port
        )
        servers = stack.running(options)
        aws = s3 = servers.aws_endpoint if servers else None
        search = servers.opensearch_endpoint if servers else None
    return {
        "awsEndpoint": aws,
        "s3Endpoint": s3,
        "opensearchEndpoint": search,
        "region": settings.region,
        "table": settings.table,
        "index": settings.index,
        "imageBucket": settings.image_bucket,
        "backupBucket": settings.backup_bucket,
        "embedded": named.embedded,
    }


def severity_of(name: str | None) -> Severity | None:
    """The severity of that name, None where none was given. Raises `UnknownChoice`."""
    from tattoo_data.errors import UnknownChoice
    from tattoo_data.monitoring.alert import Severity

    if name is None:
        return None
    if name.lower() not in _SEVERITIES:
        raise UnknownChoice(kind="severity", name=name, known=_SEVERITIES)
    return Severity(name.lower())


def severities(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the shell offers for a severity."""
    return [CompletionItem(name) for name in _SEVERITIES if name.startswith(incomplete)]


def show_alerts(invocation: Invocation, alerts: Sequence[Alert]) -> None:
    """Print alerts as a table."""
    rows = [_row(invocation, alert) for alert in alerts]
    invocation.output.table(["id", "severity", "cause", "since", "lasted", "now", "what"], rows)


def _row(invocation: Invocation, alert: Alert) -> list[str]:
    from tattoo_data.clock import timestamp
    from tattoo_data.monitoring.interval import span
    from tattoo_data.monitoring.report import lasted

    now = "open" if alert.is_open else "cleared" if alert.cleared else "closed"
    if alert.acknowledged_by and alert.is_open:
        now = f"acknowledged by {alert.acknowledged_by}"
    return [
        str(alert.id),
        alert.severity.value,
        alert.cause,
        f"{timestamp(alert.opened_at)[:19]}Z",
        span(lasted(alert, invocation.clock.now())),
        now,
        alert.message + (" (test)" if alert.test else ""),
    ]
