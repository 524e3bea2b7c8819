"""The command line behind `dev/up`, `dev/down`, `dev/status`, `dev/logs` and `just`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence

from stack import paths, tools
from stack.instance import Stack
from stack.ports import DEFAULT_STACK
from stack.progress import StackError, say, step
from stack.supervisor import Supervisor


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command; exits with 1 when it fails."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `dev/status | head` is no error
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for run, text in (
        (_up, "start everything and wait until it is ready"),
        (_infra, "start PostgreSQL, Redis and Kafka only, for `dapr run -f .`"),
        (_down, "stop everything; nothing is left running"),
        (_status, "show every process, and why it is not ready"),
        (_logs, "follow the logs of an app and its sidecar, or of any process"),
        (_install, "install what is missing, and start nothing"),
    ):
        command = commands.add_parser(run.__name__.removeprefix("_"), help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--name", default=DEFAULT_STACK, help="which stack (default: %(default)s)")
        if run is _up:
            command.add_argument("--observe", action="store_true", help="with traces to Zipkin, metrics to Prometheus")
        if run is _down:
            command.add_argument("--all", action="store_true", help="every stack of this clone")
        if run is _logs:
            command.add_argument("process", help="for example message, message-1-sidecar, kafka")
        if run is _install:
            command.add_argument("--browser", action="store_true", help="and a Chromium, for the browser tests")
            command.add_argument("--observers", action="store_true", help="and Zipkin and Prometheus")
            command.add_argument("--kubernetes", action="store_true", help="and a kube-apiserver and its etcd")
            command.add_argument("--engine", action="store_true", help="and Pulumi's engine, Kubernetes' controllers")
    return parser


def _up(options: argparse.Namespace) -> None:
    started = time.monotonic()
    stack = Stack(options.name, observe=options.observe)
    if stack.is_up():
        tools.web_client()
        say("RealChat is up already.")
    else:
        stack.start()
        say(f"RealChat is up ({time.monotonic() - started:.0f} s).")
    say(f"""
  Web client    {stack.web_url}/
  API           {stack.web_url}/docs
  WebSocket     {stack.socket_url}
  Mail          {stack.mail_folder.relative_to(paths.ROOT)}/
  PostgreSQL    {stack.postgres_url.replace(stack.vault.seed["postgres"], "…")}
  Redis, Kafka  {stack.redis_url.rpartition("@")[2]}, {stack.kafka_brokers}
{_observers(stack)}
  just status, just logs message, just down""")


def _observers(stack: Stack) -> str:
    if not stack.observers:
        return ""
    return f"""  Traces        {stack.observers.zipkin_url}/zipkin/
  Metrics       {stack.observers.prometheus_url}/graph
"""


def _infra(options: argparse.Namespace) -> None:
    stack = Stack(options.name)
    tools.web_client()
    stack.start(infra_only=True)
    env = stack.env_file.relative_to(paths.ROOT)
    say(f"""
PostgreSQL, Redis and Kafka are up; databases, topics and secrets are there. The apps, by the Dapr CLI:

  set -a; . {env}; set +a; dapr run -f .""")


def _down(options: argparse.Namespace) -> None:
    states = [paths.state(options.name)]
    if options.all:
        states = sorted(path for path in paths.state("").iterdir() if path.is_dir())
    for state in states:
        supervisor = Supervisor(state)
        if not supervisor.is_alive() and not supervisor.orphans():
            say(f"The stack {state.name} is not running.")
            continue
        with step(f"Stopping the stack {state.name}"):
            supervisor.shut_down()
        say(f"The stack {state.name} is down; its data is kept in {state.relative_to(paths.ROOT)}.")


def _status(options: argparse.Namespace) -> None:
    stack = Stack.running(options.name)
    rows = stack.status()
    say(f"{'process':<24} {'pid':>7}  {'ports':<30} ready")
    for row in rows:
        ports = " ".join(str(port) for port in row.ports)
        ready = f"no: {row.trouble}" if row.trouble else "yes"
        say(f"{row.name:<24} {row.pid or '–':>7}  {ports:<30} {ready}")
    sys.exit(1 if any(row.trouble for row in rows) else 0)


def _logs(options: argparse.Namespace) -> None:
    folder = Supervisor(paths.state(options.name)).log("").parent
    wanted = options.process
    logs = [path for path in sorted(folder.glob("*.log")) if path.stem == wanted or path.stem.startswith(f"{wanted}-")]
    if not logs:
        there = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none: dev/up first"
        raise StackError(f"There is no log of {wanted}.", way_out=f"choose one of these: {there}")
    os.execvp("tail", ["tail", "--lines=50", "--follow=name", "--retry", "--quiet", *map(str, logs)])  # noqa: S606 (no shell is needed)


def _install(options: argparse.Namespace) -> None:
    tools.install()
    tools.web_client()
    if options.browser:
        tools.browser()
    if options.observers:
        tools.install_observers()
    if options.kubernetes:
        tools.install_kubernetes()
        tools.strimzi()
    if options.engine:
        tools.install_engine()
