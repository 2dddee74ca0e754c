"""The container files. No engine builds or runs them here: what they say is held against the repository and against the
document's words, compose reads its file, and the two programs of the image run as they are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.engines.install import EngineMissing, compose
from tests.engines.session import VARIABLE
from tests.system.test_npm import CALLED, install
from tests.system.test_seed_document import DOCUMENT

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
FILE = "docker-compose.local.yml"
#: What the document gives `data-seeder`, and where.
SEEDER = {
    "AWS_ENDPOINT_URL": "http://localstack:4566",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-2",
    "DYNAMODB_TABLE_NAME": "tattoo-directory-local",
    "OPENSEARCH_INDEX": "artists-local",
    "BACKUP_BUCKET": "tattoo-directory-backups",
}


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """The compose file as compose itself reads it: `docker-compose -f docker-compose.local.yml config`."""
    if shutil.which("docker-compose") is None and os.environ.get(VARIABLE) != "all":
        pytest.skip(f"docker-compose is not installed: {VARIABLE}=all installs it")
    try:
        program = compose()
    except EngineMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"docker-compose must run in CI: {error}", pytrace=False)
        pytest.skip(f"docker-compose cannot run here: {error}")
    done = subprocess.run(
        [program, "-f", FILE, "--profile", "tools", "config"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    read: dict[str, Any] = yaml.safe_load(done.stdout)
    return read


def variables(service: dict[str, Any]) -> dict[str, str]:
    """A service's variables, but for those that come from who calls."""
    return {name: value for name, value in service["environment"].items() if value is not None}


def test_compose_takes_the_file_and_the_seeder_has_the_documents_variables(config: dict[str, Any]) -> None:
    assert set(config["services"]) == {"localstack", "data-seeder"}
    seeder = config["services"]["data-seeder"]
    assert variables(seeder) == SEEDER
    assert seeder["depends_on"] == {"localstack": {"condition": "service_healthy"}}
    assert "command" not in seeder, "what stands after `run data-seeder` is the command"


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the document itself is not in a clone")
def test_these_are_the_documents_variables() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert dict(re.findall(r"- ([A-Z_]+)=(\S+)", block)) == SEEDER


def test_localstack_has_every_service_and_answers_on_loopback_only(config: dict[str, Any]) -> None:
    localstack = config["services"]["localstack"]
    assert set(variables(localstack)["SERVICES"].split(",")) == {"dynamodb", "dynamodbstreams", "s3", "opensearch"}
    assert all("127.0.0.1" in json.dumps(port) for port in localstack["ports"])


def copied() -> list[str]:
    """What the Dockerfile takes from the folder."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
    return [word for line in lines for word in line.split()[:-1] if not word.startswith("--")]


def test_the_image_is_made_of_what_is_there_and_is_let_in() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in ("#", "")]
    let_in = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert "*" in ignored
    assert copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in let_in), source


def test_the_image_is_not_root_has_a_health_and_enters_by_our_program() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert len(stages) == 3, "one that builds, and one that has nothing of it but what was built"
    last = stages[-1]
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["tattoo"]
    assert last.index("\nUSER ") > last.index("\nRUN ")
    assert re.search(r"^HEALTHCHECK .*CMD tattoo-data doctor", last, re.MULTILINE)
    assert 'ENTRYPOINT ["entrypoint"]' in last
    assert all(":3.11" in name for name in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder of programs as the image has it: ours say how they were called, npm and entrypoint are the real ones."""
    for program in ("tattoo-data", "data-reset", "data-manager", "data-validator"):
        install(tmp_path / "bin", program)
    for program in ("npm", "entrypoint"):
        shutil.copy(ROOT / "docker" / program, tmp_path / "bin")
    shutil.copy(ROOT / "package.json", tmp_path)
    return tmp_path / "bin"


def entered(image: Path, *words: str) -> tuple[int, str, str]:
    """What `docker run IMAGE WORDS...` runs."""
    done = subprocess.run(
        [image / "entrypoint", *words],
        env={"PATH": f"{image}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("npm", "run", "reset", "--", "reset", "fresh"), "bin/data-reset [reset] [fresh]"),
        (("npm", "run", "manage", "--", "export"), "bin/data-manager [export]"),
        (("npm", "run", "validate-enhanced", "--", "all"), "bin/data-validator [all]"),
        (("reset", "fresh", "--json"), "bin/tattoo-data [reset] [fresh] [--json]"),
        (("diff", "fresh"), "bin/tattoo-data [diff] [fresh]"),
        (("env",), "bin/tattoo-data [env]"),
        (("data-reset", "list"), "bin/data-reset [list]"),
        (("sh", "-c", "echo $0"), "sh\n"),
        (("--help",), "bin/tattoo-data [--help]"),
    ],
)
def test_every_docker_command_of_the_document_and_ours_arrive(image: Path, words: tuple[str, ...], said: str) -> None:
    assert entered(image, *words) == (0, said, "")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--silent", "reset", "reset", "fresh"),
        ("run", "--silent", "reset", "--", "reset", "a b", "--only", "it's"),
        ("run", "--silent", "reset", "reset", "fresh", "--dry-run"),
        ("run-script", "--silent", "manage", "--", "export", "--", "x"),
    ],
)
def test_the_images_npm_calls_what_npm_calls(image: Path, words: tuple[str, ...]) -> None:
    (image.parent / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "npm.sh", image.parent / "tools")
    program = shutil.which("npm")
    assert program is not None
    real = subprocess.run(
        [program, *words],
        cwd=image.parent,
        env={
            "PATH": f"{image}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "npm_config_update_notifier": "false",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert real.returncode == 0, real.stderr
    assert entered(image, "npm", *words)[1] == real.stdout


def test_the_images_npm_says_what_it_does_not_know(image: Path) -> None:
    for words in (("npm",), ("npm", "install"), ("npm", "run"), ("npm", "run", "start")):
        code, said, error = entered(image, *words)
        assert (code, said) == (1, "")
        assert all(name in error for name in CALLED)
