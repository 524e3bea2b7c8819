import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NOBODY } from "../src/core/mentions";
import * as outbox from "../src/core/outbox";
import type { Attachment } from "../src/core/wire";

const FILE: Attachment = {
  attachment_id: "f",
  name: "cat.png",
  content_type: "image/png",
  size: 1,
  width: 1,
  height: 1,
  has_thumbnail: true,
};
const write = (
  box: outbox.Outbox,
  clientId: string,
  conversationId = "c",
  attachments: Attachment[] = [],
): outbox.Outbox =>
  outbox.enqueue(box, {
    conversationId,
    clientId,
    body: clientId,
    replyTo: null,
    attachments,
    ...NOBODY,
    at: `at ${clientId}`,
  });
const states = (box: outbox.Outbox): string[] => box.map((each) => `${each.clientId} ${each.state}`);
const ids = (messages: readonly outbox.Outgoing[]): string[] => messages.map((each) => each.clientId);

describe("outbox", () => {
  test("a message waits, is sent, and leaves when the log has it", () => {
    let box = write([], "1");
    expect(ids(outbox.sendable(box, 0))).toEqual(["1"]);
    box = outbox.sending(box, "1");
    expect(outbox.sendable(box, 0)).toEqual([]);
    box = outbox.acknowledged(box, "1", 7);
    expect(states(box)).toEqual(["1 sent"]);
    expect(outbox.settled(box, "c", 6, () => false)).toBe(box);
    expect(outbox.settled(box, "c", 7, () => false)).toEqual([]);
    expect(outbox.settled(box, "c", 6, (clientId) => clientId === "1")).toEqual([]);
  });

  test("what has to wait holds up what was written after it in the same conversation, and nothing else", () => {
    let box = write(write(write([], "1"), "2"), "3", "other");
    box = outbox.postponed(outbox.sending(box, "1"), "1", 500);
    expect(ids(outbox.sendable(box, 499))).toEqual(["3"]);
    expect(outbox.nextAttemptAt(box, 499)).toBe(500);
    expect(ids(outbox.sendable(box, 500))).toEqual(["1", "2", "3"]);
    expect(outbox.nextAttemptAt(box, 500)).toBeNull();
  });

  test("what goes over HTTP keeps its place among what goes by the socket", () => {
    let box = write(write(write([], "1"), "2", "c", [FILE]), "3");
    expect(ids(outbox.sendable(box, 0))).toEqual(["1"]);
    box = outbox.acknowledged(outbox.sending(box, "1"), "1", 1);
    expect(ids(outbox.sendable(box, 0))).toEqual(["2"]);
    box = outbox.sending(box, "2");
    expect(outbox.sendable(box, 0)).toEqual([]);
    expect(ids(outbox.sendable(outbox.acknowledged(box, "2", 2), 0))).toEqual(["3"]);
  });

  test("a refused message holds up nobody, and is sent again only when somebody asks for it", () => {
    let box = outbox.refused(outbox.sending(write(write([], "1"), "2"), "1"), "1", "You may not.");
    expect(ids(outbox.sendable(box, 0))).toEqual(["2"]);
    box = outbox.retried(box, "1");
    expect(ids(outbox.sendable(box, 0))).toEqual(["1", "2"]);
    expect(states(outbox.removed(box, "1"))).toEqual(["2 queued"]);
  });

  test("after a reload what was on its way is sent again, in the order of writing", () => {
    const box = outbox.refused(outbox.sending(write(write(write([], "3"), "1"), "2"), "1"), "2", "No.");
    expect(states(outbox.revived(box))).toEqual(["1 queued", "2 failed", "3 queued"]);
  });

  test("only so many are unanswered at once", () => {
    let box: outbox.Outbox = [];
    for (let index = 0; index < outbox.MOST_IN_FLIGHT + 5; index++) box = write(box, String(index));
    for (const each of outbox.sendable(box, 0)) box = outbox.sending(box, each.clientId);
    expect(outbox.sendable(box, 0)).toEqual([]);
    expect(ids(outbox.sendable(outbox.acknowledged(box, "0", 1), 0))).toEqual([
      String(outbox.MOST_IN_FLIGHT),
    ]);
  });

  test("whatever is lost, and whenever the page is reloaded, each message reaches the log once and in its order", () => {
    const happening = fc.constantFrom("write", "send", "answer", "lose", "reload");
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 80 }), (happenings) => {
        let box: outbox.Outbox = [];
        let written = 0;
        const log: string[] = [];
        const happens = (what: string): void => {
          const underway = box.filter((each) => each.state === "sending");
          if (what === "write") box = write(box, String(written++).padStart(3, "0"));
          if (what === "lose") for (const each of underway) box = outbox.postponed(box, each.clientId, 0);
          if (what === "reload") box = outbox.revived(box);
          if (what === "answer" && underway[0]) {
            box = outbox.acknowledged(box, underway[0].clientId, log.indexOf(underway[0].clientId) + 1);
          }
          if (what !== "send") return;
          for (const each of outbox.sendable(box, 0)) {
            box = outbox.sending(box, each.clientId);
            if (!log.includes(each.clientId)) log.push(each.clientId); // the server knows a repetition by its id
          }
        };
        for (const each of [...happenings, "lose", "send"]) happens(each);
        for (let left = box.length; left > 0; left--) happens("answer");
        expect(outbox.settled(box, "c", log.length, () => false)).toEqual([]);
        expect(log).toHaveLength(written);
        expect(log).toEqual(log.toSorted());
      }),
    );
  });
});
