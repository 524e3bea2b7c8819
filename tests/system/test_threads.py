"""Pins, threads and forwarding on the whole system."""

from __future__ import annotations

import pytest
from support.chat import ApiError
from support.fixtures import NewPerson


async def test_a_message_is_answered_pinned_and_forwarded(person: NewPerson) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    talk, group = await alice.talks_to(bob), await bob.makes_group("Elsewhere", alice)
    messages = f"/v1/conversations/{talk}/messages"
    root = (await alice.asks("POST", messages, json={"body": "why?"}))["message_id"]
    answer = {"body": "because", "reply_to": root}
    reply = (await bob.asks("POST", messages, json=answer))["message_id"]
    thread = await alice.asks("GET", f"{messages}/{root}/replies")
    assert [event["event_id"] for event in thread["replies"]] == [reply]
    assert thread["message"]["data"]["reply_count"] == 1
    assert (await bob.asks("PUT", f"/v1/conversations/{talk}/pins/{root}"))["seq"] == 4
    (pin,) = (await alice.asks("GET", f"/v1/conversations/{talk}/pins"))["pins"]
    assert (pin["message"]["event_id"], pin["pinned_by"]) == (root, bob.user_id)
    with pytest.raises(ApiError) as refused:
        await alice.asks("PUT", f"/v1/conversations/{group}/pins/{root}")
    assert refused.value.code == "message_not_found"
    await bob.asks("POST", f"{messages}/{root}/forward", json={"conversation_id": group})
    copy = (await alice.history(group))[-1]
    assert (copy["data"]["body"], copy["data"]["forwarded_from"]["author_id"]) == ("why?", alice.user_id)
    assert talk not in str(copy)
