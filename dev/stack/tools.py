"""Finds, installs or builds what the stack runs on. Each function returns where the tool is."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tomllib
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import paths
from stack.progress import StackError, step

_DAPRD_OLDEST_PATCH = 2  # 1.18.0 and 1.18.1 were not tried
_RELEASE_SECONDS = 5.0
_NODE_OLDEST = (20, 19)  # what Vite needs
_POM = "{http://maven.apache.org/POM/4.0.0}"


@dataclass(frozen=True)
class Tools:
    """Where the programs of the backing services and the sidecar are."""

    postgres: Path
    """The folder with `postgres`, `initdb`, `psql` and `pg_isready`."""
    redis: Path
    java: Path
    kafka: Path
    """The folder of Kafka's jars."""
    daprd: Path


@dataclass(frozen=True)
class ObserverTools:
    """Where the programs that watch a stack are."""

    java: Path
    zipkin: Path
    """Its jar."""
    prometheus: Path
    """Beside it is `promtool`."""


@dataclass(frozen=True)
class KubernetesTools:
    """Where the programs are that take a cluster's objects."""

    apiserver: Path
    etcd: Path


@dataclass(frozen=True)
class EngineTools:
    """Where the programs are that make Pulumi's plan true, and what is in the cluster go on from there."""

    folders: tuple[Path, ...]
    """Of `pulumi` and its provider for Kubernetes, for PATH; none where PATH has them already."""
    controllers: Path


def install() -> Tools:
    """Installs what is missing, once for all stacks and clones on this machine."""
    with _only_one():
        return Tools(
            postgres=_postgres(),
            redis=_system("redis-server", "redis-server"),
            java=_system("java", "default-jre-headless"),
            kafka=_kafka(),
            daprd=_daprd(),
        )


def install_observers() -> ObserverTools:
    """Installs Zipkin and Prometheus where they are missing."""
    with _only_one():
        return ObserverTools(
            java=_system("java", "default-jre-headless"),
            zipkin=_zipkin(),
            prometheus=_unpacked("prometheus", "prometheus"),
        )


def install_kubernetes() -> KubernetesTools:
    """Builds an API server and fetches etcd where they are missing."""
    with _only_one():
        return KubernetesTools(apiserver=_APISERVER.build(), etcd=_unpacked("etcd", "etcd-server"))


def install_engine() -> None:
    """Builds Pulumi's engine with its provider for Kubernetes, and Kubernetes' controllers, where they are missing."""
    with _only_one():
        for program in _engine_programs():
            program.build()
        _CONTROLLERS.build()


def engine() -> EngineTools | None:
    """What `install_engine` brings, if it is there: it takes long, so nobody is made to wait for it unasked."""
    built = [program.path for program in _engine_programs()]
    if not all(path.exists() for path in (*built, _CONTROLLERS.path)):
        return None
    return EngineTools(folders=tuple(path.parent for path in built), controllers=_CONTROLLERS.path)


def strimzi() -> Path:
    """The folder of the jars that read Strimzi's objects."""
    with _only_one():
        _system("java", "default-jdk-headless")
        return _jars("strimzi", paths.DEV / "kubernetes" / "pom.xml")


def go_module(module: str, version: str) -> tuple[Path, str]:
    """The folder of a Go module's files, and its checksum."""
    with step(f"Fetching the module {module} {version}"):
        download = json.loads(_run([_go(module), "mod", "download", "-json", f"{module}@{version}"], cwd=Path("/")))
    return Path(download["Dir"]), download["Sum"]


