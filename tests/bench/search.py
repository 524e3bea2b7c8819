"""How long a search takes in a database with very many messages: `PYTHONPATH=tests dev/run python -m bench.search URL`.

The database is filled by SQL, below the log: what is measured is the read model's index and the search's statement. The
searcher is in a hundred conversations, one of which has a tenth of all messages; words are as unequal as in a language.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from uuid import UUID

import asyncpg
from realchat_message.search import MessageSearch, Search, parse_query

from realchat_common.database import migrate, open_engine
from realchat_common.ids import now_ms

SEARCHER = str(UUID(int=1))
CONVERSATIONS = 2_000
WORDS = 20_000
FILL = """  -- no message is a log's first event
    INSERT INTO entry (conversation_id, seq, event_id, actor_id, occurred_at_ms, client_message_id, body)
    SELECT lpad(to_hex(CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + n % ($3 - 1) END), 32, '0')::uuid, n + 1, gen_random_uuid(),
           lpad(to_hex(n % 50), 32, '0')::uuid, 1700000000000 + n * 1000, n::text,
           (SELECT string_agg('w' || floor($4 * power(random(), 3))::int, ' ') FROM generate_series(1, 6 + n % 9))
    FROM generate_series($1::int, $2::int) AS n
"""
MEMBERS = """
    INSERT INTO member (conversation_id, user_id, from_seq, role)
    SELECT lpad(to_hex(n), 32, '0')::uuid, $1, 1, 1 FROM generate_series(1, 100) AS n
"""


async def filled(url: str, rows: int) -> None:
    """Makes the messages, and the index after them."""
    engine = open_engine(url)
    await migrate(engine, "realchat_message", "0004")
    connection = await asyncpg.connect(url)
    step = 100_000
    for first in range(1, rows + 1, step):
        await connection.execute(FILL, first, min(first + step - 1, rows), CONVERSATIONS, WORDS)
    await connection.execute(MEMBERS, SEARCHER)
    await migrate(engine, "realchat_message")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    await engine.dispose()


def queries(chance: random.Random, count: int) -> list[str]:
    """Words as often as messages have them, by themselves and together."""

    def word() -> str:
        return f"w{int(WORDS * chance.random() ** 3)}"

    shapes = [
        lambda: word(),
        lambda: f"{word()} {word()}",
        lambda: f'"{word()} {word()}"',
        lambda: f"{word()} {word()[:4]}*",
    ]
    return [shapes[n % len(shapes)]() for n in range(count)]


async def main() -> None:
    """Fills the database unless told not to, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="an empty database")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--searches", type=int, default=400)
    parser.add_argument("--filled", action="store_true", help="the database was filled before")
    options = parser.parse_args()
    if not options.filled:
        await filled(options.url, options.rows)
    engine = open_engine(options.url)
    search = MessageSearch(engine)
    took: list[tuple[float, int, str]] = []
    for query in queries(random.Random(7), options.searches):
        began = time.perf_counter()
        hits, _ = await search.find(Search(parse_query(query)), SEARCHER, 50, now_ms(), None)
        took.append((1000 * (time.perf_counter() - began), len(hits), query))
    await engine.dispose()
    percentiles = statistics.quantiles([each for each, _, _ in took], n=100)
    print(f"{options.rows} messages, {len(took)} searches, one at a time:", end=" ")
    print(", ".join(f"p{n} {percentiles[n - 1]:.1f} ms" for n in (50, 95, 99)))
    for milliseconds, shown, query in sorted(took, reverse=True)[:5]:
        print(f"  {milliseconds:.1f} ms, {shown} shown: {query}")


if __name__ == "__main__":
    asyncio.run(main())
