"""What happens later by itself, and what is asked of the past, through the gateway and the sockets."""

from __future__ import annotations

import json
import time
from typing import Any

from support.chat import Device, Person, online
from support.fixtures import NewPerson

from realchat_common.ids import rfc3339


def in_a_moment() -> str:
    return rfc3339(time.time_ns() // 1_000_000 + 300)


async def test_scheduled_messages_are_sent_and_expiring_ones_end_by_themselves(
    person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    path = f"/v1/conversations/{conversation}"
    assert (await alice.asks("PUT", f"{path}/expiry/timer", json={"seconds": 1}))["timer_seconds"] == 1
    bobs = Device(bob, [socket_urls[0]])
    async with online(bobs):
        await alice.asks("POST", f"{path}/scheduled", json={"body": "in a moment", "send_at": in_a_moment()})
        never = await alice.asks("POST", f"{path}/scheduled", json={"body": "never", "send_at": in_a_moment()})
        await alice.asks("DELETE", f"/v1/scheduled/{never['scheduled_id']}")
        await bobs.reaches(conversation, 4)
    _, timer, sent, ended = await bob.history(conversation)
    assert (timer["kind"], timer["data"]) == ("timer.set", {"seconds": 1})
    assert (sent["kind"], sent["data"]["deleted"], sent["data"]["body"]) == ("message.sent", True, "")
    assert ended["data"] == {"message_id": sent["data"]["message_id"], "expired": True}
    assert [event["kind"] for event in bobs.received[conversation]][-2:] == ["message.sent", "message.deleted"]
    assert (await alice.asks("GET", "/v1/scheduled"))["scheduled"] == []


async def exports(who: Person, conversation: str) -> list[dict[str, Any]]:
    answer = await who.http.get(
        f"/v1/conversations/{conversation}/export", headers={"Authorization": f"Bearer {who.access_token}"}
    )
    return [json.loads(line) for line in answer.raise_for_status().text.splitlines()]


async def test_a_jump_to_date_and_the_export_of_a_conversation(person: NewPerson) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    path = f"/v1/conversations/{conversation}"
    for body in ("one", "two", "three"):
        await alice.asks("POST", f"{path}/messages", json={"body": body})
    events = await bob.history(conversation)
    two = events[2]
    jumped = await bob.asks("GET", f"{path}/events", params={"around_time": two["at"], "limit": 2})
    assert jumped["anchor_seq"] <= two["seq"]
    await bob.asks("POST", f"{path}/read", json={"up_to_seq": two["seq"]})
    unread = await bob.asks("GET", f"{path}/events", params={"around_unread": "first", "limit": 2})
    assert unread["anchor_seq"] == two["seq"] + 1
    head, *exported, end = await exports(bob, conversation)
    assert (head["last_seq"], end) == (4, {"end": True, "events": 4})
    assert exported == events
