"""Which port is whose: `dapr.yaml`'s for the stack that people use, a free block for every other one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

from stack import paths
from stack.manifest import APP_PORTS, SIDECAR_PORTS, App
from stack.progress import StackError

DEFAULT_STACK = "local"
HOST = "127.0.0.1"

# Not the services' usual ports, so that a machine's own PostgreSQL, Redis or Kafka never clashes.
BACKING = {"postgres": 15432, "redis": 16379, "kafka": 19092, "kafka-controller": 19093}

# Where people look for them.
OBSERVERS = {"zipkin": 9411, "prometheus": 9090, "traces": 4317, "kafka-lag": 9308, "probe": 9115}

# Blocks lie below the range from which the kernel takes ports for outgoing connections.
BLOCKS = range(20000, 32000, 400)
_PER_INSTANCE = 10
RESERVED_PORTS = Path("/proc/sys/net/ipv4/ip_local_reserved_ports")
_ROLES = (*APP_PORTS, *SIDECAR_PORTS)


@dataclass(frozen=True)
class Instance:
    """One replica of an app, with its own ports and its own sidecar."""

    app: App
    number: int
    ports: Mapping[str, int]

    @property
    def name(self) -> str:
        return f"{self.app.app_id}-{self.number}"

    @property
    def sidecar(self) -> str:
        return f"{self.name}-sidecar"


@dataclass(frozen=True)
class Layout:
    """The replicas of a stack and every port in it."""

    instances: tuple[Instance, ...]
    backing: Mapping[str, int]
    observers: Mapping[str, int]

    def of(self, app_id: str) -> list[Instance]:
        """The replicas of one app."""
        return [instance for instance in self.instances if instance.app.app_id == app_id]


def plan(apps: Iterable[App], replicas: Mapping[str, int], block: int | None) -> Layout:
    """Gives every replica its ports. Without a block, the first replica of each app keeps those of `dapr.yaml`."""
    spare = BLOCKS[0] if block is None else block
    backing, observers = BACKING, OBSERVERS
    if block is not None:
        own = {name: block + offset for offset, name in enumerate((*BACKING, *OBSERVERS))}
        backing, observers = {name: own[name] for name in BACKING}, {name: own[name] for name in OBSERVERS}
    instances = []
    for app in apps:
        for number in range(1, replicas.get(app.app_id, 1) + 1):
            spare += _PER_INSTANCE
            ports = app.ports
            if block is not None or number > 1:
                ports = MappingProxyType({role: spare + _ROLES.index(role) for role in app.ports})
            instances.append(Instance(app, number, ports))
    return Layout(tuple(instances), MappingProxyType(backing), MappingProxyType(observers))


def claim_block(state: Path) -> int:
    """The block of the stack with that state folder, for as long as the folder exists.

    A claim is a symbolic link to the folder: only one of two stacks that start at once can make it.
    """
    claims = paths.cache() / "ports"
    claims.mkdir(parents=True, exist_ok=True)
    for claim in claims.iterdir():
        if claim.readlink() == state:
            return int(claim.name)
        if not claim.exists():
            claim.unlink(missing_ok=True)
    taken = {_block(port) for port in _listeners()}
    for block in BLOCKS:
        with contextlib.suppress(FileExistsError):
            if block not in taken:
                (claims / str(block)).symlink_to(state)
                return block
    raise StackError(
        "No block of ports is left.",
        way_out=f"remove the state folders that {claims} points to, of stacks that you no longer need",
    )


def check_free(wanted: Mapping[int, str]) -> None:
    """Raises StackError when somebody else listens on one of the ports; the values say what each is for."""
    for port, purpose in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                raise StackError(
                    f"Port {port}, which {purpose} needs, is in use by {_holder(port)}.",
                    way_out="stop that process, or give another port in dapr.yaml",
                ) from None


def reserve(ports: Iterable[int]) -> None:
    """Keeps the kernel from giving ports to outgoing connections: the users' own (50051 …) lie in its range for those.

    Only root may; for anybody else a start may find one taken, and says so.
    """
    _change_reserved(lambda reserved: reserved | set(ports))


def give_back(ports: Iterable[int]) -> None:
    """Ends what `reserve` began."""
    _change_reserved(lambda reserved: reserved - set(ports))


def _change_reserved(change: Callable[[set[int]], set[int]]) -> None:
    with contextlib.suppress(OSError):
        ranges = [entry.partition("-") for entry in RESERVED_PORTS.read_text().strip().split(",") if entry]
        reserved = {port for first, _, last in ranges for port in range(int(first), int(last or first) + 1)}
        RESERVED_PORTS.write_text(",".join(map(str, sorted(change(reserved)))) + "\n")


def is_open(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def _block(port: int) -> int:
    return BLOCKS[0] + (port - BLOCKS[0]) // BLOCKS.step * BLOCKS.step


def _listeners() -> dict[int, int | None]:
    """Every port with a listener, and its process where that may be known."""
    return {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }


def _holder(port: int) -> str:
    pid = _listeners().get(port)
    return f"{psutil.Process(pid).name()} (pid {pid})" if pid else "a process of another user"
