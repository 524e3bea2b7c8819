"""Logs in memory: conversations to write in, and what the topics tell of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from realchat_delivery.append import Answer, Appended, Outcome, Pending
from realchat_delivery.domain import Audience, Reader
from realchat_delivery.frames import Change
from realchat_delivery.messages import InboxEntry, InboxPage, LogPage, Synced
from realchat_delivery.receipts import Mark, Who

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.ids import new_id, now_ms
from realchat_common.telemetry import trace_headers

EPOCH = "epoch-1"

Frame = dict[str, Any]


@dataclass
class Conversation:
    """A log in memory, with its readers' spans."""

    conversation_id: str = field(default_factory=new_id)
    events: list[pb.Event] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    members_seq: int = 0
    apart: bool = False

    @property
    def last_seq(self) -> int:
        return len(self.events)

    def _append(self, actor_id: str, **payload: Any) -> pb.Event:
        event = pb.Event(
            conversation_id=self.conversation_id,
            seq=self.last_seq + 1,
            event_id=new_id(),
            actor_id=actor_id,
            occurred_at_ms=now_ms(),
            **payload,
        )
        self.events.append(event)
        return event

    def says(self, sender_id: str, body: str, client_message_id: str = "") -> pb.Event:
        message = pb.MessageSent(message_id=new_id(), client_message_id=client_message_id or new_id(), body=body)
        return self._append(sender_id, message_sent=message)

    def adds(self, *user_ids: str) -> pb.Event:
        event = self._append(
            user_ids[0],
            members_added=pb.MembersAdded(
                members=[pb.Member(user_id=user_id, role=pb.ROLE_MEMBER) for user_id in user_ids]
            ),
        )
        self.readers += [Reader(user_id, event.seq, 0) for user_id in user_ids]
        self.members_seq = event.seq
        return event

    def removes(self, user_id: str) -> pb.Event:
        event = self._append(user_id, member_removed=pb.MemberRemoved(user_id=user_id))
        self.readers = [
            reader._replace(until_seq=event.seq) if (reader.user_id, reader.until_seq) == (user_id, 0) else reader
            for reader in self.readers
        ]
        self.members_seq = event.seq
        return event

    @property
    def audience(self) -> Audience:
        return Audience.of(self.members_seq, self.readers, apart=self.apart)

    def segment(self, *events: pb.Event) -> pb.Segment:
        return pb.Segment(
            conversation_id=self.conversation_id,
            first_seq=events[0].seq,
            last_seq=events[-1].seq,
            members_seq=self.members_seq,
            events=events,
        )


class Logs:
    """The message service, as delivery's port has it."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.away = False
        self.appending = asyncio.Event()
        self.appending.set()
        self.reading = asyncio.Event()
        self.reading.set()
        self.synced = 0
        self.pages_read: list[tuple[str, int, int]] = []
        self.batches: list[int] = []
        self.answers_with_segments = False
        self.traceparent = ""
        """Of the newest append."""
        self.moves: list[dict[Who, Mark]] = []
        self.moves_asked = 0
        self.appended: asyncio.Queue[tuple[Conversation, list[pb.Event]]] = asyncio.Queue()

    def conversation(self, *user_ids: str) -> Conversation:
        conversation = Conversation()
        conversation.adds(*user_ids)
        self.conversations[conversation.conversation_id] = conversation
        return conversation

    def _answer(self) -> None:
        if self.away:
            raise RealChatError(Code.UNAVAILABLE)

    async def append(self, conversation_id: str, batch: Sequence[Pending], seconds: float) -> Answer:
        await self.appending.wait()
        self._answer()
        self.batches.append(len(batch))
        self.traceparent = trace_headers().get("traceparent", "")
        conversation = self.conversations.get(conversation_id)
        outcomes: list[Outcome] = []
        new: list[pb.Event] = []
        for pending in batch:
            if conversation is None or not conversation.audience.may_read(pending.sender_id, 2**52):
                outcomes.append(RealChatError(Code.CONVERSATION_NOT_FOUND))
                continue
            key = (pending.sender_id, pending.client_message_id)
            event = next(
                (e for e in conversation.events if (e.actor_id, e.message_sent.client_message_id) == key), None
            )
            duplicate = event is not None
            if event is None:
                event = conversation.says(pending.sender_id, pending.body, pending.client_message_id)
                new.append(event)
            outcomes.append(Appended(event.message_sent.message_id, event.seq, event.occurred_at_ms, duplicate))
        if conversation is None or not new:
            return Answer(outcomes)
        self.appended.put_nowait((conversation, new))
        return Answer(outcomes, [conversation.segment(*new)] if self.answers_with_segments else ())

    async def change(self, user: User, change: Change) -> Appended:
        raise RealChatError(Code.MESSAGE_NOT_FOUND)

    async def sync(self, user: User, positions: Mapping[str, int]) -> tuple[Sequence[Synced], str]:
        self._answer()
        self.synced += 1
        answers = []
        for conversation_id, seq in positions.items():
            conversation = self.conversations.get(conversation_id)
            if conversation is None or not conversation.audience.may_read(user.user_id, 2**52):
                answers.append(Synced(conversation_id, [], 0, False, True))
                continue
            missed = [
                event for event in conversation.events[seq:] if conversation.audience.may_read(user.user_id, event.seq)
            ]
            truncated = len(missed) > 200
            answers.append(
                Synced(conversation_id, [] if truncated else missed, conversation.last_seq, truncated, False)
            )
        await self.reading.wait()  # after the look: what is appended meanwhile is not in the answer
        return answers, EPOCH

    async def inbox(self, user: User, cursor: str) -> InboxPage:
        self._answer()
        mine = [
            InboxEntry(conversation.conversation_id, conversation.last_seq, conversation.events[-1].occurred_at_ms)
            for conversation in self.conversations.values()
            if conversation.audience.may_read(user.user_id, 2**52)
        ]
        mine.sort(key=lambda entry: -entry.last_activity_ms)
        start = int(cursor or 0)
        return InboxPage(mine[start : start + 2], str(start + 2) if start + 2 < len(mine) else "", EPOCH)

    async def read_log(self, conversation_id: str, first_seq: int, limit: int) -> LogPage:
        self.pages_read.append((conversation_id, first_seq, limit))
        await self.reading.wait()
        self._answer()
        conversation = self.conversations[conversation_id]
        return LogPage(conversation.events[first_seq - 1 : first_seq - 1 + limit], conversation.members_seq)

    async def audience(self, conversation_id: str) -> Audience:
        self._answer()
        if conversation_id not in self.conversations:
            raise RealChatError(Code.CONVERSATION_NOT_FOUND)
        return self.conversations[conversation_id].audience

    async def move(self, marks: Mapping[Who, Mark]) -> None:
        self.moves_asked += 1
        self._answer()
        self.moves.append(dict(marks))


def cloud_event(data: bytes | Frame, kind: str, **more: Any) -> Frame:
    event: Frame = {"id": new_id(), "type": kind, "specversion": "1.0", "source": "message", **more}
    return event | ({"data_base64": data} if isinstance(data, bytes) else {"data": data})


def pointer(conversation: Conversation, first_seq: int, last_seq: int) -> Frame:
    seqs = {"first_seq": str(first_seq), "last_seq": str(last_seq)}
    return cloud_event({"conversation_id": conversation.conversation_id, **seqs}, "chat.pointer")