def browser() -> Path:
    """A Chromium for the browser tests, which cannot be had from Playwright where only registries are reached."""
    for name in ("chromium", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return Path(found)
    return _system("chromium", "chromium")


def web_client() -> Path:
    """The folder of the web client's build, made anew when its sources have changed."""
    source = paths.ROOT / "apps" / "web"
    built = source / "dist"
    stamp, lock = built / ".sources", source / "package-lock.json"
    with _only_one():
        wanted = _fingerprint(*(path for path in _sources(source) if path.suffix != ".md"))
        if stamp.is_file() and stamp.read_text() == wanted:
            return built
        npm = _npm()
        installed = source / "node_modules" / ".lock"
        if not installed.is_file() or installed.read_text() != _fingerprint(lock):
            with step("Installing the web client's locked packages"):
                _run([npm, "ci", "--prefer-offline", "--no-audit", "--no-fund"], cwd=source)
            installed.write_text(_fingerprint(lock))
        with step("Building the web client"):
            _run([npm, "run", "build"], cwd=source)
        stamp.write_text(wanted)
    return built


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in ("dist", "node_modules", "test"):
            yield from _sources(path)
        elif path.is_file():
            yield path


def _fingerprint(*files: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _npm() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    version = _run([node, "--version"]).strip("v\n") if node else "none"
    if not npm or not node or tuple(int(part) for part in version.split(".")[:2]) < _NODE_OLDEST:
        raise StackError(
            f"The web client is built by Node.js {_NODE_OLDEST[0]}.{_NODE_OLDEST[1]} or newer, with npm; "
            f"here is {version}.",
            way_out="install it from nodejs.org, by your system's packages (nodejs, npm) or a version manager",
        )
    return npm


@contextmanager
def _only_one() -> Iterator[None]:
    """Two starts at the same time install one after the other."""
    paths.cache().mkdir(parents=True, exist_ok=True)
    with (paths.cache() / "lock").open("w") as lock:
        with step("Waiting for another start that installs tools"):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _postgres() -> Path:
    def find() -> Path | None:
        newest = sorted(
            Path("/usr/lib/postgresql").glob("*/bin/initdb"),
            key=lambda path: int(path.parts[-3]),
            reverse=True,
        )
        on_path = shutil.which("initdb")
        candidates = [Path(on_path).resolve(), *newest] if on_path else newest
        return candidates[0].parent if candidates else None

    found = find()
    if not found:
        _apt("postgresql")
        found = find()
    if not found:
        raise StackError("PostgreSQL has no initdb.", way_out="put PostgreSQL's bin folder on PATH")
    return found


def _system(program: str, package: str) -> Path:
    found = shutil.which(program)
    if not found:
        _apt(package)
        found = shutil.which(program)
    if not found:
        raise StackError(f"{program} is not on PATH.", way_out=f"install {program}")
    return Path(found)


def _apt(package: str) -> None:
    install_line = f"apt-get install {package}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise StackError(f"{package} is not installed.", way_out=f"sudo {install_line} (or your system's like)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Installing {package} from the system's packages"):
        _run(["apt-get", "update", "-qq"], env=environment)
        _run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", package], env=environment)


def _kafka() -> Path:
    return _jars("kafka", paths.DEV / "kafka" / "pom.xml")


def _zipkin() -> Path:
    jars = _jars("zipkin", paths.DEV / "observability" / "pom.xml")
    return next(jars.glob("zipkin-server-*.jar"))


def _unpacked(program: str, package: str) -> Path:
    """Unpacked, not installed: Debian's package would start a server on the port that ours may be to have."""
    if found := shutil.which(program):
        return Path(found)
    target = paths.cache() / program
    if not target.exists():
        if not shutil.which("apt-get"):
            raise StackError(f"{program} is not on PATH.", way_out=f"install {program}")
        with step(f"Fetching {program} from the system's packages"), _finished(target) as partial:
            if os.geteuid() == 0:
                _run(["apt-get", "update", "-qq"])
            _run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package], cwd=partial)
            archive = next(partial.glob(f"{package}_*.deb"))
            _run(["dpkg-deb", "--extract", str(archive), str(partial)])
            archive.unlink()
    return target / "usr" / "bin" / program


def _jars(name: str, pom: Path) -> Path:
    """The folder of what a POM depends on, in the version that it has as a property."""
    version = ET.parse(pom).findtext(f"{_POM}properties/{_POM}{name}.version")  # noqa: S314 (our own file)
    target = paths.cache() / f"{name}-{version}"
    if target.exists():
        return target
    maven = _system("mvn", "maven")
    with step(f"Fetching {name.title()} {version} by Maven"), _finished(target) as partial:
        _run(
            [
                str(maven),
                "--batch-mode",
                "--quiet",
                "--strict-checksums",
                f"--file={pom}",
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={partial}",
            ]
        )
    return target


def _daprd() -> Path:
    with (paths.DEV / "daprd.toml").open("rb") as file:
        pin = tomllib.load(file)
    version = pin["version"]
    built = paths.cache() / f"daprd-{version}-{pin['tag']}"
    on_path = shutil.which("daprd")
    for candidate in (on_path and Path(on_path), Path.home() / ".dapr" / "bin" / "daprd", built / "daprd"):
        if candidate and _is_usable(candidate):
            return candidate
    with _finished(built) as partial:
        if not _release(version, partial):
            _build(pin, partial)
    if not _is_usable(built / "daprd"):
        raise StackError(f"{built}/daprd does not run.", way_out=f"rm -r {built}, then run this again")
    return built / "daprd"


def _is_usable(daprd: Path) -> bool:
    if not os.access(daprd, os.X_OK):
        return False
    answer = subprocess.run([daprd, "--version"], capture_output=True, text=True, check=False)
    match = re.fullmatch(r"1\.18\.(\d+)", answer.stdout.strip())
    return match is not None and int(match[1]) >= _DAPRD_OLDEST_PATCH


def _release(version: str, target: Path) -> bool:
    """The official build, where it can be reached; False otherwise, which is no error."""
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine())
    name = f"daprd_{platform.system().lower()}_{machine}.tar.gz"
    url = f"https://github.com/dapr/dapr/releases/download/v{version}/{name}"
    archive = target / name
    try:
        with urllib.request.urlopen(f"{url}.sha256", timeout=_RELEASE_SECONDS) as answer:  # noqa: S310 (https)
            expected = answer.read().decode().split()[0]
        with (
            step(f"Downloading daprd {version}"),
            urllib.request.urlopen(url, timeout=_RELEASE_SECONDS) as answer,
            archive.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
    except OSError:  # no network, no such release for this machine
        return False
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        raise StackError(f"{url} has checksum {actual}, not the published {expected}.")
    with tarfile.open(archive) as tar:
        tar.extract("daprd", target, filter="data")
    archive.unlink()
    return True


def _go(program: str, way_out: str = "install Go 1.26") -> str:
    go = shutil.which("go")
    if not go:
        raise StackError(f"{program} is not there, and there is no Go to build it with.", way_out=way_out)
    return go


def _build(pin: Mapping[str, str], target: Path) -> None:
    module, version = pin["module"], pin["version"]
    go = _go(f"daprd {version}", "install the Dapr CLI and run `dapr init --slim`, or install Go 1.26")
    folder, checksum = go_module(module, f"v{version}")
    if checksum != pin["sum"]:
        raise StackError(
            f"The module {module} v{version} has checksum {checksum}, but dev/daprd.toml pins {pin['sum']}.",
            way_out="find out why before you change the pin",
        )
    with step(f"Building daprd {version} (about nine minutes on two cores, once)"):
        _run(
            [
                go,
                "build",
                "-trimpath",
                f"-tags={pin['tag']}",
                f"-ldflags=-s -w -X {module}/pkg/buildinfo.version={version}",
                f"-o={target / 'daprd'}",
                "./cmd/daprd",
            ],
            cwd=folder,
        )


@dataclass(frozen=True)
class _GoProgram:
    """A program that is built from the versions that a go.mod in dev/ pins."""

    name: str
    package: str
    source: Path
    module: str
    """Its version is the program's."""
    variable: str
    """What the linker writes that version to."""
    minutes: str
    """On two cores."""

    @property
    def version(self) -> str:
        go_mod = (self.source / "go.mod").read_text()
        pinned = re.search(rf"^(?:require|\t)\s*{re.escape(self.module)} v(\S+)", go_mod, re.MULTILINE)
        assert pinned, f"{self.source}/go.mod pins {self.module}"
        return pinned[1]

    @property
    def path(self) -> Path:
        return paths.cache() / f"{self.name}-{self.version}" / self.name

    def build(self) -> Path:
        if not self.path.exists():
            go = _go(f"{self.name} {self.version}")
            with (
                step(f"Building {self.name} {self.version} (about {self.minutes} minutes on two cores, once)"),
                _finished(self.path.parent) as partial,
            ):
                _run(
                    [
                        go,
                        "build",
                        "-trimpath",
                        f"-ldflags=-s -w -X {self.variable}=v{self.version}",
                        f"-o={partial / self.name}",
                        self.package,
                    ],
                    cwd=self.source,
                    env={**os.environ, "CGO_ENABLED": "0"},
                )
        return self.path


def _kubernetes(name: str, minutes: str) -> _GoProgram:
    return _GoProgram(
        name=name,
        package=f"k8s.io/kubernetes/cmd/{name}",
        source=paths.DEV / "kubernetes",
        module="k8s.io/kubernetes",
        variable="k8s.io/component-base/version.gitVersion",
        minutes=minutes,
    )


_APISERVER = _kubernetes("kube-apiserver", "six")
_CONTROLLERS = _kubernetes("kube-controller-manager", "two")
_PULUMI = _GoProgram(
    name="pulumi",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    source=paths.DEV / "engine",
    module="github.com/pulumi/pulumi/pkg/v3",
    variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    minutes="five",
)
_PROVIDER = _GoProgram(
    name="pulumi-resource-kubernetes",
    package=".",
    source=paths.DEV / "engine" / "provider",
    module="github.com/pulumi/pulumi-kubernetes/provider/v4",
    variable="github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version",
    minutes="eight",
)


def _engine_programs() -> tuple[_GoProgram, ...]:
    """An installed engine finds its provider itself."""
    return () if shutil.which("pulumi") else (_PULUMI, _PROVIDER)


@contextmanager
def _finished(target: Path) -> Iterator[Path]:
    """A folder that takes its name only when it is complete, so that an interrupted start leaves no half tool."""
    partial = target.with_name(f"{target.name}.partial")
    for old in (partial, target):
        shutil.rmtree(old, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    partial.rename(target)


def _run(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Runs a program without a terminal and returns what it prints. Raises StackError with its last words."""
    result = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        words = "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])
        raise StackError(
            f"`{' '.join(command)}` failed with status {result.returncode}:\n{words}",
            way_out="see what it says above; what is already installed is kept, so run this again afterwards",
        )
    return result.stdout
