"""Events that could not be read: as the sidecar brings them, and how one is put back."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

import msgspec

from realchat_auth.administration.store import AdministrationStore
from realchat_auth.outbox import Courier
from realchat_auth.tables import DeadLetter
from realchat_common.ids import new_id
from realchat_common.sidecar import Sidecar
from realchat_common.topics import CONVERSATIONS, POINTERS, put_back

DEADLINE_SECONDS = 2.0
MOST_NAME_CHARACTERS = 200


class _Names(msgspec.Struct, frozen=True):
    type: str = ""
    id: str = ""


_names = msgspec.json.Decoder(_Names)


def dead_letter(content: bytes, metadata: Mapping[str, str], now_ms: int) -> DeadLetter:
    """A letter from a record of the topic of dead letters.

    Its headers are those with which the event came to whoever gave it up, and take the place of its own metadata:
    so they tell which topic, place and time the event had (GetEventMetadata in Dapr's components-contrib).
    """
    published = metadata.get("__timestamp", "")
    at_ms = int(published) if published.isdecimal() and len(published) < 16 else now_ms
    place = "/".join(metadata.get(f"__{name}", "") for name in ("topic", "partition", "offset"))
    try:
        names = _names.decode(content)
    except msgspec.MsgspecError:
        names = _Names()
    return DeadLetter(
        letter_id=UUID(new_id()),
        digest=sha256(f"{place}/{at_ms}".encode()).digest(),
        at_ms=at_ms,
        topic=POINTERS if metadata.get("__topic") == POINTERS else CONVERSATIONS,
        key=metadata.get("__key", "").encode(),
        event_type=_shown(names.type),
        event_id=_shown(names.id),
        size=len(content),
        content=content,
    )


def _shown(name: str) -> str:
    return name[:MOST_NAME_CHARACTERS].replace("\x00", " ")


def replayer(store: AdministrationStore, sidecar: Sidecar) -> Courier:
    """Puts letters back into their topics, each by its id."""

    async def replay(payload: bytes) -> None:
        letter = await store.dead_letter(UUID(bytes=payload))
        if letter:  # else it is so old that its topic would not have it either
            await put_back(sidecar, letter.topic, letter.content, key=letter.key.decode(), deadline=DEADLINE_SECONDS)

    return replay
