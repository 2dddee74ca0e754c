"""Entry points: `tattoo-data`, and the seed's utilities with exactly their verbs.

A command's module is imported only when that command runs, so that help and completion stay quick.
"""

from __future__ import annotations

import sys

from tattoo_data.cli import interrupted

try:
    import gc
    import importlib
    import os
    import threading
    from collections.abc import Mapping

    import click

    from tattoo_data import __version__
    from tattoo_data.cli import streams
    from tattoo_data.cli.failure import report
except KeyboardInterrupt:
    interrupted.end_at_start()

_PACKAGE = "tattoo_data.cli.commands"

#: name -> (module, its one line of help; a test compares it with the command's own)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "scenarios": ("scenarios", "List the scenarios, or save one from live data."),
    "seed": ("seed", "Add a scenario's records to the live stores."),
    "states": ("states", "List the reset states."),
    "reset": ("reset", "Make the live stores equal a reset state."),
    "clear": ("clear", "Empty the live stores, or one of them."),
    "undo": ("undo", "Take back what the last writing command did."),
    "redo": ("redo", "Take back the last undo."),
    "history": ("history", "List what was done to the live stores."),
    "backup": ("backup", "Keep all that the live stores hold as a backup."),
    "snapshot": ("snapshot", "Keep all that the live stores hold as a snapshot."),
    "restore": ("restore", "Make the live stores equal a snapshot or backup."),
    "snapshots": ("snapshots", "List the snapshots; `backups list` has the backups too."),
    "backups": ("backups", "List, check and remove backups and snapshots."),
    "export": ("export", "Write what the live stores hold to files."),
    "import": ("import_", "Make the live stores hold what files hold."),
    "validate": ("validate", "Check files and live stores against the rules."),
    "migrate": ("migrate", "Change the schema of table and index, and take it back."),
    "sync": ("sync", "Make table and index agree on every artist."),
    "monitor": ("monitor", "See what goes on in the stores: checks, alerts, reports, a dashboard."),
    "status": ("status", "Show what the live stores hold and which state that is."),
    "diff": ("diff", "Compare two states, entry by entry and field by field."),
    "why": ("why", "Show everything that is known of one record."),
    "with": ("with_", "Run a command on another state, and put the stores back."),
    "integration-test": ("integration_test", "Check that all utilities work together here."),
    "doctor": ("doctor", "Check that everything is there and right, and say what to type."),
    "stack": ("stack", "Start, stop and inspect the local servers."),
    "config": ("config", "Print every setting and where it came from."),
    "env": ("env", "Print the application's environment variables for this target."),
    "completion": ("completion", "Print the shell's completion script."),
}
SELECTIVE_SEEDER: Mapping[str, tuple[str, str]] = {
    "list": ("scenarios", "List the scenarios."),
    "seed": COMMANDS["seed"],
}
DATA_RESET: Mapping[str, tuple[str, str]] = {
    "list": COMMANDS["states"],
    "reset": COMMANDS["reset"],
    "snapshot": COMMANDS["snapshot"],
    "restore": COMMANDS["restore"],
    "validate": ("validate_all", "Check everything: catalogue, table, index, and that they agree."),
    "clear": COMMANDS["clear"],
}
DATA_MANAGER: Mapping[str, tuple[str, str]] = {
    "export": COMMANDS["export"],
    "import": COMMANDS["import"],
    "backup": COMMANDS["backup"],
    "restore": COMMANDS["restore"],
    "list-backups": ("list_backups", "List the backups and snapshots that can be restored."),
}
DATA_VALIDATOR: Mapping[str, tuple[str, str]] = {
    "files": ("validate_files", "Check files of records."),
    "database": ("validate_database", "Check the records of the table and its structure."),
    "opensearch": ("validate_opensearch", "Check the documents of the index and its mapping."),
    "consistency": ("validate_consistency", "Check that table, index and images agree, on every field."),
    "all": DATA_RESET["validate"],
}
DATA_MIGRATION_UTILITY: Mapping[str, tuple[str, str]] = {
    "list": ("migrate_list", "List the migrations, and what each has still to do."),
    "run": ("migrate_run", "Run one migration over table and index."),
    "run-all": ("migrate_run_all", "Run every migration in the order of versions; stop at the first that fails."),
    "validate": ("migrate_validate", "Check that table and index are as the migrations promise."),
    "rollback": ("migrate_rollback", "Put back what a migration changed, field by field."),
}
DATA_MONITORING_UTILITY: Mapping[str, tuple[str, str]] = {
    "check": ("monitor_check", "Check once how the stores are, and whether table and index agree."),
    "monitor": ("monitor_watch", "Check the stores again and again, until Ctrl-C."),
    "report": ("monitor_report", "Tell how the stores did: uptime, response times, counts, alerts."),
    "alerts": ("monitor_alerts", "List the alerts of this target, the worst first."),
    "clear-alerts": ("monitor_clear_alerts", "Close the open alerts of this target, or those of one severity."),
    "test-alerts": ("monitor_test_alerts", "Raise an alert of each severity, and check that it arrives."),
}
DATA_SYNC_UTILITY: Mapping[str, tuple[str, str]] = {
    "dynamo-to-os": ("sync_dynamo_to_os", "Make the index hold what the table's artists say."),
    "os-to-dynamo": ("sync_os_to_dynamo", "Make the table hold what the index's artists say."),
    "detect-conflicts": (
        "sync_detect_conflicts",
        "Show on which artists table and index disagree, and who changed what since the last sync point.",
    ),
    "resolve-conflicts": ("sync_resolve_conflicts", "Decide on every artist on whom table and index disagree."),
    "sync-point": ("sync_sync_point", "Keep what table and index hold now, to tell later who changed what."),
    "validate-sync-point": ("sync_validate_sync_point", "Check a sync point, and show what changed since."),
}
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(click.Group):
    """A group that knows its commands' names and lines of help without importing them."""

    def __init__(self, table: Mapping[str, tuple[str, str]], name: str, text: str) -> None:
        super().__init__(name=name, help=text, context_settings=_CONTEXT)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported now."""
        if cmd_name not in self._table:
            return None
        command: click.Command = importlib.import_module(f"{_PACKAGE}.{self._table[cmd_name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` name; a name that is not known is answered with the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in self._table:
            from tattoo_data.errors import UnknownChoice

            raise UnknownChoice(kind="command", name=args[0], known=self._table)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])


def _group(name: str, table: Mapping[str, tuple[str, str]], text: str) -> LazyGroup:
    group = LazyGroup(table, name, text)
    return click.version_option(__version__, prog_name=name)(group)


def main() -> None:
    """`tattoo-data`."""
    _run("tattoo-data", COMMANDS, "Put the Tattoo Directory's local DynamoDB, OpenSearch and S3 into a known state.")


def selective_seeder() -> None:
    """`selective-seeder`: scenarios for specific test cases."""
    _run("selective-seeder", SELECTIVE_SEEDER, "Seed a scenario for a specific test case.")


def data_validator() -> None:
    """`data-validator`: files and live stores held against the rules."""
    _run("data-validator", DATA_VALIDATOR, "Check files and live stores against the rules.")


def data_reset() -> None:
    """`data-reset`: known states."""
    _run("data-reset", DATA_RESET, "Reset the local environment to a known state.")


def data_migration_utility() -> None:
    """`data-migration-utility`: changes of the schema."""
    _run("data-migration-utility", DATA_MIGRATION_UTILITY, "Change the schema of table and index, and take it back.")


def data_monitoring_utility() -> None:
    """`data-monitoring-utility`: checks, alerts and reports."""
    _run("data-monitoring-utility", DATA_MONITORING_UTILITY, "See what goes on in the stores: checks, alerts, reports.")


def data_sync_utility() -> None:
    """`data-sync-utility`: table and index made to agree."""
    _run("data-sync-utility", DATA_SYNC_UTILITY, "Make table and index agree on every artist.")


def data_manager() -> None:
    """`data-manager`: data out to files and in again."""
    _run("data-manager", DATA_MANAGER, "Export and import data, back it up and restore it.")


def integration_test() -> None:
    """`integration-test`: everything tried out here. It has no verbs."""
    gc.disable()
    command = importlib.import_module(f"{_PACKAGE}.integration_test").command
    sys.exit(run(click.version_option(__version__, prog_name=command.name)(command), sys.argv[1:]))


def _run(name: str, table: Mapping[str, tuple[str, str]], text: str) -> None:
    # Starting reads much and throws nothing away; a sixth of its time would go into looking for garbage. It is
    # looked for once the stores are open (`Invocation.environment`).
    gc.disable()
    try:
        code = run(_group(name, table, text), sys.argv[1:])
    except KeyboardInterrupt:
        interrupted.end_at_start()
    if code == interrupted.EXIT_CODE and threading.active_count() > 1:
        os._exit(code)  # Python would wait for threads that are still at something, such as a step that hangs
    sys.exit(code)


def run(group: click.Command, arguments: list[str]) -> int:
    """Run a command line and return its exit code; every error is reported on stderr."""
    streams.open_streams()
    code, is_reported = _outcome(group, arguments)
    unwritten = streams.finish_stdout()
    if unwritten is not None and not isinstance(unwritten, BrokenPipeError) and not is_reported:
        code = report(streams.failed(unwritten), arguments)
    streams.finish_stderr()
    return code


def _outcome(group: click.Command, arguments: list[str]) -> tuple[int, bool]:
    """The exit code, and whether an error was reported."""
    try:
        code = group.main(args=arguments, prog_name=group.name, standalone_mode=False)
        return code if isinstance(code, int) else 0, False
    except BrokenPipeError:
        # The reader of stdout is gone; what is left in the buffer has nowhere to go.
        return 0, False
    except streams.StdoutFailed as error:
        return report(streams.failed(error), arguments), True
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the last one who can tell the user
        if isinstance(error, KeyboardInterrupt | click.Abort):
            _name_steps(arguments)
        return report(error, arguments), not isinstance(error, click.exceptions.Exit)


def _name_steps(arguments: list[str]) -> None:
    """Say which migrations were at which records when the command was interrupted: one may never end."""
    advance = sys.modules.get("tattoo_data.migrations.advance")
    if advance is not None and "--json" not in arguments:
        for words in advance.at_work():
            streams.say(f"note: interrupted was {words}\n")
