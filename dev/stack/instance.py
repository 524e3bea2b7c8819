"""A stack: the API that the command line and the tests share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stack import manifest, paths, tools
from stack.kafka import Kafka
from stack.observers import Observers
from stack.ports import (
    DEFAULT_STACK,
    HOST,
    Instance,
    Layout,
    check_free,
    claim_block,
    give_back,
    is_open,
    plan,
    reserve,
)
from stack.postgres import Postgres
from stack.program import Backing, Group, Program
from stack.progress import StackError, say, step
from stack.redis_server import Redis
from stack.sidecars import app_program, sidecar_program
from stack.supervisor import State, Supervisor
from stack.vault import Vault

BACKING_SECONDS = 60.0
APPS_SECONDS = 120.0
RESTARTS_MOST = 8
"""An app that began this often within one start will not come up by waiting longer."""

_POLL_SECONDS = 0.1
_PROBE_SECONDS = 3.0


@dataclass(frozen=True)
class Status:
    """One line of `dev/status`."""

    name: str
    pid: int
    ports: tuple[int, ...]
    trouble: str
    """Why it is not ready; empty when it is."""


class Stack:
    """Backing services, sidecars and apps of one name, each with its own ports, data and secrets.

    The stack `local` is the one that people use: its ports are those of `dapr.yaml`. Any other has a block of
    ports to itself, so that it can run beside. Processes are called `postgres`, `redis`, `kafka`,
    `<app>-<n>` and `<app>-<n>-sidecar`, with n from 1. Methods block; asynchronous code calls them in a thread.
    """

    def __init__(
        self,
        name: str = DEFAULT_STACK,
        *,
        replicas: Mapping[str, int] | None = None,
        apps: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        run_file: Path = paths.ROOT / "dapr.yaml",
        observe: bool = False,
    ) -> None:
        """`replicas` is per app id (1 if not named), `apps` a subset to run, `env` added to every app's.

        With `observe`, Zipkin and Prometheus run too, and everything is traced.
        """
        self.name = name
        self.state = paths.state(name)
        self.replicas = dict(replicas or {})
        self.env = dict(env or {})
        self.run_file = run_file
        self.observe = observe
        self.known = manifest.read(run_file)
        self.apps = [app for app in self.known if apps is None or app.app_id in apps]
        self.supervisor = Supervisor(self.state)

    @classmethod
    def running(cls, name: str) -> Stack:
        """The stack of that name as it was started, with its replicas; as by default if it was not."""
        stack = cls(name)
        if stack.supervisor.is_alive():
            shape = json.loads(stack._shape.read_text())
            return cls(
                name,
                replicas=shape["replicas"],
                apps=shape["apps"],
                run_file=Path(shape["run_file"]),
                observe=shape["observe"],
            )
        return stack

    # What it is made of

    @cached_property
    def vault(self) -> Vault:
        return Vault.open(self.state, [app.app_id for app in self.known])

    @cached_property
    def layout(self) -> Layout:
        if self.name == DEFAULT_STACK:
            return plan(self.apps, self.replicas, block=None)
        self.state.mkdir(parents=True, exist_ok=True)
        return plan(self.apps, self.replicas, claim_block(self.state))

    @cached_property
    def tools(self) -> tools.Tools:
        return tools.install()

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(self.tools.postgres, self.state, self.layout.backing["postgres"], self.vault)

    @cached_property
    def redis(self) -> Redis:
        return Redis(self.tools.redis, self.state, self.layout.backing["redis"], self.vault)

    @cached_property
    def kafka(self) -> Kafka:
        return Kafka(
            self.tools.java,
            self.tools.kafka,
            self.state,
            self.layout.backing["kafka"],
            self.layout.backing["kafka-controller"],
            self.vault,
        )

    @cached_property
    def observers(self) -> Observers | None:
        """None unless the stack is observed."""
        if not self.observe:
            return None
        return Observers(
            tools.install_observers(), self.state, self.layout, self.kafka_brokers, self.web_url, self.socket_url
        )

    @cached_property
    def programs(self) -> dict[str, Program]:
        """Every process by name."""
        programs = [self.postgres.program(), self.redis.program(), self.kafka.program()]
        if self.observers:
            programs += self.observers.programs()
        for instance in self.layout.instances:
            programs.append(sidecar_program(instance, self.tools.daprd))
            programs.append(app_program(instance))
        return {program.name: program for program in programs}

    @property
    def env_file(self) -> Path:
        """What apps and sidecars have in common, for `dapr run -f .` too."""
        return self.state / "env"

    # Where things are

    @property
    def web_url(self) -> str:
        return self.urls("gateway")[0]

    @property
    def socket_url(self) -> str:
        return self.urls("delivery")[0].replace("http:", "ws:") + "/v1/socket"

    @property
    def postgres_url(self) -> str:
        """As superuser."""
        return self.vault.superuser_url(self.layout.backing["postgres"])

    def database_url(self, app_id: str) -> str:
        """An app's own database, in its own role."""
        return self.vault.database_url(app_id, self.layout.backing["postgres"])

    @property
    def redis_url(self) -> str:
        return self.vault.redis_url(self.layout.backing["redis"])

    @property
    def kafka_brokers(self) -> str:
        return f"{HOST}:{self.layout.backing['kafka']}"

    @property
    def mail_folder(self) -> Path:
        """Where mails are put, each as a file."""
        return self.state / "mail"

    @property
    def attachments_folder(self) -> Path:
        """Where uploads are put."""
        return self.state / "attachments"

    @property
    def dapr_api_token(self) -> str:
        return self.vault.seed["dapr-api-token"]

    def urls(self, app_id: str) -> list[str]:
        """The public HTTP address of each replica of an app that has one."""
        return self._addresses(app_id, "REALCHAT_HTTP_PORT", "http://")

    def internal_urls(self, app_id: str) -> list[str]:
        """Where each replica has its health and metrics."""
        return self._addresses(app_id, "REALCHAT_INTERNAL_PORT", "http://")

    def grpc_addresses(self, app_id: str) -> list[str]:
        """Each replica's own gRPC server, past the sidecars."""
        return self._addresses(app_id, "REALCHAT_GRPC_PORT", "")

    def sidecar_urls(self, app_id: str) -> list[str]:
        """Dapr's HTTP API of each replica's sidecar; it wants `dapr_api_token`."""
        return self._addresses(app_id, "daprHTTPPort", "http://")

    def sidecar_grpc_addresses(self, app_id: str) -> list[str]:
        """Dapr's gRPC API of each replica's sidecar."""
        return self._addresses(app_id, "daprGRPCPort", "")

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.supervisor.log(name)

    @property
    def _shape(self) -> Path:
        return self.state / "shape.json"

    # Life

    def start(self, *, infra_only: bool = False) -> None:
        """Brings everything up and returns when all is ready. What runs already stays.

        With `infra_only`: backing services with databases and topics, and the files with secrets and environment.
        Raises StackError.
        """
        groups = [Group.OBSERVERS, Group.BACKING] if infra_only else list(Group)
        if not infra_only and self.layout.of("gateway"):
            tools.web_client()
        changed = self.supervisor.configure(self.programs.values())
        self.vault.write(self.layout, self._common_env(), self.env_file)
        if self.supervisor.is_alive() and changed:
            say("  The configuration has changed: everything is started anew.")
            self.stop()
        if self.supervisor.is_alive():
            self._check_ports(groups)
        else:
            self._launch(groups)
        self._start_observers()
        self._start_backing()
        if not infra_only:
            self._start_apps()

    def stop(self) -> None:
        """Stops everything in order, and ends what a killed supervisor has left behind."""
        self.supervisor.shut_down()
        give_back(self._users_ports)

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Stops what was started within; a stack that was up before stays up."""
        was_up = self.is_up()
        try:
            yield
        finally:
            if not was_up:
                self.stop()

    def forget(self) -> None:
        """Stops everything and drops its data; with the same secrets and ports, the next start is like the first."""
        self.stop()
        for data in (
            self.postgres.data,
            self.redis.data,
            self.kafka.data,
            self.mail_folder,
            self.attachments_folder,
        ):
            shutil.rmtree(data, ignore_errors=True)

    @property
    def _users_ports(self) -> set[int]:
        """Those of `dapr.yaml`; every other stack's lie outside the kernel's range."""
        return {port for app in self.known for port in app.ports.values()} if self.name == DEFAULT_STACK else set()

    def is_up(self) -> bool:
        """Whether every process runs and is ready."""
        states = self.supervisor.states()
        return bool(states) and not any(each.trouble for each in self.status(states))

    def status(self, states: Mapping[str, State] | None = None) -> list[Status]:
        """Every process, with the reason why it is not ready."""
        known = self.supervisor.states() if states is None else states
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda program: self._status(program, known), self.programs.values()))

    def pid(self, name: str) -> int:
        """Raises StackError when that process does not run."""
        state = self.supervisor.states().get(name)
        if not state or not state.pid:
            raise StackError(f"{name} does not run.", way_out="dev/status")
        return state.pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to a process; one that dies of it is started again within a second."""
        os.kill(self.pid(name), number)

    def stop_process(self, name: str) -> None:
        """Stops one process for good, until `start_process`."""
        self.supervisor.stop(self.programs[name].path)

    def start_process(self, name: str) -> None:
        """Starts one process again; `wait_ready` says when it is there."""
        self.supervisor.start(self.programs[name].path)

    def wait_ready(self, *names: str, timeout: float = APPS_SECONDS) -> None:
        """Waits for the named processes, or for all. Raises StackError when they are not ready in time."""
        self._wait([self.programs[name] for name in names or self.programs], timeout)

    # How

    def _common_env(self) -> dict[str, str]:
        env = {
            "DAPR_API_TOKEN": self.dapr_api_token,
            "APP_API_TOKEN": self.vault.seed["app-api-token"],
            "DAPR_HOST_IP": HOST,
            "REALCHAT_SECRETS_DIR": str(self.vault.folder),
            # daprd puts its app id in place of {appID}: each sidecar opens the file of its own app.
            "REALCHAT_SECRETS_FILE": f"{self.vault.folder}/{{appID}}.json",
            "REALCHAT_NAMES_DB": str(self.state / "names.db"),
            "REALCHAT_MAIL_FOLDER": str(self.mail_folder),
            "REALCHAT_ATTACHMENTS_FOLDER": str(self.attachments_folder),
            "REALCHAT_KAFKA_BROKERS": self.kafka_brokers,
            "REALCHAT_REDIS_HOST": self.redis_url.rpartition("@")[2].removesuffix("/0"),
        }
        if self.layout.of("gateway"):
            env["REALCHAT_WEB_URL"] = self.web_url
        if self.layout.of("delivery"):
            env["REALCHAT_SOCKET_URL"] = self.socket_url
        if self.observers:
            env |= self.observers.env()
        return env | self.env

    def _launch(self, groups: Sequence[Group]) -> None:
        if orphans := self.supervisor.end_orphans():
            say(f"  Ended {orphans} processes that a killed supervisor had left behind.")
        reserve(self._users_ports)
        self._check_ports(groups)
        # Registrations of sidecars that are gone would be tried first and fail.
        for leftover in self.state.glob("names.db*"):
            leftover.unlink()
        shape = {
            "replicas": self.replicas,
            "apps": [app.app_id for app in self.apps],
            "run_file": str(self.run_file),
            "observe": self.observe,
        }
        self._shape.write_text(json.dumps(shape))
        with step("Preparing PostgreSQL, Redis and Kafka"):
            for service in (self.postgres, self.redis, self.kafka):
                service.prepare()
        self.supervisor.launch(self._common_env())

    def _check_ports(self, groups: Sequence[Group]) -> None:
        states = self.supervisor.states()
        check_free(
            {
                port: f"{program.name} ({purpose})"
                for program in self.programs.values()
                if program.group in groups and not (program.name in states and states[program.name].is_running)
                for purpose, port in program.ports.items()
            }
        )

    def _start_observers(self) -> None:
        """Nothing waits for them: they are ready with everything else, or `dev/status` says why not."""
        if self.observers:
            self.observers.prepare()
            self.supervisor.start(f"{Group.OBSERVERS.label}:*")

    def _start_backing(self) -> None:
        self.supervisor.start(f"{Group.BACKING.label}:*")
        backing = {program.name: program for program in self.programs.values() if program.group is Group.BACKING}
        with step("Starting PostgreSQL and Redis"):
            self._wait([backing["postgres"], backing["redis"]], BACKING_SECONDS)
            self.postgres.create_databases()
        with step("Starting Kafka"):
            self._wait([backing["kafka"]], BACKING_SECONDS)
            self.kafka.create_topics()

    def _start_apps(self) -> None:
        for group in (Group.SIDECARS, Group.APPS):
            self.supervisor.start(f"{group.label}:*")
        with step("Starting the apps and their sidecars"):
            self._wait(list(self.programs.values()), APPS_SECONDS)

    def _wait(self, programs: Sequence[Program], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        starts: dict[str, set[int]] = {program.name: set() for program in programs}
        waiting = list(programs)
        while True:
            states = self.supervisor.states()
            reports = {program.name: self._status(program, states) for program in waiting}
            waiting = [program for program in waiting if reports[program.name].trouble]
            if not waiting:
                return
            for program in waiting:
                pid = reports[program.name].pid
                starts[program.name] |= {pid} if pid else set()
                if len(starts[program.name]) > RESTARTS_MOST:
                    raise self._failure(program, f"{program.name} ends again and again.")
            if time.monotonic() > deadline:
                # An app waits for its sidecar and the sidecar for its app: of the two, the app's log tells more.
                worst = max(waiting, key=lambda program: (not reports[program.name].pid, program.group))
                reasons = ", ".join(f"{program.name} {reports[program.name].trouble}" for program in waiting)
                raise self._failure(worst, f"Not ready after {timeout:.0f} s: {reasons}.")
            time.sleep(_POLL_SECONDS)

    def _failure(self, program: Program, what: str) -> StackError:
        option = "" if self.name == DEFAULT_STACK else f" --name {self.name}"
        return StackError(
            what,
            log=self.log(program.name),
            way_out=f"dev/status{option} and dev/logs{option} {program.name} tell more; "
            f"dev/down{option} stops what did start",
        )

    def _status(self, program: Program, states: Mapping[str, State]) -> Status:
        state = states.get(program.name)
        if not state or not state.pid:
            trouble = f"is {state.state.lower()}" if state else "not running"
        else:
            trouble = self._probes[program.group](program)
        return Status(program.name, state.pid if state else 0, tuple(program.ports.values()), trouble)

    @property
    def _probes(self) -> dict[Group, Callable[[Program], str]]:
        return {
            Group.OBSERVERS: self._observer_trouble,
            Group.BACKING: self._backing_trouble,
            Group.SIDECARS: self._sidecar_trouble,
            Group.APPS: self._app_trouble,
        }

    def _observer_trouble(self, program: Program) -> str:
        if not all(is_open(port) for port in program.ports.values()):
            return "does not accept connections"
        return "" if self.observers and self.observers.is_ready(program.name) else "does not answer"

    def _backing_trouble(self, program: Program) -> str:
        services: dict[str, Backing] = {"postgres": self.postgres, "redis": self.redis, "kafka": self.kafka}
        if not all(is_open(port) for port in program.ports.values()):
            return "does not accept connections"
        return "" if services[program.name].is_ready() else "does not answer"

    def _sidecar_trouble(self, program: Program) -> str:
        status, _ = self._get(f"http://{HOST}:{program.ports['dapr http']}/v1.0/healthz")
        return "" if status == 204 else "starting" if status else "does not answer"

    def _app_trouble(self, program: Program) -> str:
        status, body = self._get(f"http://{HOST}:{program.ports['internal_port']}/readyz")
        if status == 200:
            return ""
        failures = body.get("failures", {})
        return "; ".join(f"{name}: {reason}" for name, reason in failures.items()) or "does not answer"

    def _get(self, url: str) -> tuple[int, dict[str, Any]]:
        """The status, 0 if there is no answer, and the JSON of the answer."""
        request = urllib.request.Request(url, headers={"dapr-api-token": self.dapr_api_token})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_PROBE_SECONDS) as answer:  # noqa: S310
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as answer:
            return answer.code, _json(answer.read())
        except OSError:
            return 0, {}

    def _addresses(self, app_id: str, role: str, scheme: str) -> list[str]:
        return [f"{scheme}{HOST}:{instance.ports[role]}" for instance in self._instances(app_id)]

    def _instances(self, app_id: str) -> list[Instance]:
        found = self.layout.of(app_id)
        if not found:
            raise StackError(f"There is no app {app_id} in this stack.", way_out="dapr.yaml names the apps")
        return found


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
