"""Rows as they are at each revision of each service's schema: what a migration has to leave as it is.

One of each kind, that belong together. By package, by the revision from which on a table or column is, by table: the
columns, in JSON as PostgreSQL reads it. A row may come again with a later revision's columns; it is another row then.
"""

from __future__ import annotations

from typing import Any

from chat.event.v1 import event_pb2

ALICE, BOB, BOT, TALK, GROUP, MESSAGE, REPLY, FILE, SESSION, KEY, HOOK, THING = (
    f"019a8f3e-0000-7000-8000-{number:012d}" for number in range(12)
)
AT = 1_760_000_000_000
DIGEST, OTHER_DIGEST, SEALED = (f"\\x{byte * 32}" for byte in ("a1", "b2", "c3"))

Row = dict[str, Any]


def hexadecimal(data: bytes) -> str:
    """Bytes as PostgreSQL shows them."""
    return f"\\x{data.hex()}"


CREATED = event_pb2.Event(
    conversation_id=TALK,
    seq=1,
    event_id=THING,
    actor_id=ALICE,
    occurred_at_ms=AT,
    conversation_created=event_pb2.ConversationCreated(
        kind=event_pb2.CONVERSATION_KIND_DIRECT,
        members=[event_pb2.Member(user_id=user_id, role=event_pb2.ROLE_MEMBER) for user_id in (ALICE, BOB)],
    ),
)
EXTRAS = event_pb2.MessageSent(attachments=[event_pb2.Attachment(attachment_id=FILE, name="tea.txt", size=3)])

