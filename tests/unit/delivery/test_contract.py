"""Frames and close codes are as contracts/asyncapi.yaml describes them."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest
from realchat_delivery.codec import EventFrame, JsonCodec
from realchat_delivery.frames import (
    Ack,
    ClientFrame,
    Close,
    Closed,
    Position,
    Ready,
    Receipt,
    Reconnect,
    Resumed,
    Seen,
    ServerFrame,
    ServerPing,
    ServerPong,
    ServerPresence,
    ServerTyping,
    Session,
    Settings,
    error_frame,
)
from support.contract import CONTRACT, FROM_CLIENTS, TO_CLIENTS, Message

from chat.event.v1 import event_pb2 as pb
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id, rfc3339
from realchat_common.wire import event_json

CODEC = JsonCodec()


def tag(frame: type[msgspec.Struct]) -> str:
    return str(frame.__struct_config__.tag)


def payload(data: bytes) -> dict[str, Any]:
    """What is in a WebSocket frame."""
    size = data[1]
    decoded: dict[str, Any] = msgspec.json.decode(data[2 if size < 126 else 4 if size == 126 else 10 :])
    return decoded


def test_the_contract_has_exactly_our_frames() -> None:
    assert set(FROM_CLIENTS) == {tag(frame) for frame in get_args(ClientFrame)}
    assert set(TO_CLIENTS) == {tag(frame) for frame in get_args(ServerFrame)} | {"event"}
    operations = CONTRACT["operations"].values()
    listed = {message["$ref"].rpartition("/")[2] for operation in operations for message in operation["messages"]}
    channels = CONTRACT["channels"].values()
    assert listed == {key for channel in channels for key in channel["messages"]}
    assert listed == set(CONTRACT["components"]["messages"])


FRAMES = [(FROM_CLIENTS, frame) for frame in get_args(ClientFrame)] + [
    (TO_CLIENTS, frame) for frame in get_args(ServerFrame)
]


@pytest.mark.parametrize(("messages", "frame"), FRAMES, ids=lambda value: getattr(value, "__name__", ""))
def test_each_frame_has_the_contracts_fields(messages: dict[str, Message], frame: type[msgspec.Struct]) -> None:
    schema = messages[tag(frame)].payload
    assert set(schema["properties"]) - {"type"} == {field.encode_name for field in msgspec.structs.fields(frame)}


@pytest.mark.parametrize("kind", sorted(FROM_CLIENTS))
def test_the_contracts_examples_of_client_frames_are_read(kind: str) -> None:
    for example in FROM_CLIENTS[kind].examples:
        assert FROM_CLIENTS[kind].violations(example) == []
        frame = CODEC.decode(msgspec.json.encode(example).decode())
        assert frame.__struct_config__.tag == kind


@pytest.mark.parametrize("kind", sorted(TO_CLIENTS))
def test_the_contracts_examples_of_server_frames_keep_the_contract(kind: str) -> None:
    for example in TO_CLIENTS[kind].examples:
        assert TO_CLIENTS[kind].violations(example) == []


SERVER_FRAMES: list[ServerFrame] = [
    Ready(
        id="1",
        protocol="realchat.v1",
        user_id=new_id(),
        session_id=new_id(),
        connection_id=new_id(),
        epoch=new_id(),
        ping_interval_ms=25_000,
    ),
    Resumed(epoch="e", conversations={new_id(): Position("history", 3), new_id(): Position("forbidden", 0)}),
    Ack(
        id="a",
        conversation_id=new_id(),
        client_message_id="c",
        message_id=new_id(),
        seq=1,
        at=rfc3339(0),
        duplicate=True,
    ),
    Receipt(conversation_id=new_id(), user_id=new_id(), delivered_up_to=2, read_up_to=1),
    Receipt(conversation_id=new_id(), user_id=new_id(), delivered_up_to=2, read_up_to=0, marked_unread=True),
    Ack(id="a", conversation_id=new_id(), message_id=new_id(), seq=1, at=rfc3339(0), duplicate=False),
    ServerTyping(conversation_id=new_id(), user_id=new_id(), state="start", expires_in_ms=6000),
    ServerTyping(conversation_id=new_id(), user_id=new_id(), state="stop"),
    ServerPresence(id="5", presences=[Seen(new_id(), "online"), Seen(new_id(), "offline", rfc3339(0))]),
    ServerPresence(presences=[]),
    Session(session_id=new_id(), status="revoked"),
    error_frame(RealChatError(Code.RATE_LIMITED, retry_after=0.25), "7"),
    error_frame(RealChatError(Code.INVALID_ARGUMENT, "no", field="body"), None),
    ServerPing(),
    ServerPong(id="x"),
    Reconnect(after_ms=0),
    Closed(code=Close.DRAIN, reason=Close.DRAIN.reason),
    Settings(conversation_id=new_id(), muted_until=None, pinned=True, archived=False, draft_at=rfc3339(1)),
]


@pytest.mark.parametrize("frame", SERVER_FRAMES, ids=lambda frame: type(frame).__name__)
def test_server_frames_keep_the_contract(frame: ServerFrame) -> None:
    encoded = payload(CODEC.encode(frame))
    assert TO_CLIENTS[encoded["type"]].violations(encoded) == []
    assert "id" not in encoded or encoded["id"]


def member() -> pb.Member:
    return pb.Member(user_id=new_id(), role=pb.ROLE_OWNER)


EVENTS: list[dict[str, Any]] = [
    {"message_sent": pb.MessageSent(message_id=new_id(), client_message_id="c", body="hé")},
    {"message_sent": pb.MessageSent(message_id=new_id(), client_message_id="c", reply_to=new_id(), redacted=True)},
    {"message_sent": pb.MessageSent(message_id=new_id(), client_message_id="c", body="b", edited_at_ms=1)},
    {
        "message_sent": pb.MessageSent(
            message_id=new_id(),
            client_message_id="c",
            attachments=[
                pb.Attachment(
                    attachment_id=new_id(), name="a.png", content_type="image/png", size=3, width=1, height=2
                ),
                pb.Attachment(attachment_id=new_id(), name="b.txt", content_type="text/plain", size=1),
            ],
        )
    },
    {
        "conversation_created": pb.ConversationCreated(
            kind=pb.CONVERSATION_KIND_GROUP, title="t", members=[member(), member()]
        )
    },
    {"members_added": pb.MembersAdded(members=[member()])},
    {"member_removed": pb.MemberRemoved(user_id=new_id())},
    {"member_left": pb.MemberLeft()},
    {"member_left": pb.MemberLeft(new_owner_id=new_id())},
    {"role_changed": pb.RoleChanged(user_id=new_id(), role=pb.ROLE_ADMIN)},
    {"message_edited": pb.MessageEdited(message_id=new_id(), body="b")},
    {"message_edited": pb.MessageEdited(message_id=new_id(), redacted=True)},
    {"message_edited": pb.MessageEdited(message_id=new_id(), body="b", mentions=[new_id()], mention_all=True)},
    {
        "message_sent": pb.MessageSent(
            message_id=new_id(), client_message_id="c", body="b", mentions=[new_id()], mention_all=True
        )
    },
    {"message_deleted": pb.MessageDeleted(message_id=new_id())},
    {"message_deleted": pb.MessageDeleted(message_id=new_id(), expired=True)},
    {"message_timer_set": pb.MessageTimerSet(seconds=60)},
    {"message_timer_set": pb.MessageTimerSet()},
    {"retention_set": pb.RetentionSet(days=30)},
    {"retention_set": pb.RetentionSet()},
    {
        "message_sent": pb.MessageSent(
            message_id=new_id(), client_message_id="c", poll=pb.Poll(options=["a", "b"], counts=[1, 0], voters=1)
        )
    },
    {"poll_voted": pb.PollVoted(message_id=new_id(), choices=[1])},
    {"poll_closed": pb.PollClosed(message_id=new_id())},
    {
        "message_sent": pb.MessageSent(
            message_id=new_id(), client_message_id="c", body="b", reactions=[pb.ReactionCount(emoji="👍", count=2)]
        )
    },
    {
        "message_sent": pb.MessageSent(
            message_id=new_id(),
            client_message_id="c",
            body="b",
            pinned=True,
            reply_count=2,
            last_reply_seq=9,
            forwarded_from=pb.Origin(author_id=new_id(), sent_at_ms=1),
        )
    },
    {"message_pinned": pb.MessagePinned(message_id=new_id())},
    {"message_unpinned": pb.MessageUnpinned(message_id=new_id())},
    {"reaction_added": pb.ReactionAdded(message_id=new_id(), emoji="👍", count=1)},
    {"reaction_removed": pb.ReactionRemoved(message_id=new_id(), emoji="👍")},
    {"group_changed": pb.GroupChanged(description="", avatar_id="", admins_only=False)},
    {"group_changed": pb.GroupChanged(avatar_id=new_id(), open_history=True)},
    {"conversation_renamed": pb.ConversationRenamed(title="t")},
]


def event(**fields: Any) -> pb.Event:
    return pb.Event(
        conversation_id=new_id(),
        seq=3,
        event_id=new_id(),
        actor_id=new_id(),
        occurred_at_ms=1_764_000_000_123,
        **fields,
    )


@pytest.mark.parametrize("fields", EVENTS, ids=lambda fields: next(iter(fields)))
def test_events_keep_the_contract(fields: dict[str, Any]) -> None:
    happened = event(**fields)
    encoded = payload(EventFrame(happened).encoded(CODEC))
    assert encoded == {"type": "event", "event": event_json(happened)}
    assert TO_CLIENTS["event"].violations(encoded) == []


def test_every_kind_of_event_is_among_these() -> None:
    kinds = {field.name for field in pb.Event.DESCRIPTOR.oneofs_by_name["payload"].fields}
    assert {next(iter(fields)) for fields in EVENTS} == kinds


def test_an_event_of_a_newer_kind_leaves_no_gap() -> None:
    encoded = payload(EventFrame(event()).encoded(CODEC))
    assert encoded["event"]["seq"] == 3
    assert encoded["event"]["kind"] == "unknown"
    assert TO_CLIENTS["event"].violations(encoded) == []


def test_the_contract_has_exactly_our_close_codes() -> None:
    assert [(entry["code"], entry["reason"]) for entry in CONTRACT["x-close-codes"]] == [
        (int(close), close.reason) for close in Close
    ]


def test_close_reasons_fit_into_a_close_frame() -> None:
    assert all(len(close.reason.encode()) <= 123 for close in Close)
