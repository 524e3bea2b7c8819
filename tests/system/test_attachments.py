"""Attachments on the whole system: through the gateway, the message service and Dapr's binding."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from stack import Stack
from support.chat import ApiError, Device, Person, eventually, online
from support.fixtures import NewPerson

from realchat_common.ids import now_ms, rfc3339


async def uploads(who: Person, conversation: str, name: str, content_type: str, data: bytes) -> dict[str, Any]:
    new = {"name": name, "content_type": content_type, "size": len(data)}
    made = await who.asks("POST", f"/v1/conversations/{conversation}/attachments", json=new)
    stored: dict[str, Any] = await who.asks("PUT", made["upload_url"], content=data)
    return stored


async def downloads(who: Person, url: str) -> bytes:
    answer = await who.http.get(url, headers={"Authorization": f"Bearer {who.access_token}"})
    return answer.raise_for_status().content


async def test_attachments_go_to_members_only_and_end_with_their_message(
    stack: Stack, person: NewPerson, socket_urls: list[str]
) -> None:
    alice, bob, eve = await person("Alice"), await person("Bob"), await person("Eve")
    conversation = await alice.talks_to(bob)
    out = BytesIO()
    Image.new("RGB", (640, 480), "teal").save(out, "PNG")
    picture = await uploads(alice, conversation, "teal.png", "image/png", out.getvalue())
    assert (picture["width"], picture["height"]) == (640, 480)
    # Bytes that the storage would decode, were they given to it as they are.
    words = base64.b64encode(b"looks like base64 and is a file")
    text = await uploads(alice, conversation, "words.txt", "text/plain", words)
    with pytest.raises(ApiError) as quarantined:
        await uploads(alice, conversation, "cat.png", "image/png", b"<html>no cat</html>")
    assert quarantined.value.code == "attachment_quarantined"

    bobs = Device(bob, [socket_urls[0]])
    async with online(bobs):
        files = [picture["attachment_id"], text["attachment_id"]]
        sent = await alice.asks(
            "POST", f"/v1/conversations/{conversation}/messages", json={"body": "", "attachment_ids": files}
        )
        await bobs.reaches(conversation, sent["seq"])
    shown = bobs.received[conversation][-1]["data"]["attachments"]
    assert [each["attachment_id"] for each in shown] == files

    links = [await bob.asks("GET", f"/v1/attachments/{each}") for each in files]
    assert await downloads(bob, links[0]["url"]) == out.getvalue()
    assert await downloads(bob, links[1]["url"]) == words
    with Image.open(BytesIO(await downloads(bob, links[0]["thumbnail_url"]))) as small:
        assert small.size == (512, 384)
    for asked in (f"/v1/attachments/{files[0]}", links[0]["url"]):
        with pytest.raises(ApiError) as refused:
            await eve.asks("GET", asked)
        assert refused.value.code in ("attachment_not_found", "permission_denied")

    folder = stack.state / "attachments"
    assert (folder / files[0] / "content").exists()
    await alice.asks("DELETE", f"/v1/conversations/{conversation}/messages/{sent['message_id']}")
    with pytest.raises(ApiError) as gone:
        await bob.asks("GET", links[0]["url"])
    assert gone.value.code == "attachment_not_found"
    await eventually(lambda: not any(list((folder / each).iterdir()) for each in files), "the bytes are gone")


async def test_a_scheduled_message_arrives_with_its_file(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    file = (await uploads(alice, conversation, "words.txt", "text/plain", b"words"))["attachment_id"]
    bobs = Device(bob, [socket_urls[0]])
    async with online(bobs):
        later = {"body": "", "attachment_ids": [file], "send_at": rfc3339(now_ms() + 300)}
        await alice.asks("POST", f"/v1/conversations/{conversation}/scheduled", json=later)
        await bobs.reaches(conversation, 2)
    (shown,) = bobs.received[conversation][-1]["data"]["attachments"]
    assert (shown["attachment_id"], shown["name"]) == (file, "words.txt")
    assert await downloads(bob, (await bob.asks("GET", f"/v1/attachments/{file}"))["url"]) == b"words"


async def test_files_are_sent_over_a_socket_by_the_rules_of_http(person: NewPerson, socket_urls: list[str]) -> None:
    alice, bob = await person("Alice"), await person("Bob")
    conversation = await alice.talks_to(bob)
    file = (await uploads(alice, conversation, "words.txt", "text/plain", b"words"))["attachment_id"]
    phone, bobs = Device(alice, [socket_urls[0]]), Device(bob, [socket_urls[1]])

    async def sends(who: Device, name: str, *files: str) -> dict[str, Any]:
        frame = {"type": "send", "conversation_id": conversation, "client_message_id": name, "body": ""}
        return await who.asks({**frame, "attachment_ids": list(files)})

    async with online(phone, bobs):
        assert (await sends(bobs, "not his", file))["code"] == "attachment_not_found"
        assert (await sends(phone, "twice", file, file))["code"] == "invalid_argument"
        ack = await sends(phone, "file", file)
        assert (ack["type"], ack["duplicate"]) == ("ack", False)
        assert (await sends(phone, "file", file))["duplicate"]
        await bobs.reaches(conversation, ack["seq"])
        assert (await sends(phone, "used", file))["code"] == "attachment_not_found"
    shown = bobs.received[conversation][-1]["data"]
    assert (shown["body"], [each["attachment_id"] for each in shown["attachments"]]) == ("", [file])
