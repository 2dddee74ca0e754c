#!/bin/sh
# Runs a command for the scripts of package.json: the one in this folder's .venv, else the one that is installed.
set -eu
PATH="$(dirname "$0")/../.venv/bin:$PATH"
if ! command -v "$1" >/dev/null; then
    printf 'error: %s is not installed\n\nhint: `make demo` installs it into .venv; or: pip install "tattoo-data[local]"\n' "$1" >&2
    exit 127
fi
# npm keeps an option that stands before `--` for itself; a dry run must not become a real one by that.
if [ "${npm_config_dry_run:-}" = true ]; then
    set -- "$@" --dry-run
fi
exec "$@"
