"""The Dockerfile's steps and the image's commands, as processes of the same user with the same environment.

No container engine is needed. The image's folder is one under /tmp instead of /opt/realchat, and the Python is the
machine's own of the same minor version; so what is not tried is the base image and its read-only root: here, the
user simply may not write.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import yaml
from stack import Stack, tools

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "/opt/realchat"
PYTHON = "/usr/bin/python3"
"""One that every user may run; the test's own may lie in somebody's home."""


@dataclass
class Stage:
    """A stage of the Dockerfile."""

    env: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    copies: list[tuple[str, list[str], str]] = field(default_factory=list)
    """From which stage, what, where to."""
    user: str = ""
    command: list[str] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """The Dockerfile, read as far as ours goes."""
    found: dict[str, Stage] = {}
    lines = re.sub(r"\\\n", " ", (ROOT / "dev" / "Dockerfile").read_text()).splitlines()
    for line in lines:
        instruction, _, rest = line.strip().partition(" ")
        if instruction == "FROM":
            stage = found[rest.split(" AS ")[1]] = Stage()
        elif instruction == "ENV":
            stage.env |= dict(pair.split("=", 1) for pair in rest.split())
        elif instruction == "RUN":
            stage.runs.append(re.sub(r"--mount=\S+", "", rest).strip())
        elif instruction == "COPY":
            words = rest.split()
            source = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else ""
            stage.copies.append((source, words[:-1], words[-1]))
        elif instruction == "USER":
            stage.user = rest
        elif instruction == "CMD":
            stage.command = json.loads(rest)
    return found


@dataclass(frozen=True)
class Image:
    """What the steps have made."""

    folder: Path
    """In place of /opt/realchat."""
    stage: Stage

    def inside(self, text: str) -> str:
        return text.replace(FOLDER, str(self.folder))

    def command(self, *command: str) -> list[str]:
        """A command of a container, as a process: its user, no capabilities, its environment over the caller's."""
        user, group = self.stage.user.split(":")
        inherited = ":/usr/local/bin:/usr/bin:/bin"
        env = {name: self.inside(value).replace(":$PATH", inherited) for name, value in self.stage.env.items()}
        return [
            *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"),
            *("--inh-caps=-all", "--bounding-set=-all"),
            *("env", "--unset=PYTHONPATH", "--unset=VIRTUAL_ENV", "HOME=/tmp"),
            *(f"{name}={value}" for name, value in env.items()),
            *command,
        ]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    if os.geteuid() != 0:
        pytest.skip("to become the image's user, this test needs root")
    if not packaged_python():
        pytest.skip(f"{PYTHON} is not the image's Python")
    place = Path(tempfile.mkdtemp(prefix="realchat-image-"))
    place.chmod(0o755)
    folder, source = place / "image", place / "source"
    made = stages()
    result = Image(folder, made["realchat"])
    try:
        build = made["build"]
        source.mkdir()
        for stage, names, target in build.copies:
            if not stage:  # from the repository
                copy(names, source, target)
        env = {name: result.inside(value) for name, value in build.env.items()}
        machine = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
        for step in build.runs:
            command = ["sh", "-ec", result.inside(step)]
            subprocess.run(command, cwd=source, env={**machine, "UV_PYTHON": PYTHON, **env}, check=True)
        for stage, _, target in result.stage.copies:
            if stage == "web":  # built by the same commands
                shutil.copytree(tools.web_client(), result.inside(target))
        yield result
    finally:
        shutil.rmtree(place)


def packaged_python() -> bool:
    """Whether the machine's own Python is of the image's minor version."""
    tag = re.search(r"^FROM python:(\d+\.\d+)", (ROOT / "dev" / "Dockerfile").read_text(), re.MULTILINE)
    assert tag
    command = [PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == tag[1]
    except (OSError, subprocess.CalledProcessError):
        return False


def copy(names: list[str], source: Path, target: str) -> None:
    """As COPY does: what is in a folder, but a file itself; folders that are missing are made."""
    unwanted = shutil.ignore_patterns("__pycache__", "node_modules", "dist")  # dev/Dockerfile.dockerignore
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / target, ignore=unwanted, dirs_exist_ok=True)
        else:
            (source / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / target)


def packages(image: Image) -> set[str]:
    command = image.command(
        "python", "-c", "import importlib.metadata as m; print(*{d.name for d in m.distributions()})"
    )
    return set(subprocess.run(command, check=True, capture_output=True, text=True, cwd="/tmp").stdout.split())


def test_the_image_has_what_runs_and_nothing_else(image: Image) -> None:
    found = packages(image)
    assert {"fastapi", "dapr", "realchat-server"} <= found
    assert not {"pytest", "pulumi", "uv", "ruff", "mypy", "pip", "playwright"} & found


def test_the_bill_of_materials_names_every_package(image: Image) -> None:
    bill = json.loads((image.folder / "sbom.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    named = {component["name"].lower() for component in bill["components"]}
    installed = {name.lower().replace("_", "-") for name in packages(image)} - {"realchat-server"}
    assert installed <= named


def test_the_user_may_write_nothing_of_it(image: Image) -> None:
    for folder in (image.folder, image.folder / "venv" / "lib", image.folder / "web"):
        assert subprocess.run(image.command("test", "-w", str(folder)), check=False).returncode == 1
        assert subprocess.run(image.command("test", "-r", str(folder)), check=False).returncode == 0


def test_every_applications_command_serves(image: Image, tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "dapr.yaml").read_text())
    common = document["common"]
    common["resourcesPaths"] = [str(ROOT / "components")]
    common["configFilePath"] = str(ROOT / "components" / "config" / "realchat.yaml")
    elsewhere = image.folder.parent / "workdir"  # not where the source is
    elsewhere.mkdir()
    for app in document["apps"]:
        command = app["command"]
        app["command"] = image.command(*command[command.index("python") :])
        app["appDirPath"] = str(elsewhere)
    assert image.stage.command in [app["command"][-3:] for app in document["apps"]]
    run_file = tmp_path / "dapr.yaml"
    run_file.write_text(yaml.safe_dump(document))

    stack = Stack("image", run_file=run_file)
    try:
        stack.start()
        for app in stack.apps:
            process = psutil.Process(stack.pid(f"{app.app_id}-1"))
            assert process.uids().real == int(image.stage.user.split(":")[0]), app.app_id
            assert process.environ()["PATH"].startswith(f"{image.folder}/venv/bin:")
        with urllib.request.urlopen(stack.web_url, timeout=10) as page:
            assert page.read() == (image.folder / "web" / "index.html").read_bytes()
    finally:
        stack.stop()
