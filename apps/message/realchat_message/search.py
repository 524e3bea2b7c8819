"""Full-text search over the messages that somebody may read now.

Words are PostgreSQL's, in the configuration `simple`: lower case and nothing else, so that every language is found as
it is written. Source: https://www.postgresql.org/docs/15/textsearch-controls.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from uuid import UUID

from sqlalchemy import Float, Text, cast, desc, func, literal_column, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from chat.event.v1 import event_pb2
from chat.message.v1 import search_pb2 as pb
from realchat_common.database import transaction
from realchat_common.errors import Code, RealChatError
from realchat_message.access import readable_by
from realchat_message.standing import as_they_stand
from realchat_message.tables import Entry, Member

MOST_QUERY_CHARACTERS = 256
MOST_TERMS = 16
RANKED = 500
"""So many of the newest matches are ranked; who has more asks for something more particular."""

_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_SIMPLE: ColumnElement[str] = literal_column("'simple'::regconfig")


@dataclass(frozen=True, slots=True)
class Term:
    """A word or several that follow each other; with `prefix`, the last one is only the beginning of a word."""

    words: str
    prefix: bool = False


Position = tuple[int, float, int, str]
"""When the first page was made, then the last hit's rank, time and id."""


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for. Empty and 0 mean anything."""

    terms: tuple[Term, ...]
    conversation_ids: tuple[str, ...] = ()
    sender_id: str = ""
    since_ms: int = 0
    until_ms: int = 0


def parse_query(query: str) -> tuple[Term, ...]:
    """The terms of a query as people type it.

    Raises:
        RealChatError: invalid_argument when there is no word in it, or too many.
    """
    query = unicodedata.normalize("NFC", query)
    if len(query) > MOST_QUERY_CHARACTERS or "\0" in query:
        raise RealChatError(
            Code.INVALID_ARGUMENT, f"a query is 1 to {MOST_QUERY_CHARACTERS} characters of text", field="query"
        )
    terms = []
    for phrase, word in _TERM.findall(query):
        words = (phrase or word).rstrip("*")
        if any(character.isalnum() for character in words):
            terms.append(Term(words.strip(), prefix=not phrase and word.endswith("*")))
    if not 1 <= len(terms) <= MOST_TERMS:
        raise RealChatError(Code.INVALID_ARGUMENT, f"a query has 1 to {MOST_TERMS} words", field="query")
    return tuple(terms)


def highlights(body: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Where the terms are in a body: start and length in code points, in order, not overlapping.

    A client puts marks there itself: text that comes with markup in it would have to be trusted.
    """
    patterns = []
    for term in terms:
        words = r"\W+".join(re.escape(word) for word in re.findall(r"\w+", term.words))
        patterns.append(rf"\b{words}" + (r"\w*" if term.prefix else r"\b"))
    spans: list[tuple[int, int]] = []
    found = (match.span() for pattern in patterns for match in re.finditer(pattern, body, re.IGNORECASE))
    for start, end in sorted(found):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return [(start, end - start) for start, end in spans]


def _tsquery(term: Term) -> ColumnElement[str]:
    words = func.phraseto_tsquery(_SIMPLE, term.words, type_=TSQUERY)
    if not term.prefix:
        return words
    # Its text ends with the last word in quotes; empty stays empty.
    beginning = func.regexp_replace(cast(words, Text), "'$", "':*")
    return cast(beginning, TSQUERY)


