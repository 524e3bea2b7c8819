"""PostgreSQL as the stack runs it: one database and one role per service, passwords on loopback only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.ports import HOST
from stack.program import Group, Program
from stack.progress import StackError
from stack.vault import DATABASE_APPS, Vault, write_private

_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "fsync": "on",
}

_DATABASE = """\
SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec
ALTER ROLE {role} LOGIN PASSWORD '{password}';
SELECT 'CREATE DATABASE {role} OWNER {role}'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{role}') \\gexec
REVOKE ALL ON DATABASE {role} FROM PUBLIC;
"""


@dataclass(frozen=True)
class Postgres:
    """A cluster of one stack."""

    programs: Path
    state: Path
    port: int
    vault: Vault

    @property
    def user(self) -> str | None:
        """PostgreSQL refuses to run as root, so root lends it a user."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam("postgres").pw_name
        except KeyError:
            return "nobody"

    @property
    def data(self) -> Path:
        """In the state, unless that lies where the user that root lends cannot go (below /root, say)."""
        if self.user and not all(parent.stat().st_mode & 0o001 for parent in self.state.parents):
            return Path("/var/tmp") / f"realchat-{self.state.name}-{self.vault.seed['instance']}"  # noqa: S108
        return self.state / "postgres"

    def prepare(self) -> None:
        """Makes the cluster at the first start."""
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        password = self.state / "postgres-password"
        write_private(password, self.vault.seed["postgres"])
        if self.user:
            shutil.chown(self.data, self.user)
            shutil.chown(password, self.user)
        try:
            self._initdb(password)
        finally:
            password.unlink()

    def program(self) -> Program:
        settings = {**_SETTINGS, "port": str(self.port)}
        return Program(
            name="postgres",
            group=Group.BACKING,
            command=(
                str(self.programs / "postgres"),
                "-D",
                str(self.data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ),
            directory=self.data,
            ports={"PostgreSQL": self.port},
            user=self.user,
            stop_signal="INT",  # a fast shutdown; TERM would wait for clients to go
            stop_as_group=False,  # the postmaster ends its children itself
        )

    def is_ready(self) -> bool:
        command = [str(self.programs / "pg_isready"), "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def create_databases(self) -> None:
        """Makes roles and databases that are missing, and sets the passwords."""
        script = "".join(
            _DATABASE.format(role=f"realchat_{app_id}", password=self.vault.database_password(app_id))
            for app_id in DATABASE_APPS
        )
        result = subprocess.run(
            [str(self.programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-p", str(self.port)],
            env={
                **os.environ,
                "PGUSER": "postgres",
                "PGDATABASE": "postgres",
                "PGPASSWORD": self.vault.seed["postgres"],
            },
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise StackError(
                f"The databases could not be made: {result.stderr.strip()}",
                way_out=f"to begin again with empty data: dev/down, then rm -r {self.data} {self.state}",
            )

    def _initdb(self, password: Path) -> None:
        result = subprocess.run(
            [
                str(self.programs / "initdb"),
                f"--pgdata={self.data}",
                "--username=postgres",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            cwd=self.data,
            user=self.user,
            group=pwd.getpwnam(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise StackError(f"initdb failed: {result.stderr.strip()}", way_out=f"make {self.data} writable")
