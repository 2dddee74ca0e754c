"""The wheel as a stranger installs it: built, compared with the sources, installed into an empty environment with its
extras, and made to do the main job far from the repository."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tattoo_data"
UV = Path(sys.executable).parent / "uv"
#: What a sdist must have beside the package, so that it can be tested and built from.
BESIDE = (
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "Makefile",
    "Dockerfile",
    "docker-compose.local.yml",
    "docker/npm",
    "package.json",
    "tools/npm.sh",
    "requirements.lock",
    "tests/conftest.py",
    "docs/python.md",
)


def main() -> None:
    """Build, look, install, run. Ends with 1 and the reason where something is not as it must be."""
    with tempfile.TemporaryDirectory(prefix="tattoo-data-wheel-") as folder:
        place = Path(folder)
        wheel = build(place / "dist")
        bin_folder = install(wheel, place / "venv")
        work(bin_folder, place)
    print(f"{wheel.name}: complete, installs by itself, resets and answers.")


def build(dist: Path) -> Path:
    """The wheel, built from the sdist, so that both are whole; its files are those of the package."""
    run([UV, "build", "--quiet", "--out-dir", dist, ROOT])
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    require(not set(BESIDE) - held, f"the sdist lacks {sorted(set(BESIDE) - held)}")
    files = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    require(files == packed, f"the wheel and the package differ in {sorted(files ^ packed)}")
    return wheel


def install(wheel: Path, venv: Path) -> Path:
    """An environment with nothing but the wheel, its dependencies and its extras; returns its folder of programs."""
    run([UV, "venv", "--quiet", "--python", sys.executable, venv])
    versions = ("-c", ROOT / "requirements.lock")
    run([UV, "pip", "install", "--quiet", "--python", venv, *versions, f"{wheel}[local,web]"])
    return venv / "bin"


def work(programs: Path, place: Path) -> None:
    """The main job, in an empty folder with an empty home; the stack is stopped whatever happens."""
    tool = programs / "tattoo-data"
    home = place / "home"
    home.mkdir()
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "TATTOO_DATA_HOME": str(home / "state"),
        "TATTOO_DATA_AWS_PORT": str(free_port()),
        "TATTOO_DATA_OPENSEARCH_PORT": str(free_port()),
    }
    version = run([programs / "python", "-c", "import tattoo_data; print(tattoo_data.__version__)"], environment, home)
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]:
        require(version.strip() in run([programs / name, "--version"], environment, home), f"{name} --version")
    require("reset" in run([tool, "--help"], environment, home), "--help lists no reset")
    try:
        run([tool, "reset", "fresh", "--local"], environment, home)
        status = json.loads(run([tool, "status", "--local", "--json"], environment, home))
        require(status["state"] == "fresh" and status["consistent"], f"status says {status}")
        run([tool, "validate", "all", "--local", "--html", home / "report.html"], environment, home)
        run([tool, "monitor", "check", "--local"], environment, home)
        run([tool, "doctor", "--local"], environment, home)
    finally:
        run([tool, "stack", "down"], environment, home)


def run(command: list[object], environment: Mapping[str, str] | None = None, cwd: Path = ROOT) -> str:
    """Run a command to its end and return what it said; ends with 1 where it fails."""
    words = list(map(str, command))
    done = subprocess.run(words, env=environment or os.environ, cwd=cwd, capture_output=True, text=True)
    require(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def require(holds: bool, words: str) -> None:
    """End with 1 and these words, unless it holds."""
    if not holds:
        sys.exit(f"wheel: {words}")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
