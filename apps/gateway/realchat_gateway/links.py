"""Links to the bytes of attachments: signed, for one person, one file, one purpose and a while.

A link alone opens nothing: its bearer also shows the access token of the person whom it names, so one that leaks, or
that somebody passes on, is of no use to others. Whether that person may (still) read the file, the message service is
asked each time.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from realchat_common.errors import Code, RealChatError

LIFETIME_SECONDS = 300

Purpose = Literal["upload", "download", "thumbnail"]


@dataclass(frozen=True, slots=True)
class Links:
    """Signs links and checks them.

    Args:
        key: shared by the gateways.
    """

    key: str

    def sign(self, purpose: Purpose, attachment_id: str, user_id: str, expires: int) -> str:
        """The signature of a link that ends at a time, in seconds since the Unix epoch."""
        text = f"attachment link\n{purpose}\n{attachment_id}\n{user_id}\n{expires}"
        return hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()

    def path(self, purpose: Purpose, attachment_id: str, user_id: str, now: float) -> str:
        """A link that is good from now on for a while: path and query."""
        expires = int(now) + LIFETIME_SECONDS
        signature = self.sign(purpose, attachment_id, user_id, expires)
        part = "thumbnail" if purpose == "thumbnail" else "content"
        return f"/v1/attachments/{attachment_id}/{part}?expires={expires}&signature={signature}"

    def check(
        self, purpose: Purpose, attachment_id: str, user_id: str, expires: int, signature: str, now: float
    ) -> None:
        """Raises permission_denied for a link that was not made for this; link_expired for one that was, earlier."""
        if not hmac.compare_digest(self.sign(purpose, attachment_id, user_id, expires), signature):
            raise RealChatError(Code.PERMISSION_DENIED, "this link is not for you, or for something else")
        if expires < now:
            raise RealChatError(Code.LINK_EXPIRED)
