import { expect, test } from "vitest";
import { beyond, sayable } from "../src/core/text";
import type { Chat } from "../src/store/chat";
import { noticeText } from "../src/ui/titles";

test("characters are counted as the server counts them", () => {
  expect(beyond("a".repeat(10), 10)).toBe(0);
  expect(beyond("a".repeat(12), 10)).toBe(2);
  expect(beyond("😀".repeat(10), 10)).toBe(0);
  expect(beyond("😀".repeat(11), 10)).toBe(1);
  expect(beyond("e\u0301".repeat(10), 10)).toBe(0);
});

test("what is pasted is said without the control characters that the server refuses", () => {
  expect(sayable(" \u0002one\vtwo\r\n\tthree\ud800 😀\r\n")).toBe("one\ntwo\n\tthree 😀");
  expect(sayable("\u0000 \n")).toBe("");
});

test("a name written from right to left leaves the sentence around it in order", () => {
  const chat = { me: { user_id: "me" }, people: { nameOf: () => "محمد 7" } } as unknown as Chat;
  const event = { conversation_id: "c", seq: 1, event_id: "e", actor_id: "him", at: "" };
  const notice = noticeText(chat, {
    type: "notice",
    seq: 1,
    at: "",
    event: { ...event, kind: "member.removed", data: { user_id: "me" } },
  });
  expect(notice).toBe("\u2068محمد 7\u2069 removed you");
});