class MessageSearch:
    """Finds messages in the read model."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(
        self, search: Search, user_id: str, limit: int, now_ms: int, after: Position | None
    ) -> tuple[list[pb.SearchHit], Position | None]:
        """The best hits, newer ones first where they are equally good.

        Args:
            search: what is looked for.
            user_id: who looks.
            limit: hits at most.
            now_ms: what is sent later is not found, so that later pages go on where this one ends.
            after: the last hit of the page before.

        Returns:
            The hits, and the position of the last one when there are more.

        Raises:
            RealChatError: conversation_not_found.
        """
        begun_ms = after[0] if after else now_ms
        words = func.to_tsvector(_SIMPLE, col(Entry.body))
        wanted = reduce(lambda both, term: both.op("&&")(term), map(_tsquery, search.terms))
        user = UUID(user_id)
        matches = select(Entry).where(
            col(Entry.client_message_id).is_not(None),
            ~col(Entry.redacted),
            words.op("@@")(wanted),
            col(Entry.occurred_at_ms) <= begun_ms,
            readable_by(user),
        )
        if search.sender_id:
            matches = matches.where(col(Entry.actor_id) == UUID(search.sender_id))
        if search.since_ms:
            matches = matches.where(col(Entry.occurred_at_ms) >= search.since_ms)
        if search.until_ms:
            matches = matches.where(col(Entry.occurred_at_ms) < search.until_ms)
        async with transaction(self._engine) as session:
            conversations = await _conversations(session, user, search.conversation_ids)
            if not conversations:
                return [], None
            newest = (
                matches.where(col(Entry.conversation_id) == func.any(conversations))
                .order_by(col(Entry.occurred_at_ms).desc(), col(Entry.event_id).desc())
                .limit(RANKED)
                .subquery()
            )
            hit = aliased(Entry, newest)
            rank = cast(func.ts_rank_cd(func.to_tsvector(_SIMPLE, hit.body), wanted, 1), Float(53))
            order = (rank, col(hit.occurred_at_ms), col(hit.event_id))
            best = select(hit, rank).order_by(*(desc(column) for column in order)).limit(limit + 1)
            if after:
                best = best.where(tuple_(*order) < tuple_(after[1], after[2], UUID(after[3])))
            # How many rows match depends on the words, so no plan is good for all.
            await (await session.connection()).exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
            rows = list(await session.exec(best))
            events = await as_they_stand(session, [entry for entry, _ in rows[:limit]], user)
        hits = [pb.SearchHit(message=event, highlights=_marks(event, search.terms)) for event in events]
        if len(rows) <= limit:
            return hits, None
        last, last_rank = rows[limit - 1]
        return hits, (begun_ms, last_rank, last.occurred_at_ms, str(last.event_id))

    async def own(self, user_id: str, limit: int, after: tuple[str, int] | None) -> list[event_pb2.Event]:
        """What somebody has sent and is not deleted, wherever that was, by conversation and seq.

        Args:
            user_id: whose.
            limit: messages at most.
            after: the conversation and seq of the last message of the page before.
        """
        user = UUID(user_id)
        theirs = select(Member.conversation_id).where(col(Member.user_id) == user)
        messages = (
            select(Entry)
            .where(
                col(Entry.conversation_id).in_(theirs),
                col(Entry.actor_id) == user,
                col(Entry.client_message_id).is_not(None),
                ~col(Entry.redacted),
            )
            .order_by(col(Entry.conversation_id), col(Entry.seq))
            .limit(limit)
        )
        if after:
            place = (UUID(after[0]), after[1])
            messages = messages.where(tuple_(col(Entry.conversation_id), col(Entry.seq)) > tuple_(*place))
        async with transaction(self._engine) as session:
            return await as_they_stand(session, list(await session.exec(messages)))


def _marks(event: event_pb2.Event, terms: Sequence[Term]) -> list[pb.Highlight]:
    return [pb.Highlight(start=start, length=length) for start, length in highlights(event.message_sent.body, terms)]


async def _conversations(session: AsyncSession, user: UUID, wanted: Sequence[str]) -> list[UUID]:
    """Those of somebody's conversations that are wanted, all for none. Raises conversation_not_found."""
    query = select(col(Member.conversation_id)).where(col(Member.user_id) == user, col(Member.until_seq) == 0)
    if wanted:
        query = query.where(col(Member.conversation_id).in_([UUID(each) for each in wanted]))
    found = list(await session.exec(query))
    if wanted and len(found) < len(set(wanted)):
        raise RealChatError(Code.CONVERSATION_NOT_FOUND, field="conversation_id")
    return found
