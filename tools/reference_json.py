"""Reference of JSON: the fields of results, read from what makes them, with a word on each."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import tattoo_data.cli
from tattoo_data.cli.render import change_document
from tattoo_data.engine.make_equal import Change
from tattoo_data.engine.plan import Counts, Plan
from tattoo_data.engine.verify import Failure
from tattoo_data.environment import Target
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import StoreName
from tattoo_data.seeding.prove import Proof
from tattoo_data.validation.rule import Finding

#: What each field says; a field without words here fails the page.
WORDS: Mapping[str, str] = {
    "awsEndpoint": "where DynamoDB answers",
    "s3Endpoint": "where S3 answers",
    "opensearchEndpoint": "where OpenSearch answers",
    "region": "the AWS region",
    "table": "the table's name",
    "index": "the index's name",
    "imageBucket": "the bucket of images",
    "backupBucket": "the bucket of backups and runs",
    "embedded": "whether it is the embedded stack",
    "dryRun": "whether nothing was written, on demand",
    "changes": "for `table`, `index` and `images`: the counts below",
    "removed": "how many records went, by kind",
    "failures": "the records that failed or were left, each as below",
    "changedMeanwhile": "what somebody else wrote while the command ran: `store` and `key`",
    "fingerprintBefore": "the fingerprint of all stores before, null where it is not known",
    "fingerprint": "the same afterwards",
    "run": "the id that `undo` takes; null where nothing was written",
    "created": "entries that were not there",
    "replaced": "entries whose content changed",
    "deleted": "entries that went",
    "moved": "records that got another key",
    "unchanged": "entries that were right already",
    "failed": "entries that were not taken",
    "action": "`mend` (the structure), `create`, `replace` or `delete`",
    "store": "`table`, `index`, `images`, or `files` for a finding in a file",
    "key": "the table's key as JSON, the document's `_id`, the image's key, or the id of a file's record",
    "error": "an error's id, the store's own name for it, or `ChangedSince`",
    "message": "what is wrong, in words",
    "searches": "how many searches were asked",
    "records": "how many records were read back",
    "broken": "what is not as promised, in words; empty is good",
    "severity": "`error`, `warning` or `info`",
    "rule": "one of the [rules](rules.md)",
    "field": "a dotted path",
    "value": "the value that is wrong",
    "file": "of a file's record: the file",
    "line": "its line, or null",
    "pointer": "its place in the document (RFC 6901), or null",
    "id": "the error's id: [errors](errors.md)",
    "hint": "the next step, or empty",
    "exitCode": "the code that the command ends with",
    "details": "the values that the message is filled with",
}
#: What has no page of its own -> the file that makes its document, the function in it, and where more is said.
READ: Mapping[str, tuple[str, str, str]] = {
    "status": ("commands/status.py", "_document", ""),
    "history": ("commands/history.py", "envelope", ""),
    "each of `runs` of history": ("commands/history.py", "_document", ""),
    "diff": ("compared.py", "envelope", "backups.md#what-differs"),
    "backup, snapshot": ("backups.py", "envelope", "backups.md#in-the-backup-bucket"),
    "monitor alerts": ("commands/monitor_alerts.py", "envelope", "monitoring.md#alerts"),
    "sync detect-conflicts": ("commands/sync_detect_conflicts.py", "envelope", "sync.md#the-sync-point"),
}
#: Results whose fields a page documents.
PAGES: Mapping[str, str] = {
    "validate": "validation.md#what-comes-out",
    "monitor check": "monitoring.md#as-json",
    "monitor watch": "monitoring.md#watching",
    "monitor report": "monitoring.md#history-and-reports",
    "sync dynamo-to-os, os-to-dynamo": "sync.md#one-side-as-the-other-says",
    "sync sync-point, validate-sync-point": "sync.md#the-sync-point",
    "sync resolve-conflicts": "sync.md#strategies",
    "sync follow": "sync.md#following",
    "migrate": "migrations.md#json",
    "doctor": "doctor.md",
}
_INTRO = """# Results as JSON

With `--json` a command prints one document on stdout; an error is one on stderr. Endless commands print a document a
line, each with a `type`. Fields may be added, never renamed or removed.
"""
_CLI = Path(tattoo_data.cli.__file__).parent


def json_page() -> str:
    """The page of results as JSON."""
    lines = [_INTRO]
    for title, text, names in _blocks():
        lines += [f"## {title}", "", *([text, ""] if text else []), "| field | what it is |", "|---|---|"]
        lines += [*(f"| `{name}` | {WORDS[name]} |" for name in names), ""]
    lines += ["## Each command", "", "Besides `command`, `elapsedSeconds` and `target`:", ""]
    lines += ["| command | fields | said at |", "|---|---|---|"]
    for command, (file, function, page) in READ.items():
        lines.append(f"| {command} | {', '.join(f'`{name}`' for name in _fields(file, function))} | {_link(page)} |")
    lines += [f"| {command} | | {_link(page)} |" for command, page in PAGES.items()]
    return "\n".join(lines)


def _link(page: str) -> str:
    return f"[{page.partition('.')[0]}](../{page})" if page else ""


def _blocks() -> Iterator[tuple[str, str, Sequence[str]]]:
    common = (
        "Every result but that of `with`, whose stdout is its command's, has `command`, `elapsedSeconds` and `target`:"
    )
    yield "The target", common, list(_target().document())
    yield "What a writing command did", "Besides, every command that writes has:", list(change_document(_change()))
    yield "Counts", "", [each.name for each in fields(Counts)]
    yield "A failure", "", [each.name for each in fields(Failure)]
    proof = "`proof` of `seed` and `reset`; null where nothing was to be proven:"
    yield "A proof", proof, [each.name for each in fields(Proof)]
    plan = "`plan`, of a dry run. What a migration or a sync would do has more: their pages say what."
    yield "A step of a plan", plan, ["store", "action", "key"]
    yield "A finding", "`findings` of validations, syncs and checks:", list(_finding().document())
    error = TattooDataError(what="x").document()["error"]
    assert isinstance(error, dict)
    yield "An error", "", list(error)


def _target() -> Target:
    names = dict.fromkeys(("aws_endpoint", "s3_endpoint", "opensearch_endpoint", "region", "table", "index"), "")
    return Target(**names, image_bucket="", backup_bucket="", embedded=False, local=True)


def _change() -> Change:
    return Change(plan=Plan(stores={}), dry_run=True, counts={store: Counts() for store in StoreName})


def _finding() -> Finding:
    return Finding(severity="", rule="", store="", key="", field="", message="", file="x")


def _fields(file: str, function: str) -> list[str]:
    """The names that a file gives to its first call of `envelope`, and to `document` with it; or the keys of the dict
    that a function of the file returns. Raises StopIteration where there is no such function."""
    tree = ast.parse((_CLI / file).read_text("utf-8"))
    if function == "envelope":
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        first = next(node for node in calls if _name(node.func) == function)
        named = [first, *(node for node in calls if _name(node.func) == "document")]
        return list(dict.fromkeys(each.arg for node in named for each in node.keywords if each.arg))
    defined = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    returned = next(node.value for node in defined.body if isinstance(node, ast.Return))
    keys = returned.keys if isinstance(returned, ast.Dict) else ()
    return [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
