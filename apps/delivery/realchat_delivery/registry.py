"""What the nodes share, in Redis: who is where, how far each conversation was fanned out, and a channel per node.

Nothing here outlives a loss of Redis, and nothing must: nodes register again, watermarks are found again from the
log, and a node that lost its channel lets its sockets catch up from the log (resume.py).

A node is found the moment `register` has returned, so look-ups are never cached: an event that is appended after
a socket's `ready` must reach it. One look-up is one round trip and one script, for any number of recipients.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.redis import answering

ENTRY_SECONDS = 30
"""How long a node is found for a user after its last refresh."""
REFRESH_SECONDS = 10.0
REFRESH_USERS = 500
"""Per script, so that neither Redis nor our event loop is held up."""
WATERMARK_SECONDS = 24 * 3600
REVOKED_SECONDS = 3600
"""Longer than any access token lives."""
DEADLINE_SECONDS = 2.0
EVERYBODY = "delivery:nodes"
"""The channel of all nodes."""
CHECK_SECONDS = 5.0
"""A silent channel is pinged after so long, and given up when it stays silent for as long again."""

# All times are Redis's own, so that the nodes' clocks need not agree. A score is the time at which an entry ends;
# it grows with every registration, which is how a removal that comes too late is told from one that is due.
_REGISTER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for i, key in ipairs(KEYS) do
  local old = tonumber(redis.call('ZSCORE', key, ARGV[1]) or 0)
  local score = math.max(now + ARGV[2] * 1000, old + 1)
  redis.call('ZADD', key, score, ARGV[1])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('EXPIRE', key, ARGV[2])
  answer[i] = {score, old > now and 1 or 0}
end
return answer
"""
_REMOVE = """
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('ZSCORE', key, ARGV[1]) or 0) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', key, ARGV[1])
  end
end
"""
# One round trip for any number of recipients: compare, find their nodes, send each of them the packet, and only
# then raise the watermark.
_FAN_OUT = """
local first, last = tonumber(ARGV[1]), tonumber(ARGV[2])
local watermark = tonumber(redis.call('GET', KEYS[1]) or nil)
if watermark and (last <= watermark or first > watermark + 1) then
  return watermark
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reached = {[ARGV[3]] = true}
for i = 2, #KEYS do
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], now, '+inf')) do
    if not reached[node] then
      reached[node] = true
      redis.call('PUBLISH', 'delivery:node:' .. node, ARGV[4])
    end
  end
end
redis.call('SET', KEYS[1], last, 'EX', ARGV[5])
return -1
"""

# The same for what is told without a watermark.
_TELL = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reached = {[ARGV[1]] = true}
for _, key in ipairs(KEYS) do
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', key, now, '+inf')) do
    if not reached[node] then
      reached[node] = true
      redis.call('PUBLISH', 'delivery:node:' .. node, ARGV[2])
    end
  end
