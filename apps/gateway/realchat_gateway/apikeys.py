"""API keys, as auth knows them: asked for once, and then remembered for a while."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from chat.auth.v1 import bot_pb2, bot_pb2_grpc
from realchat_common.errors import Code, RealChatError
from realchat_common.identity import User
from realchat_common.rpc import Peer

PREFIX = "rck_"
MOST = 10_000
GOOD_SECONDS = 60.0
"""A key that ends is known at once by its event; this bounds what happens when the event is late."""
BAD_SECONDS = 10.0


class ApiKeys:
    """Verifies API keys.

    Args:
        bots: asks auth.
        clock: seconds of a monotonic clock.
    """

    def __init__(
        self, bots: Peer[bot_pb2_grpc.BotServiceAsyncStub], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bots = bots
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[User | None, float]] = OrderedDict()

    async def verify(self, secret: str) -> User:
        """The bot whose key this is, with its scopes. Raises unauthenticated, or what auth answers."""
        digest = hashlib.sha256(secret.encode()).digest()
        user, until = self._known.get(digest, (None, float("-inf")))
        if until < self._clock():
            user = await self._ask(secret)
            self._known[digest] = (user, self._clock() + (GOOD_SECONDS if user else BAD_SECONDS))
            self._known.move_to_end(digest)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        if user is None:
            raise RealChatError(Code.UNAUTHENTICATED, "the API key is not valid")
        return user

    async def _ask(self, secret: str) -> User | None:
        try:
            answer = await self._bots.call(self._bots.stub.VerifyApiKey, bot_pb2.VerifyApiKeyRequest(secret=secret))
        except RealChatError as error:
            if error.code is not Code.UNAUTHENTICATED:
                raise
            return None
        return User(answer.bot_id, answer.key_id, frozenset(answer.scopes))
