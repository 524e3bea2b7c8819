"""Brings one service's database to the schema of this installation, and ends: `python -m realchat_common.migrate`.

A roll-out runs it before the first new replica starts. The services do the same when they start, so it only moves
the work, and a failure, to where nobody waits for it.
"""

from __future__ import annotations

import argparse
import asyncio
import os

from realchat_common.database import migrate, open_engine


async def _run(package: str, revision: str) -> None:
    engine = open_engine(os.environ["DATABASE_URL"], pool_size=1)
    try:
        await migrate(engine, package, revision)
    finally:
        await engine.dispose()


def main() -> None:
    """Reads the package and the revision from the command line, the address from DATABASE_URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", help="for example realchat_message")
    parser.add_argument("--revision", default="head", help="of Alembic; a lower one goes back")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.package, arguments.revision))


if __name__ == "__main__":
    main()