end
"""


def open_subscriber(url: str) -> Redis:
    """A client for the node's channel. It does not reconnect by itself: what was lost has to be noticed."""
    return Redis.from_url(
        url, socket_timeout=None, socket_connect_timeout=DEADLINE_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def _user_key(user_id: str) -> str:
    return f"delivery:user:{user_id}"


def _watermark_key(conversation_id: str) -> str:
    return f"delivery:watermark:{conversation_id}"


def _channel(node_id: str) -> str:
    return f"delivery:node:{node_id}"


def _chunks(users: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(users), REFRESH_USERS):
        yield users[start : start + REFRESH_USERS]


class Registry:
    """The shared state, as one node sees it. Every method raises RealChatError unavailable.

    Args:
        redis: from `realchat_common.redis`.
        subscriber: from `open_subscriber`.
        node_id: this node, new with each start.
    """

    def __init__(self, redis: Redis, subscriber: Redis, node_id: str) -> None:
        self.node_id = node_id
        self._redis = redis
        self._subscriber = subscriber
        self._scores: dict[str, int] = {}

    async def _eval(self, script: str, keys: Iterable[str], *arguments: str | int | bytes) -> Any:
        names = list(keys)
        async with answering(DEADLINE_SECONDS):
            return await cast(Any, self._redis.eval(script, len(names), *names, *arguments))

    async def register(self, user: User) -> bool:
        """Makes this node found for a user. False when the session was revoked lately."""
        async with answering(DEADLINE_SECONDS), self._redis.pipeline(transaction=False) as pipe:
            pipe.eval(_REGISTER, 1, _user_key(user.user_id), self.node_id, str(ENTRY_SECONDS))
            pipe.exists(f"delivery:revoked:{user.session_id}")
            ((score, _),), revoked = await pipe.execute()
        self._note(user.user_id, score)
        return not revoked

    async def refresh(self, user_ids: Sequence[str]) -> list[str]:
        """Keeps this node found for its users. Returns those for whom it was not: they may have missed events."""
        lost: list[str] = []
        for chunk in _chunks(user_ids):
            answer = await self._eval(_REGISTER, map(_user_key, chunk), self.node_id, ENTRY_SECONDS)
            for user_id, (score, was_found) in zip(chunk, answer, strict=True):
                self._note(user_id, score)
                if not was_found:
                    lost.append(user_id)
        return lost

    def _note(self, user_id: str, score: int) -> None:
        self._scores[user_id] = max(score, self._scores.get(user_id, 0))

    async def remove(self, user_ids: Sequence[str]) -> None:
        """Undoes `register`, but for users who are registered again meanwhile."""
        scores = {user_id: self._scores.pop(user_id) for user_id in user_ids if user_id in self._scores}
        for chunk in _chunks(list(scores)):
            await self._eval(_REMOVE, map(_user_key, chunk), self.node_id, *(scores[user_id] for user_id in chunk))

    async def watermarks(self, conversation_ids: Sequence[str]) -> list[int | None]:
        """The last seq of each conversation that was fanned out; None where that is not known."""
        async with answering(DEADLINE_SECONDS):
            seqs = await self._redis.mget([_watermark_key(conversation_id) for conversation_id in conversation_ids])
        return [None if seq is None else int(seq) for seq in seqs]

    async def fan_out(
        self, conversation_id: str, first_seq: int, last_seq: int, user_ids: Iterable[str], packet: bytes
    ) -> int | None:
        """Sends a run of events to the other nodes that have a recipient, and raises the watermark.

        Args:
            conversation_id: the conversation.
            first_seq: of the run.
            last_seq: of the run.
            user_ids: the recipients.
            packet: what the nodes get.

        Returns:
            None when that was done; else the watermark, which is at `last_seq` or beyond, or leaves a gap before
            `first_seq`, and nothing was done.
        """
        keys = [_watermark_key(conversation_id), *map(_user_key, user_ids)]
        answer: int = await self._eval(_FAN_OUT, keys, first_seq, last_seq, self.node_id, packet, WATERMARK_SECONDS)
        return None if answer < 0 else answer

    async def tell(self, user_ids: Iterable[str], packet: bytes) -> None:
        """Sends a packet to the other nodes that have one of the users."""
        await self._eval(_TELL, [_user_key(user_id) for user_id in user_ids], self.node_id, packet)

    async def broadcast(self, packet: bytes) -> None:
        """Sends a packet to all nodes, this one too."""
        async with answering(DEADLINE_SECONDS):
            await self._redis.publish(EVERYBODY, packet)

    async def revoke(self, session_id: str) -> None:
        """Remembers that a session ended, for those who come with a token that is still good."""
        async with answering(DEADLINE_SECONDS):
            await self._redis.set(f"delivery:revoked:{session_id}", 1, ex=REVOKED_SECONDS)

    async def burn(self, ticket_id: str, seconds: int) -> bool:
        """Uses up a ticket. False when it was used before."""
        async with answering(DEADLINE_SECONDS):
            return bool(await self._redis.set(f"delivery:ticket:{ticket_id}", 1, ex=seconds, nx=True))

    async def ping(self) -> object:
        """Raises when Redis does not answer."""
        return await cast(Any, self._redis.ping())

    async def packets(self) -> AsyncGenerator[bytes | None, None]:
        """What other nodes send to this one, and None whenever the channel proved to be open, beginning with that.

        Raises:
            RealChatError: unavailable, when the channel was lost.
        """
        try:
            async with self._subscriber.pubsub() as pubsub:
                channels = (_channel(self.node_id), EVERYBODY)
                await pubsub.subscribe(*channels)
                asked = False
                while True:
                    message = await pubsub.get_message(timeout=CHECK_SECONDS)
                    if message is None:
                        if asked:
                            raise RealChatError(Code.UNAVAILABLE, "the node's channel is silent")
                        await pubsub.ping()
                        asked = True
                        continue
                    asked = False
                    if message["type"] == "subscribe" and message["data"] < len(channels):
                        continue
                    yield message["data"] if message["type"] == "message" else None
        except (RedisError, OSError) as error:
            raise RealChatError(Code.UNAVAILABLE, "the node's channel was lost") from error
