"""The message service, as delivery needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from chat.event.v1 import event_pb2 as events
from chat.message.v1 import message_pb2 as pb
from chat.message.v1 import message_pb2_grpc as rpc
from realchat_common.errors import CODES, Code, RealChatError
from realchat_common.identity import User
from realchat_common.rpc import Peer
from realchat_delivery.append import Answer, Appended, Outcome, Pending
from realchat_delivery.domain import Audience, Reader
from realchat_delivery.frames import Change, Delete, Edit, React
from realchat_delivery.receipts import Mark, Who

SYNC_LIMIT = 200
"""Events per conversation that a resume sends; who missed more pages through the history."""
INBOX_LIMIT = 200


class LogPage(NamedTuple):
    """Events of a log in ascending seq, and the version of the audience up to its end."""

    events: Sequence[events.Event]
    members_seq: int


class Synced(NamedTuple):
    """What somebody missed in one conversation."""

    conversation_id: str
    events: Sequence[events.Event]
    last_seq: int
    truncated: bool
    forbidden: bool


class InboxEntry(NamedTuple):
    """A conversation of somebody's, and where its log ends."""

    conversation_id: str
    last_seq: int
    last_activity_ms: int


class InboxPage(NamedTuple):
    """Conversations by newest activity. `next_cursor` is empty on the last page."""

    entries: Sequence[InboxEntry]
    next_cursor: str
    epoch: str


class Messages(Protocol):
    """The port. Every method raises RealChatError."""

    async def append(self, conversation_id: str, batch: Sequence[Pending], seconds: float) -> Answer:
        """Appends messages within so many seconds."""

    async def change(self, user: User, change: Change) -> Appended:
        """Changes a message, for a user."""

    async def sync(self, user: User, positions: Mapping[str, int]) -> tuple[Sequence[Synced], str]:
        """What the user missed after the given seqs, and the log's epoch."""

    async def inbox(self, user: User, cursor: str) -> InboxPage:
        """A page of the user's conversations."""

    async def read_log(self, conversation_id: str, first_seq: int, limit: int) -> LogPage:
        """Events from first_seq on."""

    async def audience(self, conversation_id: str) -> Audience:
        """Who may read what."""

    async def move(self, marks: Mapping[Who, Mark]) -> None:
        """Moves up to 500 receipts forward, of those who are members."""


class RpcMessages:
    """The port over gRPC."""

    def __init__(self, peer: Peer[rpc.MessageServiceAsyncStub]) -> None:
        self._peer = peer

    async def append(self, conversation_id: str, batch: Sequence[Pending], seconds: float) -> Answer:
        """As Messages says."""
        request = pb.AppendMessagesRequest(
            conversation_id=conversation_id,
            messages=[
                pb.NewMessage(
                    sender_id=pending.sender_id,
                    client_message_id=pending.client_message_id,
                    body=pending.body,
                    reply_to=pending.reply_to,
                    mentions=pending.mentions,
                    mention_all=pending.mention_all,
                    attachment_ids=pending.attachment_ids,
                )
                for pending in batch
            ],
            fans_out=True,
        )
        answer = await self._peer.call(self._peer.stub.AppendMessages, request, deadline=seconds)
        return Answer([_outcome(result) for result in answer.results], answer.segments)

    async def change(self, user: User, change: Change) -> Appended:
        """As Messages says."""
        stub, which = self._peer.stub, {"conversation_id": change.conversation_id, "message_id": change.message_id}
        answer: pb.EditMessageResponse | pb.DeleteMessageResponse | pb.ReactToMessageResponse
        match change:
            case Edit():
                edit = pb.EditMessageRequest(
                    **which, body=change.body, mentions=change.mentions, mention_all=change.mention_all
                )
                answer = await self._peer.call(stub.EditMessage, edit, user)
            case Delete():
                answer = await self._peer.call(stub.DeleteMessage, pb.DeleteMessageRequest(**which), user)
            case React():
                reaction = pb.ReactToMessageRequest(**which, emoji=change.emoji, remove=change.remove)
                answer = await self._peer.call(stub.ReactToMessage, reaction, user)
        return Appended(change.message_id, answer.seq, answer.at_ms, answer.unchanged)

    async def sync(self, user: User, positions: Mapping[str, int]) -> tuple[Sequence[Synced], str]:
        """As Messages says."""
        request = pb.SyncConversationsRequest(
            positions=[
                pb.SyncPosition(conversation_id=conversation_id, after_seq=seq)
                for conversation_id, seq in positions.items()
            ],
            limit=SYNC_LIMIT,
        )
        answer = await self._peer.call(self._peer.stub.SyncConversations, request, user)
        return [
            Synced(entry.conversation_id, entry.events, entry.last_seq, entry.truncated, entry.forbidden)
            for entry in answer.conversations
        ], answer.epoch

    async def inbox(self, user: User, cursor: str) -> InboxPage:
        """As Messages says."""
        request = pb.ListInboxRequest(limit=INBOX_LIMIT, cursor=cursor)
        answer = await self._peer.call(self._peer.stub.ListInbox, request, user)
        entries = [
            InboxEntry(entry.conversation_id, entry.last_seq, entry.last_activity_at_ms) for entry in answer.entries
        ]
        return InboxPage(entries, answer.next_cursor, answer.epoch)

    async def read_log(self, conversation_id: str, first_seq: int, limit: int) -> LogPage:
        """As Messages says."""
        request = pb.ReadLogRequest(conversation_id=conversation_id, first_seq=first_seq, limit=limit)
        answer = await self._peer.call(self._peer.stub.ReadLog, request)
        return LogPage(answer.events, answer.members_seq)

    async def audience(self, conversation_id: str) -> Audience:
        """As Messages says."""
        request = pb.GetAudienceRequest(conversation_id=conversation_id)
        answer = await self._peer.call(self._peer.stub.GetAudience, request)
        readers = [Reader(entry.user_id, entry.from_seq, entry.until_seq) for entry in answer.readers]
        return Audience.of(answer.members_seq, readers, apart=answer.apart)

    async def move(self, marks: Mapping[Who, Mark]) -> None:
        """As Messages says."""
        request = pb.MarkReceiptsRequest(
            marks=[
                pb.ReceiptMark(
                    conversation_id=conversation_id,
                    user_id=user_id,
                    delivered_up_to=mark.delivered_up_to,
                    read_up_to=mark.read_up_to,
                )
                for (conversation_id, user_id), mark in marks.items()
            ]
        )
        await self._peer.call(self._peer.stub.MarkReceipts, request)


def _outcome(result: pb.AppendResult) -> Outcome:
    if result.HasField("appended"):
        appended = result.appended
        return Appended(appended.message_id, appended.seq, appended.sent_at_ms, appended.duplicate)
    failure = result.failure
    return RealChatError(
        CODES.get(failure.code, Code.INTERNAL),
        failure.detail,
        field=failure.field or None,
        retry_after=failure.retry_after_ms / 1000 if failure.retry_after_ms else None,
    )
