"""RealChat from Python: an asynchronous, typed client that never loses a message.

async with Client("http://localhost:8080") as client:
    await client.login("alice@example.org", "correct horse battery staple")
    async for event in client.events():
        print(event.actor_id, event.body)
"""

from realchat.client import Client
from realchat.codes import Code
from realchat.errors import (
    ConflictError,
    ConnectionLostError,
    InvalidRequestError,
    LoggedOutError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RealChatError,
    SocketRefusedError,
    UnauthenticatedError,
    UnavailableError,
)
from realchat.models import (
    Attachment,
    Changed,
    Conversation,
    Event,
    Hit,
    InboxEntry,
    Member,
    Pin,
    Poll,
    Presence,
    Profile,
    Receipt,
    Relation,
    Scheduled,
    Sent,
    Signal,
    Tokens,
)
from realchat.subscription import Subscription
from realchat.tokens import FileStore, MemoryStore, TokenStore
from realchat.view import Message, Talk, View

__all__ = [
    "Attachment",
    "Changed",
    "Client",
    "Code",
    "ConflictError",
    "ConnectionLostError",
    "Conversation",
    "Event",
    "FileStore",
    "Hit",
    "InboxEntry",
    "InvalidRequestError",
    "LoggedOutError",
    "Member",
    "MemoryStore",
    "Message",
    "NotFoundError",
    "PermissionDeniedError",
    "Pin",
    "Poll",
    "Presence",
    "Profile",
    "RateLimitedError",
    "RealChatError",
    "Receipt",
    "Relation",
    "Scheduled",
    "Sent",
    "Signal",
    "SocketRefusedError",
    "Subscription",
    "Talk",
    "TokenStore",
    "Tokens",
    "UnauthenticatedError",
    "UnavailableError",
    "View",
]
