"""Search through the gateway."""

from __future__ import annotations

from support.fixtures import NewPerson


async def test_full_text_search_over_my_conversations(person: NewPerson) -> None:
    alice, bob, eve = await person("Alice"), await person("Bob"), await person("Eve")
    conversation = await alice.talks_to(bob)
    for body in ("Why is a raven like a writing-desk?", "I have not the slightest idea"):
        await alice.asks("POST", f"/v1/conversations/{conversation}/messages", json={"body": body})
    found = await bob.asks("GET", "/v1/search", params={"q": '"writing desk" rav*', "sender_id": alice.user_id})
    (hit,) = found["hits"]
    message = hit["message"]
    marked = [message["data"]["body"][at["start"] : at["start"] + at["length"]] for at in hit["highlights"]]
    assert marked == ["raven", "writing-desk"]
    assert (await eve.asks("GET", "/v1/search", params={"q": "raven"}))["hits"] == []
    await alice.asks("DELETE", f"/v1/conversations/{conversation}/messages/{message['data']['message_id']}")
    assert (await bob.asks("GET", "/v1/search", params={"q": "raven"}))["hits"] == []
