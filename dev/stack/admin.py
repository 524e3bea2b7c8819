"""`just admin EMAIL`: makes somebody of a running stack an administrator."""

from __future__ import annotations

import argparse
import os
import sys

from stack.instance import Stack
from stack.ports import DEFAULT_STACK


def main() -> None:
    """Hands the database's address to auth's own command, by the environment and not the command line."""
    parser = argparse.ArgumentParser(prog="just admin", description=__doc__)
    parser.add_argument("email", help="of an account that is registered")
    parser.add_argument("--name", default=DEFAULT_STACK, help="which stack (default: %(default)s)")
    options = parser.parse_args()
    env = os.environ | {"DATABASE_URL": Stack.running(options.name).database_url("auth")}
    os.execve(sys.executable, [sys.executable, "-m", "realchat_auth.promote", options.email], env)  # noqa: S606 (no shell is needed)


if __name__ == "__main__":
    main()
