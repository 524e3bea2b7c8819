"""Makes somebody an administrator: `just admin alice@example.com`, or in a pod `python -m realchat_auth.promote …`.

For the first one, whom no administrator can appoint. Whoever can run it has the database's password: DATABASE_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select

from realchat_auth.administration.store import AdministrationStore
from realchat_auth.domain import email_key
from realchat_auth.tables import Account
from realchat_common.database import open_engine, transaction
from realchat_common.ids import now_ms

ACTOR = "command"


async def promote(engine: AsyncEngine, email: str) -> bool:
    """Gives the account of an address the role admin; False when there is none."""
    async with transaction(engine) as db:
        account = (await db.exec(select(Account).where(Account.email_key == email_key(email)))).first()
    if account is None:
        return False
    await AdministrationStore(engine).appoint(str(account.user_id), ACTOR, now_ms())
    return True


async def _run(email: str) -> bool:
    engine = open_engine(os.environ["DATABASE_URL"], pool_size=1)
    try:
        return await promote(engine, email)
    finally:
        await engine.dispose()


def main() -> None:
    """Reads the address from the command line; exits with 1 when nobody has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("email")
    email = parser.parse_args().email
    if not asyncio.run(_run(email)):
        sys.exit(f"No account has the address {email}: register it first.")
    sys.stdout.write(f"{email} is an administrator.\n")


if __name__ == "__main__":
    main()
