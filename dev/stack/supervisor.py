"""The one parent of all processes of a stack: supervisord, spoken to through its Unix socket."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stack.program import Group, Program
from stack.progress import StackError
from stack.vault import write_private

MARKER = "REALCHAT_STACK"
"""In the environment of every process of a stack; its value is the stack's state folder, which no other has."""

_SOCKET_PATH_MOST = 100  # the kernel's limit is 108
_OPEN_FILES_MOST = 65536
_START_SECONDS = 10.0
_STOP_SECONDS = 90.0
_KILL_SECONDS = 5.0


@dataclass(frozen=True)
class State:
    """One process as the supervisor sees it."""

    name: str
    state: str
    pid: int
    started: int
    """When it was last started, in seconds since the epoch; 0 if it never was."""

    @property
    def is_running(self) -> bool:
        return self.state == "RUNNING"


@dataclass(frozen=True)
class Supervisor:
    """The supervisor of the stack whose state is in `state`."""

    state: Path

    def log(self, name: str) -> Path:
        """The log of one process, its standard output and error together."""
        return self.state / "logs" / f"{name}.log"

    def configure(self, programs: Iterable[Program]) -> bool:
        """Writes the configuration; False when it is what it was."""
        self.log("").parent.mkdir(parents=True, exist_ok=True)
        text = self._render(list(programs))
        if self._config.exists() and self._config.read_text() == text:
            return False
        write_private(self._config, text)
        return True

    def is_alive(self) -> bool:
        try:
            self._call("getPID")
        except StackError:
            return False
        return True

    def launch(self, env: Mapping[str, str]) -> None:
        """Starts the supervisor as a daemon; every process inherits `env`."""
        log = self.log("supervisord")
        result = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", f"--configuration={self._config}"],
            env={**os.environ, **env, MARKER: str(self.state)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        deadline = time.monotonic() + _START_SECONDS
        while result.returncode == 0 and not self.is_alive():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            if result.returncode == 0:
                return
        raise StackError(
            f"The supervisor does not start. {result.stdout}{result.stderr}".strip(),
            log=log,
            way_out="dev/down, then start again",
        )

    def start(self, name: str) -> None:
        """Starts one process, `group:name`, or a whole group, `group:*`; one that runs already is left alone."""
        method = "startProcessGroup" if name.endswith(":*") else "startProcess"
        with _ignoring("ALREADY_STARTED"):
            self._call(method, name.removesuffix(":*"), False)

    def stop(self, name: str) -> None:
        """Stops one process, `group:name`, and waits for its end."""
        with _ignoring("NOT_RUNNING"):
            self._call("stopProcess", name, True)

    def states(self) -> dict[str, State]:
        """All processes by name, or nothing when no supervisor runs."""
        try:
            answer = self._call("getAllProcessInfo")
        except StackError:
            return {}
        return {info["name"]: State(info["name"], info["statename"], info["pid"], info["start"]) for info in answer}

    def shut_down(self) -> None:
        """Stops everything in order: apps, sidecars, backing services. Then ends what escaped."""
        if self.is_alive():
            pid = int(self._call("getPID"))
            self._call("shutdown")
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                psutil.Process(pid).wait(_STOP_SECONDS)
        self.end_orphans()
        self._socket.unlink(missing_ok=True)

    def orphans(self) -> list[psutil.Process]:
        """Processes of this stack, by the marker in their environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARKER) == str(self.state):
                    found.append(process)
        return found

    def end_orphans(self) -> int:
        """Ends what a killed supervisor left behind: politely first. Returns how many there were."""
        orphans = self.orphans()
        for process in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                # To PostgreSQL, TERM means to wait for its clients; INT ends all of them alike.
                process.send_signal(signal.SIGINT)
        for process in psutil.wait_procs(orphans, timeout=_KILL_SECONDS)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return len(orphans)

    @property
    def _config(self) -> Path:
        return self.state / "supervisord.conf"

    @property
    def _socket(self) -> Path:
        path = self.state / "supervisor.sock"
        if len(str(path)) <= _SOCKET_PATH_MOST:
            return path
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"realchat-{digest}.sock"

    def _call(self, method: str, *arguments: object) -> Any:
        with xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(self._socket)) as proxy:
            try:
                return getattr(proxy.supervisor, method)(*arguments)
            except (OSError, http.client.HTTPException) as error:
                raise StackError("The stack is not running.", way_out="dev/up") from error

    def _render(self, programs: list[Program]) -> str:
        sections: dict[str, dict[str, object]] = {
            "unix_http_server": {"file": self._socket, "chmod": "0700"},
            "supervisord": {
                "logfile": self.log("supervisord"),
                "pidfile": self.state / "supervisord.pid",
                "childlogdir": self.state / "logs",
                "directory": self.state,
                "loglevel": "warn",
                "minfds": _open_files(),
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
        }
        for group in Group:
            names = [program.name for program in programs if program.group is group]
            if names:
                sections[f"group:{group.label}"] = {"programs": ",".join(names), "priority": int(group)}
        sections |= {f"program:{program.name}": self._program(program) for program in programs}
        return "\n".join(
            f"[{title}]\n" + "".join(f"{key} = {_escape(str(value))}\n" for key, value in section.items())
            for title, section in sections.items()
        )

    def _program(self, program: Program) -> dict[str, object]:
        return {
            "command": " ".join(_quote(part) for part in program.command),
            "directory": program.directory,
            "environment": ",".join(f"{name}={_quote(value)}" for name, value in program.env.items()),
            **({"user": program.user} if program.user else {}),
            "autostart": "false",
            "autorestart": "true",
            # With 0, a process that dies is back within a second, always. With more, one that dies early
            # is tried again after 1, 2, 3 … s without bound: after an outage it would be missing for long.
            "startsecs": 0,
            "stopsignal": program.stop_signal,
            "stopwaitsecs": program.stop_seconds,
            "stopasgroup": str(program.stop_as_group).lower(),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": self.log(program.name),
            "stdout_logfile_maxbytes": "20MB",
            "stdout_logfile_backups": 1,
        }


def _open_files() -> int:
    """Sockets are files: all that is allowed, but supervisord walks through that many at each start of a process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _OPEN_FILES_MOST if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES_MOST)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("supervisor")
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> _UnixConnection:
        return _UnixConnection(self._path)


@contextlib.contextmanager
def _ignoring(fault: str) -> Iterator[None]:
    try:
        yield
    except xmlrpc.client.Fault as error:
        if not error.faultString.startswith(fault):
            raise StackError(f"The supervisor says {error.faultString}", way_out="dev/status") from error


def _quote(text: str) -> str:
    """As supervisord's own parser (shlex) reads it back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escape(text: str) -> str:
    """supervisord expands `%(name)s` in its configuration."""
    return text.replace("%", "%%")
