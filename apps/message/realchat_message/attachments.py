"""Files that messages carry: announced, stored, attached, removed.

They are the message service's, since only the log says who may read a message, and so its files; since a message takes
its files in the transaction that appends it; and since they go with it when it is deleted.

Invariants, with the tests that break when they go (tests/service/message/test_attachments.py): a file belongs to one
message at most; only who may read that message now gets its bytes; what no message took, or was deleted with one, is
removed, bytes first, by one replica; what waits with a scheduled message is kept for it (test_schedule.py). Replicas
share the work by row locks (`FOR UPDATE SKIP LOCKED`): a lock ends with its transaction whatever becomes of its holder,
survives restarts, and needs nothing that is not there anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
from prometheus_client import Counter

from chat.event.v1 import event_pb2
from chat.message.v1 import attachment_pb2 as pb
from chat.message.v1.schedule_pb2 import Scheduled
from realchat_common.database import answering
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import now_ms
from realchat_message.blobs import Blobs
from realchat_message.domain import Attachable, NewMessage
from realchat_message.files import MOST_BYTES, THUMBNAIL_TYPE, File, examine

if TYPE_CHECKING:
    from realchat_message.domain import Intent
    from realchat_message.projection import Connection

LOOSE_MS = 24 * 3600 * 1000
"""How long a file waits for a message."""
MOST_WAITING = 50
"""Files of one person that wait for a message, at once."""
LOOK_SECONDS = 2.0
MOST_AT_ONCE = 20
STORED_AT_ONCE = 2
"""An opened picture takes up to 160 MB, and each has one of the log's connections."""

REMOVED = Counter("realchat_attachments_removed_total", "Files that were removed, with their bytes.")
QUARANTINED = Counter("realchat_attachments_quarantined_total", "Files whose bytes are not what was announced.")


