import { expect, test } from "vitest";
import type { LogEvent } from "../src/core/wire";
import { changedBy, fromInbox } from "../src/store/model";

const at = { conversation_id: "c", actor_id: "bob", at: "2026-01-01T10:00:00.000Z" };
const sent: LogEvent = {
  ...at,
  seq: 1,
  event_id: "e1",
  kind: "message.sent",
  data: {
    message_id: "m1",
    client_message_id: "c1",
    body: "Hi @me",
    reply_to: null,
    mentions: ["me"],
    deleted: false,
    edited_at: null,
  },
};

test("the newest message in the list says whom it mentions, also when it was edited", () => {
  const conversation = fromInbox({
    conversation_id: "c",
    kind: "group",
    title: "Team",
    created_at: at.at,
    member_count: 1,
    role: "member",
    members: [{ user_id: "me", role: "member" }],
    last_seq: 1,
    last_activity_at: at.at,
    last_message: sent,
    receipt: { user_id: "me", delivered_up_to: 0, read_up_to: 0, marked_unread: false },
    unread_count: 1,
    mention_count: 1,
  });
  expect(conversation.preview).toMatchObject({ text: "Hi @me", mentions: ["me"], mentionAll: false });
  const data = { message_id: "m1", body: "Hi @all", deleted: false, mentions: [], mention_all: true };
  const edited: LogEvent = { ...at, seq: 2, event_id: "e2", kind: "message.edited", data };
  expect(changedBy(conversation, edited, "me").preview).toMatchObject({
    text: "Hi @all",
    mentions: [],
    mentionAll: true,
  });
});
