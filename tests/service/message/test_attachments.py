"""Files that messages carry, on a real PostgreSQL: who may have them, and when they go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from realchat_message.acts import Delete
from realchat_message.attachments import LOOSE_MS, MOST_WAITING, Attachments
from realchat_message.domain import Appended, NewMessage
from realchat_message.erasure import Eraser
from realchat_message.log import ConversationLog
from service.message.room import ALICE, BOB, CAROL, Room, begun, code, joining, removal

from chat.message.v1 import attachment_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, now_ms

TEXT = b"what is in the file"


@dataclass
class Folder:
    """Bytes in memory; `away` is when it cannot be reached."""

    files: dict[str, bytes] = field(default_factory=dict)
    away: bool = False

    async def put(self, key: str, data: bytes) -> None:
        await asyncio.sleep(0.02)
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        self.files[key] = data

    async def get(self, key: str) -> bytes:
        return self.files[key]

    async def delete(self, key: str) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)
        self.files.pop(key, None)


@pytest.fixture
def folder() -> Folder:
    return Folder()


@pytest.fixture
def attachments(room: Room, folder: Folder) -> Attachments:
    return Attachments(room.pool, folder)


async def announced(attachments: Attachments, conversation: str, user: str = ALICE, size: int = len(TEXT)) -> str:
    attachment_id = new_id()
    await attachments.create(attachment_id, conversation, user, "notes.txt", "text/plain", size)
    return attachment_id


async def uploaded(attachments: Attachments, conversation: str, user: str = ALICE) -> str:
    attachment_id = await announced(attachments, conversation, user)
    await attachments.store(attachment_id, user, TEXT)
    return attachment_id


async def sent(log: ConversationLog, conversation: str, *files: str, sender: str = ALICE) -> str:
    (outcome,) = await log.append(conversation, [NewMessage(sender, new_id(), "", attachment_ids=files)])
    assert isinstance(outcome, Appended), outcome
    return outcome.event_id


async def refusal(asked: object) -> Code:
    with pytest.raises(RealChatError) as refused:
        await asked  # type: ignore[misc]
    return refused.value.code


async def test_a_message_carries_files_that_its_readers_get(room: Room, attachments: Attachments) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        file = await uploaded(attachments, conversation)
        assert await refusal(attachments.read(file, BOB, thumbnail=False)) is Code.ATTACHMENT_NOT_FOUND
        await sent(log, conversation, file)
    for reader in (ALICE, BOB):
        found = await attachments.read(file, reader, thumbnail=False)
        assert (found.data, found.content_type, found.name) == (TEXT, "text/plain", "notes.txt")
    assert await refusal(attachments.read(file, CAROL, thumbnail=False)) is Code.ATTACHMENT_NOT_FOUND
    assert await refusal(attachments.read(file, BOB, thumbnail=True)) is Code.ATTACHMENT_NOT_FOUND
    for event in (
        (await room.store.history(conversation, BOB, "after", 1, 1)).events[0],
        room.lane.segments[-1].events[0],
        (await room.store.read_log(conversation, 2, 1)).events[0],
    ):
        (attachment,) = event.message_sent.attachments
        assert (attachment.attachment_id, attachment.size) == (file, len(TEXT))


async def test_who_left_or_came_later_gets_no_file_of_what_they_cannot_read(
    room: Room, attachments: Attachments
) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        file = await uploaded(attachments, conversation)
        await sent(log, conversation, file)
        await log.append(conversation, [joining(CAROL)])
        assert await refusal(attachments.get(file, CAROL)) is Code.ATTACHMENT_NOT_FOUND
        await log.append(conversation, [removal(BOB)])
        assert await refusal(attachments.get(file, BOB)) is Code.ATTACHMENT_NOT_FOUND


async def test_a_file_belongs_to_one_message_of_its_owner_in_its_conversation(
    room: Room, attachments: Attachments
) -> None:
    async with room.writer() as log:
        conversation, other = await begun(log, ALICE, BOB), await begun(log, ALICE, BOB)
        file, unstored = await uploaded(attachments, conversation), await announced(attachments, conversation)
        tries = [
            (conversation, NewMessage(BOB, "1", "", attachment_ids=(file,))),
            (other, NewMessage(ALICE, "1", "", attachment_ids=(file,))),
            (conversation, NewMessage(ALICE, "1", "", attachment_ids=(file, unstored))),
            (conversation, NewMessage(ALICE, "1", "", attachment_ids=(new_id(),))),
        ]
        for where, message in tries:
            (refused,) = await log.append(where, [message])
            assert code(refused) is Code.ATTACHMENT_NOT_FOUND
        messages = [NewMessage(ALICE, f"at once {n}", "", attachment_ids=(file,)) for n in range(3)]
        outcomes = await log.append(conversation, messages)
        assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
        (again,) = await log.append(conversation, [messages[0]])
        assert isinstance(again, Appended)
        assert again.duplicate


async def test_what_a_file_is_not_is_quarantined(room: Room, attachments: Attachments, folder: Folder) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        file = new_id()
        await attachments.create(file, conversation, ALICE, "cat.png", "image/png", len(TEXT))
        assert await refusal(attachments.store(file, ALICE, TEXT)) is Code.ATTACHMENT_QUARANTINED
        assert (await attachments.get(file, ALICE)).state == pb.ATTACHMENT_STATE_QUARANTINED
        assert await refusal(attachments.read(file, ALICE, thumbnail=False)) is Code.ATTACHMENT_NOT_FOUND
        (refused,) = await log.append(conversation, [NewMessage(ALICE, "1", "", attachment_ids=(file,))])
    assert code(refused) is Code.ATTACHMENT_NOT_FOUND
    assert folder.files


async def test_bytes_come_once_from_who_announced_them(room: Room, attachments: Attachments, folder: Folder) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
    file = await announced(attachments, conversation)
    assert await refusal(attachments.store(file, BOB, TEXT)) is Code.ATTACHMENT_NOT_FOUND
    assert await refusal(attachments.store(file, ALICE, TEXT + b"!")) is Code.INVALID_ARGUMENT
    folder.away = True
    assert await refusal(attachments.store(file, ALICE, TEXT)) is Code.UNAVAILABLE
    folder.away = False
    others = [TEXT[:-1] + bytes([letter]) for letter in b"abc"]
    results = await asyncio.gather(*(attachments.store(file, ALICE, data) for data in others), return_exceptions=True)
    (first,) = (data for data, result in zip(others, results, strict=True) if isinstance(result, pb.StoredAttachment))
    assert folder.files[f"{file}/content"] == first
    assert await refusal(attachments.store(file, ALICE, TEXT)) is Code.ATTACHMENT_NOT_FOUND


async def test_only_members_announce_files_and_not_too_many(room: Room, attachments: Attachments) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
    assert await refusal(announced(attachments, conversation, CAROL)) is Code.CONVERSATION_NOT_FOUND
    for _ in range(MOST_WAITING):
        await announced(attachments, conversation)
    assert await refusal(announced(attachments, conversation)) is Code.RATE_LIMITED
    await announced(attachments, conversation, BOB)


async def test_files_that_no_message_took_in_a_day_are_removed_once_across_replicas(
    room: Room, attachments: Attachments, folder: Folder
) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE)
        taken = await uploaded(attachments, conversation)
        await sent(log, conversation, taken)
    for _ in range(30):
        await uploaded(attachments, conversation)
    assert await attachments.remove(now_ms()) == 0
    tomorrow = now_ms() + LOOSE_MS
    other = Attachments(room.pool, folder)
    folder.away = True
    assert await refusal(attachments.remove(tomorrow)) is Code.UNAVAILABLE
    folder.away = False
    removed = [await asyncio.gather(attachments.remove(tomorrow), other.remove(tomorrow)) for _ in range(3)]
    assert sum(map(sum, removed)) == 30
    assert list(folder.files) == [f"{taken}/content"]


async def test_a_files_bytes_and_name_go_with_its_message(room: Room, attachments: Attachments, folder: Folder) -> None:
    async with room.writer() as log:
        conversation = await begun(log, ALICE, BOB)
        file = await uploaded(attachments, conversation)
        message = await sent(log, conversation, file)
        await log.append(conversation, [Delete(ALICE, message)])
        assert await refusal(attachments.get(file, ALICE)) is Code.ATTACHMENT_NOT_FOUND
        await Eraser(room.pool, room.shelf).erase()
    assert await attachments.remove(now_ms()) == 1
    assert folder.files == {}
    assert not any(b"notes.txt" in segment for segment in room.shelf.segments.values())
    for table in ("entry", "attachment"):
        assert "notes.txt" not in str(await room.pool.fetch(f"SELECT * FROM {table}"))