class Attachments:
    """Keeps files.

    Args:
        pool: the service's database.
        blobs: where the bytes are.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], blobs: Blobs) -> None:
        self._pool = pool
        self._blobs = blobs
        self._storing = asyncio.Semaphore(STORED_AT_ONCE)

    async def create(
        self, attachment_id: str, conversation_id: str, user_id: str, name: str, content_type: str, size: int
    ) -> None:
        """Announces a file. Raises conversation_not_found; rate_limited when too many of the user's wait."""
        with answering():
            row = await self._pool.fetchrow(
                _CREATE,
                attachment_id,
                conversation_id,
                user_id,
                name,
                content_type,
                size,
                now_ms() + LOOSE_MS,
                MOST_WAITING,
            )
        assert row is not None
        if not row["member"]:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        if not row["made"]:
            raise RealChatError(Code.RATE_LIMITED, f"{MOST_WAITING} files wait for a message", retry_after=3600)

    async def store(self, attachment_id: str, user_id: str, data: bytes) -> pb.StoredAttachment:
        """Takes a file's bytes, once.

        Raises:
            RealChatError: attachment_not_found, invalid_argument, payload_too_large, attachment_quarantined.
        """
        if len(data) > MOST_BYTES:
            raise RealChatError(Code.PAYLOAD_TOO_LARGE)
        with answering():
            async with self._storing, self._pool.acquire() as connection, connection.transaction():
                # Locked until it is noted what the bytes are: another upload cannot put others in their place.
                announced = await connection.fetchrow(_TAKE, attachment_id, user_id, pb.ATTACHMENT_STATE_PENDING)
                if announced is None:
                    raise RealChatError(Code.ATTACHMENT_NOT_FOUND)
                if len(data) != announced["size"]:
                    raise RealChatError(
                        Code.INVALID_ARGUMENT, f"{announced['size']} bytes were announced", field="size"
                    )
                found = await asyncio.to_thread(examine, data, announced["content_type"])
                await self._blobs.put(_key(attachment_id), data)
                if found.thumbnail:
                    await self._blobs.put(_key(attachment_id, thumbnail=True), found.thumbnail)
                row = await _note(connection, attachment_id, found)
        if not found.matches:
            QUARANTINED.inc()
            raise RealChatError(Code.ATTACHMENT_QUARANTINED, f"the bytes are {found.content_type}")
        return _stored(row)

    async def get(self, attachment_id: str, user_id: str) -> pb.StoredAttachment:
        """What is known of a file that somebody may see. Raises attachment_not_found."""
        with answering():
            row = await self._pool.fetchrow(_SEEN, attachment_id, user_id)
        if row is None:
            raise RealChatError(Code.ATTACHMENT_NOT_FOUND)
        return _stored(row)

    async def read(self, attachment_id: str, user_id: str, *, thumbnail: bool) -> pb.ReadAttachmentResponse:
        """The bytes of a file that somebody may see. Raises attachment_not_found."""
        found = await self.get(attachment_id, user_id)
        if found.state != pb.ATTACHMENT_STATE_READY or (thumbnail and not found.has_thumbnail):
            raise RealChatError(Code.ATTACHMENT_NOT_FOUND)
        return pb.ReadAttachmentResponse(
            data=await self._blobs.get(_key(attachment_id, thumbnail=thumbnail)),
            content_type=THUMBNAIL_TYPE if thumbnail else found.content_type,
            name=found.name,
        )

    async def run(self) -> None:
        """Removes what is to be removed; ends only by cancellation."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            while await self.remove(now_ms()) == MOST_AT_ONCE:
                pass

    async def remove(self, at_ms: int) -> int:
        """One round: removes some of what is due, and returns how many. What another replica removes is left to it."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                """
                SELECT attachment_id, state, has_thumbnail FROM attachment
                WHERE remove_after_ms <= $1 AND scheduled_id IS NULL
                ORDER BY remove_after_ms LIMIT $2 FOR UPDATE SKIP LOCKED
                """,
                at_ms,
                MOST_AT_ONCE,
            )
            for row in rows:
                attachment_id = str(row["attachment_id"])
                await self._blobs.delete(_key(attachment_id))
                await self._blobs.delete(_key(attachment_id, thumbnail=True))
            await connection.execute(
                "DELETE FROM attachment WHERE attachment_id = ANY($1)", [row["attachment_id"] for row in rows]
            )
        REMOVED.inc(len(rows))
        return len(rows)


async def _note(connection: Connection, attachment_id: str, found: File) -> asyncpg.Record:
    row = await connection.fetchrow(
        """
        UPDATE attachment SET state = $2, content_type = $3, width = $4, height = $5, has_thumbnail = $6
        WHERE attachment_id = $1 RETURNING *
        """,
        attachment_id,
        pb.ATTACHMENT_STATE_READY if found.matches else pb.ATTACHMENT_STATE_QUARANTINED,
        found.content_type,
        found.width,
        found.height,
        bool(found.thumbnail),
    )
    assert row is not None
    return row


def _key(attachment_id: str, *, thumbnail: bool = False) -> str:
    return f"{attachment_id}/{'thumbnail' if thumbnail else 'content'}"


def _stored(row: asyncpg.Record) -> pb.StoredAttachment:
    return pb.StoredAttachment(
        attachment_id=str(row["attachment_id"]),
        conversation_id=str(row["conversation_id"]),
        name=row["name"],
        content_type=row["content_type"],
        size=row["size"],
        width=row["width"],
        height=row["height"],
        has_thumbnail=row["has_thumbnail"],
        state=row["state"],
    )


async def attachable(connection: Connection, conversation_id: str, intents: Sequence[Intent]) -> dict[str, Attachable]:
    """Those of the files that intents want to carry which no message has yet, locked until the transaction ends."""
    wanted = [each for intent in intents if isinstance(intent, NewMessage) for each in intent.attachment_ids]
    if not wanted:
        return {}
    rows = await connection.fetch(
        """
        SELECT * FROM attachment WHERE conversation_id = $1 AND attachment_id = ANY($2::uuid[]) AND state = $3
        AND message_id IS NULL ORDER BY attachment_id FOR UPDATE
        """,
        conversation_id,
        wanted,
        pb.ATTACHMENT_STATE_READY,
    )
    found = {}
    for row in rows:
        stored = _stored(row)
        attachment = event_pb2.Attachment(
            attachment_id=stored.attachment_id,
            name=stored.name,
            content_type=stored.content_type,
            size=stored.size,
            width=stored.width,
            height=stored.height,
            has_thumbnail=stored.has_thumbnail,
        )
        held_for = str(row["scheduled_id"]) if row["scheduled_id"] else ""
        found[stored.attachment_id] = Attachable(str(row["owner_id"]), attachment, held_for)
    return found


async def hold(connection: Connection, asked: Scheduled, user_id: str) -> None:
    """Keeps files for a message that is sent later, from whatever else would take or remove them.

    Raises:
        RealChatError: attachment_not_found for a file that is not the user's own, or not free.
    """
    if not asked.attachment_ids:
        return
    held = await connection.fetch(
        """
        UPDATE attachment SET scheduled_id = $1 WHERE attachment_id = ANY($2::uuid[]) AND conversation_id = $3
        AND owner_id = $4 AND state = $5 AND message_id IS NULL AND scheduled_id IS NULL RETURNING attachment_id
        """,
        asked.scheduled_id,
        list(asked.attachment_ids),
        asked.conversation_id,
        user_id,
        pb.ATTACHMENT_STATE_READY,
    )
    if len(held) < len(asked.attachment_ids):
        raise RealChatError(Code.ATTACHMENT_NOT_FOUND, field="attachment_ids")


async def release(connection: Connection, scheduled_ids: Sequence[UUID], at_ms: int) -> None:
    """Lets go of what scheduled messages held and never will carry; it is free for a while, as if it were new."""
    await connection.execute(
        "UPDATE attachment SET scheduled_id = NULL, remove_after_ms = $2 WHERE scheduled_id = ANY($1::uuid[])",
        scheduled_ids,
        at_ms + LOOSE_MS,
    )


_CREATE = """
    WITH member AS (
        SELECT FROM member WHERE conversation_id = $2 AND user_id = $3 AND until_seq = 0
    ), waiting AS (
        SELECT count(*) AS files FROM attachment
        WHERE owner_id = $3 AND message_id IS NULL AND remove_after_ms IS NOT NULL
    ), made AS (
        INSERT INTO attachment (attachment_id, conversation_id, owner_id, name, content_type, size, remove_after_ms)
        SELECT $1, $2, $3, $4, $5, $6, $7 FROM member, waiting WHERE files < $8
        RETURNING attachment_id
    )
    SELECT EXISTS (SELECT FROM member) AS member, EXISTS (SELECT FROM made) AS made
"""
_TAKE = """
    SELECT content_type, size FROM attachment WHERE attachment_id = $1 AND owner_id = $2 AND state = $3
    FOR UPDATE SKIP LOCKED
"""
_SEEN = """
    SELECT attachment.* FROM attachment
    WHERE attachment_id = $1 AND CASE WHEN message_id IS NULL THEN owner_id = $2
    ELSE remove_after_ms IS NULL AND EXISTS (
        SELECT FROM entry
        JOIN member span USING (conversation_id)
        JOIN member now USING (conversation_id)
        WHERE entry.conversation_id = attachment.conversation_id AND entry.event_id = attachment.message_id
          AND span.user_id = $2 AND entry.seq >= span.from_seq AND (span.until_seq = 0 OR entry.seq <= span.until_seq)
          AND now.user_id = $2 AND now.until_seq = 0
    ) END
"""
