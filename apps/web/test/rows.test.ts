import { describe, expect, test } from "vitest";
import { NOBODY } from "../src/core/mentions";
import { enqueue } from "../src/core/outbox";
import { UNHEARD } from "../src/core/reactions";
import { rowsOf } from "../src/core/rows";
import { NO_REPLIES } from "../src/core/thread";
import type { Message } from "../src/core/message";
import { initials } from "../src/core/text";

function message(seq: number, senderId: string, at: string): Message {
  const rest = {
    ...NOBODY,
    attachments: [],
    poll: null,
    forwardedFrom: null,
    pin: { pinned: false, asOf: seq },
    replies: NO_REPLIES,
    replyTo: null,
    body: "",
    editedAt: null,
    deleted: false,
    textAsOf: seq,
    reactions: UNHEARD,
  };
  return { type: "message", id: `m${seq}`, seq, senderId, clientId: `c${seq}`, at, ...rest };
}

describe("rows", () => {
  test("messages of one person in a row belong together, until somebody else speaks, time or a day passes", () => {
    const rows = rowsOf(
      [
        message(1, "a", "2026-01-01T10:00:00"),
        message(2, "a", "2026-01-01T10:01:00"),
        message(3, "b", "2026-01-01T10:01:30"),
        message(4, "b", "2026-01-01T10:10:00"),
        message(5, "b", "2026-01-02T00:00:10"),
      ],
      [],
      "me",
      null,
    );
    expect(rows.map((row) => [row.first, row.last, row.opensDay])).toEqual([
      [true, false, true],
      [false, true, false],
      [true, true, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  test("what is new begins at the first message after what was read", () => {
    const at = "2026-01-01T10:00:00";
    const rows = rowsOf([message(1, "a", at), message(3, "a", at), message(4, "a", at)], [], "me", 2);
    expect(rows.map((row) => row.opensNew)).toEqual([false, true, false]);
  });

  test("a message that arrives keeps the row that it had while it was on its way", () => {
    const at = "2026-01-01T10:00:00";
    const waiting = enqueue([], {
      conversationId: "c",
      clientId: "c7",
      body: "",
      replyTo: null,
      attachments: [],
      ...NOBODY,
      at,
    });
    const [before] = rowsOf([], waiting, "me", null);
    const [after] = rowsOf([message(7, "me", at)], [], "me", null);
    expect(after?.key).toBe(before?.key);
  });

  test.each([
    ["Alice Liddell", "AL"],
    ["  alice  ", "A"],
    ["דוד כהן", "דכ"],
    ["👩‍👩‍👧 Family", "👩‍👩‍👧F"],
    ["Bob 🦊", "B"],
    ["", "?"],
  ])("%s is %s", (name, expected) => {
    expect(initials(name)).toBe(expected);
  });
});
