"""`validate WHAT`."""

from __future__ import annotations

import click

from tattoo_data.cli.commands import (
    validate_all,
    validate_consistency,
    validate_database,
    validate_files,
    validate_opensearch,
)
from tattoo_data.cli.validating import LIVE_EXIT, epilog


class _Group(click.Group):
    """A group that answers a name it does not know with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from tattoo_data.errors import UnknownChoice

            raise UnknownChoice(kind="thing to validate", name=args[0], known=self.commands)
        return super().resolve_command(ctx, args)


@click.group(
    "validate",
    cls=_Group,
    epilog=epilog("nothing.", "  tattoo-data validate all\n  tattoo-data validate files fixtures/", LIVE_EXIT),
)
def command() -> None:
    """Check files and live stores against the rules."""


for each in (validate_files, validate_database, validate_opensearch, validate_consistency, validate_all):
    command.add_command(each.command)