ROWS: dict[str, dict[str, dict[str, Row]]] = {
    "realchat_auth": {
        "0001": {
            "account": {
                "user_id": ALICE,
                "email": "Alice@example.org",
                "email_key": "alice@example.org",
                "password_hash": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
                "created_at_ms": AT,
            },
            "lockout": {"email_digest": DIGEST, "count": 3, "last_at_ms": AT, "locked_until_ms": AT + 60_000},
            "session": {
                "session_id": SESSION,
                "user_id": ALICE,
                "device_name": "Telephone",
                "created_at_ms": AT,
                "last_seen_at_ms": AT + 1,
                "expires_at_ms": AT + 2_592_000_000,
                "ended_at_ms": None,
                "generation": 2,
            },
            "token": {
                "digest": DIGEST,
                "session_id": SESSION,
                "generation": 2,
                "expires_at_ms": AT + 2_592_000_000,
                "used_at_ms": None,
            },
            "key": {"kid": "k1", "sealed_private_key": SEALED, "active_from_ms": AT},
            "owed": {"owed_id": THING, "kind": "erasure", "payload": DIGEST, "due_at_ms": AT},
        },
        "0003": {
            "confirmation": {
                "digest": DIGEST,
                "user_id": ALICE,
                "purpose": "verify",
                "email": "Alice@example.org",
                "email_key": "alice@example.org",
                "created_at_ms": AT,
                "expires_at_ms": AT + 1,
            },
        },
        "0004": {
            "second_factor": {"user_id": ALICE, "sealed_secret": SEALED, "last_step": 7, "confirmed_at_ms": AT},
            "recovery_code": {"user_id": ALICE, "digest": DIGEST},
        },
        "0005": {
            "bot": {"bot_id": BOT, "owner_id": ALICE, "display_name": "Weather", "created_at_ms": AT},
            "api_key": {
                "key_id": KEY,
                "bot_id": BOT,
                "name": "production",
                "prefix": "rc_ab",
                "digest": DIGEST,
                "scopes": ["messages:read"],
                "created_at_ms": AT,
                "last_used_at_ms": None,
                "expires_at_ms": None,
            },
        },
        "0006": {
            "report": {
                "report_id": THING,
                "reporter_id": ALICE,
                "conversation_id": TALK,
                "message_id": MESSAGE,
                "sender_id": BOB,
                "body": "Buy tea",
                "sent_at_ms": AT,
                "reason": "spam",
                "reported_at_ms": AT,
            },
            "audit": {
                "entry_id": THING,
                "at_ms": AT,
                "actor": ALICE,
                "action": "suspend",
                "subject_id": BOB,
                "detail": "spam",
            },
        },
        "0007": {
            "webhook": {
                "webhook_id": HOOK,
                "bot_id": BOT,
                "url": "https://bots.example/hook",
                "sealed_secret": SEALED,
                "created_at_ms": AT,
            },
            "bot_member": {"conversation_id": GROUP, "bot_id": BOT},
            "webhook_seen": {"webhook_id": HOOK, "event_id": THING, "at_ms": AT},
        },
        "0009": {
            "account": {
                "user_id": BOB,
                "email": "bob@example.org",
                "email_key": "bob@example.org",
                "password_hash": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
                "created_at_ms": AT,
                "reminders": False,
                "remind_at_ms": AT,
                "reminded_at_ms": AT,
                "reminded_read_mark": 7,
            },
        },
        "0010": {
            "dead_letter": {
                "letter_id": THING,
                "digest": DIGEST,
                "at_ms": AT,
                "topic": "conversation-events",
                "key": hexadecimal(TALK.encode()),
                "event_type": "chat.segment",
                "event_id": SESSION,
                "size": 2,
                "content": hexadecimal(b"{}"),
                "replayed_at_ms": None,
            },
        },
        "0011": {
            "followed": {"conversation_id": TALK, "seq": 7},
        },
    },
    "realchat_profile": {
        "0001": {
            "profile": {
                "user_id": ALICE,
                "handle": "alice",
                "display_name": "Älice",
                "name_key": "älice",
                "bio": "Rabbit holes\nand logic.",
                "updated_at_ms": AT,
            },
        },
        "0002": {
            "profile": {
                "user_id": BOB,
                "handle": "bob",
                "display_name": "Bob",
                "name_key": "bob",
                "bio": "",
                "updated_at_ms": AT,
                "avatar_id": FILE,
                "status_text": "At tea",
                "status_until_ms": AT,
                "handle_changed_ms": [AT],
            },
        },
        "0003": {"departed": {"user_id": THING}},
        "0004": {
            "relation": {
                "low_id": ALICE,
                "high_id": BOB,
                "blocked_by_low": True,
                "changed_at_ms": AT,
                "version": 2,
                "told_version": 1,
            },
        },
        "0005": {
            "privacy": {
                "user_id": ALICE,
                "last_seen": 1,
                "receipts": 2,
                "direct": 3,
                "groups": 2,
                "changed_at_ms": AT,
                "version": 1,
                "told_version": 1,
            },
        },
        "0006": {
            "profile": {
                "user_id": BOT,
                "handle": "weather",
                "display_name": "Weather",
                "name_key": "weather",
                "bio": "",
                "updated_at_ms": AT,
                "bot": True,
            },
        },
    },
    "realchat_conversation": {
        "0001": {
            "conversation": {
                "conversation_id": TALK,
                "kind": 1,
                "title": "",
                "created_at_ms": AT,
                "member_count": 2,
                "creator_id": ALICE,
                "direct_low_id": ALICE,
                "direct_high_id": BOB,
            },
            "member": {"conversation_id": TALK, "user_id": ALICE, "role": 1},
            "pending_change": {
                "conversation_id": TALK,
                "event_id": THING,
                "actor_id": ALICE,
                "event": hexadecimal(CREATED.SerializeToString()),
                "decided_at_ms": AT,
            },
        },
        "0003": {
            "conversation": {
                "conversation_id": GROUP,
                "kind": 2,
                "title": "Tea",
                "created_at_ms": AT,
                "member_count": 1,
                "creator_id": ALICE,
                "description": "Always at six.",
                "avatar_id": FILE,
                "admins_only": True,
                "open_history": True,
            },
            "invite": {
                "invite_id": THING,
                "conversation_id": GROUP,
                "creator_id": ALICE,
                "token_hash": DIGEST,
                "created_at_ms": AT,
                "expires_at_ms": 0,
                "max_uses": 5,
                "uses": 2,
            },
        },
        "0004": {
            "member": {
                "conversation_id": GROUP,
                "user_id": ALICE,
                "role": 3,
                "muted_until_ms": AT,
                "pinned": True,
                "draft": "Dear",
                "draft_at_ms": AT,
            },
        },
    },
    "realchat_message": {
        "0001": {
            "head": {"conversation_id": TALK, "last_seq": 2, "members_seq": 1, "last_activity_ms": AT},
            "entry": {
                "conversation_id": TALK,
                "seq": 1,
                "event_id": THING,
                "actor_id": ALICE,
                "occurred_at_ms": AT,
                "change": hexadecimal(CREATED.SerializeToString()),
            },
            "member": {"conversation_id": TALK, "user_id": ALICE, "from_seq": 1, "until_seq": 0, "role": 1},
        },
        "0002": {
            "receipt": {
                "conversation_id": TALK,
                "user_id": ALICE,
                "delivered_up_to": 2,
                "read_up_to": 1,
                "marked_unread": True,
            },
        },
        "0003": {
            "entry": {
                "conversation_id": TALK,
                "seq": 2,
                "event_id": MESSAGE,
                "actor_id": ALICE,
                "occurred_at_ms": AT,
                "client_message_id": "1",
                "body": "Why is a raven like a writing-desk?",
                "edited_at_ms": AT + 1,
            },
            "revision": {
                "conversation_id": TALK,
                "message_id": MESSAGE,
                "until_seq": 3,
                "body": "Why is a raven?",
                "written_at_ms": AT,
            },
            "redaction": {"conversation_id": TALK, "message_id": REPLY},
            "hidden": {"conversation_id": TALK, "user_id": BOB, "seq": 2},
        },
        "0004": {
            "reaction": {"message_id": MESSAGE, "emoji": "👍🏽", "user_id": BOB, "seq": 4, "reacted_at_ms": AT},
        },
        "0006": {
            "entry": {
                "conversation_id": TALK,
                "seq": 3,
                "event_id": REPLY,
                "actor_id": BOB,
                "occurred_at_ms": AT,
                "client_message_id": "1",
                "body": "",
                "extras": hexadecimal(EXTRAS.SerializeToString()),
            },
            "attachment": {
                "attachment_id": FILE,
                "conversation_id": TALK,
                "owner_id": BOB,
                "name": "tea.txt",
                "content_type": "text/plain",
                "size": 3,
                "state": 2,
                "message_id": REPLY,
            },
        },
        "0007": {
            "scheduled": {
                "scheduled_id": KEY,
                "conversation_id": TALK,
                "sender_id": ALICE,
                "body": "Happy unbirthday!",
                "reply_to": MESSAGE,
                "send_at_ms": AT,
            },
            "expiry": {"conversation_id": TALK, "kind": 1, "from_seq": 5, "seconds": 60, "set_by": ALICE},
            "expiry_work": {"conversation_id": TALK, "kind": 1, "from_seq": 5, "done_seq": 4, "due_ms": AT},
        },
        "0008": {"vote": {"message_id": MESSAGE, "user_id": BOB, "choices": [1, 3]}},
        "0009": {
            "relation": {"low_id": ALICE, "high_id": BOB, "contacts": False, "apart": True, "version": 3},
        },
        "0010": {"receipt_privacy": {"user_id": ALICE, "audience": 3, "version": 1}},
        "0011": {
            "head": {"conversation_id": GROUP, "last_seq": 2, "admins_only": True, "open_history": True},
        },
        "0012": {
            "entry": {
                "conversation_id": GROUP,
                "seq": 2,
                "event_id": SESSION,
                "actor_id": ALICE,
                "occurred_at_ms": AT,
                "client_message_id": "1",
                "body": "@bob",
                "mentions": [BOB],
                "pinned_seq": 3,
            },
        },
        "0014": {
            "scheduled": {
                "scheduled_id": HOOK,
                "conversation_id": TALK,
                "sender_id": ALICE,
                "body": "",
                "send_at_ms": AT,
                "attachment_ids": [FILE],
            },
        },
        "0016": {"departed": {"user_id": THING}},
        "0017": {"unconfirmed": {"conversation_id": TALK, "first_seq": 3, "last_seq": 4, "since_ms": AT}},
    },
}
