"""Files over HTTP: announced, uploaded, attached, downloaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from service.gateway.backends import Backends
from service.gateway.door import Client
from service.gateway.test_conversations import AT_MS

from chat.message.v1 import attachment_pb2 as pb
from chat.message.v1 import message_pb2
from realchat_common.errors import Code, RealChatError
from realchat_common.ids import new_id

TALK, FILE = new_id(), new_id()
NEW = {"name": "cat.png", "content_type": "image/png", "size": 3}
STORED = pb.StoredAttachment(
    attachment_id=FILE,
    conversation_id=TALK,
    name="cät.png",
    content_type="image/png",
    size=3,
    width=4,
    height=5,
    has_thumbnail=True,
    state=pb.ATTACHMENT_STATE_READY,
)


@pytest.fixture
def backends(backends: Backends) -> Backends:
    backends.answer("CreateAttachment", pb.CreateAttachmentResponse(attachment_id=FILE))
    backends.answer("StoreAttachment", pb.StoreAttachmentResponse(attachment=STORED))
    backends.answer("GetAttachment", pb.GetAttachmentResponse(attachment=STORED))
    backends.answer("ReadAttachment", pb.ReadAttachmentResponse(data=b"png", content_type="image/png", name="cät.png"))
    return backends


async def test_a_file_is_announced_and_its_bytes_are_uploaded_by_a_link(alice: Client, backends: Backends) -> None:
    made = await alice.ask("POST", f"/v1/conversations/{TALK}/attachments", json=NEW)
    assert (made.status_code, made.json()["attachment_id"]) == (201, FILE)
    answer = await alice.ask("PUT", made.json()["upload_url"], content=b"png", headers={"Content-Type": "image/png"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["width"], answer.json()["state"]) == (4, "ready")
    assert backends.asked("StoreAttachment") == pb.StoreAttachmentRequest(attachment_id=FILE, data=b"png")


async def test_bytes_come_as_what_they_are_and_nothing_in_them_runs(alice: Client, backends: Backends) -> None:
    links = (await alice.ask("GET", f"/v1/attachments/{FILE}")).json()
    shown = await alice.ask("GET", links["url"])
    assert (shown.content, shown.headers["content-type"]) == (b"png", "image/png")
    assert shown.headers["content-disposition"] == "inline; filename*=UTF-8''c%C3%A4t.png"
    assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert (await alice.ask("GET", links["thumbnail_url"])).status_code == 200
    assert backends.asked("ReadAttachment").thumbnail
    text = pb.ReadAttachmentResponse(data=b"<script>", content_type="text/plain", name="page.html")
    backends.answer("ReadAttachment", text)
    saved = await alice.ask("GET", links["url"])
    assert saved.headers["content-disposition"].startswith("attachment;")


async def test_other_peoples_links_do_not_work(
    app: FastAPI, alice: Client, backends: Backends, log_in: Callable[..., Client]
) -> None:
    url = (await alice.ask("GET", f"/v1/attachments/{FILE}")).json()["url"]
    upload = (await alice.ask("POST", f"/v1/conversations/{TALK}/attachments", json=NEW)).json()["upload_url"]
    bob = log_in(app)
    assert (await bob.ask("GET", url)).json()["code"] == "permission_denied"
    assert (await bob.ask("PUT", upload, content=b"png")).json()["code"] == "permission_denied"
    assert (await alice.ask("GET", url.replace(FILE, new_id()))).json()["code"] == "permission_denied"
    assert (await alice.ask("GET", upload)).json()["code"] == "permission_denied"
    assert backends.times("ReadAttachment") + backends.times("StoreAttachment") == 0


async def test_what_is_too_large_is_not_passed_on(alice: Client, backends: Backends) -> None:
    upload = (await alice.ask("POST", f"/v1/conversations/{TALK}/attachments", json=NEW)).json()["upload_url"]
    answer = await alice.ask("PUT", upload, content=bytes(10 * 1024 * 1024 + 1))
    assert answer.json()["code"] == "payload_too_large"
    assert backends.times("StoreAttachment") == 0


async def test_a_quarantined_file_says_so(alice: Client, backends: Backends) -> None:
    upload = (await alice.ask("POST", f"/v1/conversations/{TALK}/attachments", json=NEW)).json()["upload_url"]
    backends.answer("StoreAttachment", RealChatError(Code.ATTACHMENT_QUARANTINED))
    answer = await alice.ask("PUT", upload, content=b"<html>")
    assert (answer.status_code, answer.json()["code"]) == (422, "attachment_quarantined")


async def test_a_message_names_its_files(alice: Client, backends: Backends) -> None:
    appended = message_pb2.AppendedMessage(message_id=new_id(), seq=2, sent_at_ms=AT_MS)
    result = message_pb2.AppendResult(appended=appended)
    backends.answer("AppendMessages", message_pb2.AppendMessagesResponse(results=[result]))
    answer = await alice.ask("POST", f"/v1/conversations/{TALK}/messages", json={"body": "", "attachment_ids": [FILE]})
    assert answer.status_code == 201
    assert list(backends.asked("AppendMessages").messages[0].attachment_ids) == [FILE]
