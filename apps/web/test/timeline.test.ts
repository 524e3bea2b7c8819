import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shown } from "../src/core/reactions";
import { countOf } from "../src/core/thread";
import { Timeline } from "../src/core/timeline";
import type { LogEvent } from "../src/core/wire";
import { ME, Server, type Act } from "./server";

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      by: fc.nat(2),
      body: fc.string(),
      answers: fc.option(fc.nat(9), { nil: undefined }),
      mentions: fc.subarray(["user-0", "user-1"]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      message: fc.nat(9),
      body: fc.string(),
      mentions: fc.subarray(["user-0", "user-1"]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("pin" as const),
      by: fc.nat(2),
      message: fc.nat(9),
      remove: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), message: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("react" as const),
      by: fc.nat(2),
      message: fc.nat(9),
      emoji: fc.constantFrom("👍", "🎉"),
      remove: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rename" as const), by: fc.nat(2) }) },
);

type Step =
  | { kind: "act"; act: Act }
  /** A live event arrives: late, twice, or before others. */
  | { kind: "live"; seq: number }
  /** So many live events arrive as they should. */
  | { kind: "next"; count: number }
  /** A page is read on the server, and arrives some steps later. */
  | { kind: "read"; how: "before" | "after" | "around" | "newest"; seq: number; limit: number }
  | { kind: "apart"; message: number }
  | { kind: "arrive" }
  | { kind: "forget"; from: number; to: number }
  | { kind: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("act" as const), act }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("live" as const), seq: fc.nat(30) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("next" as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      how: fc.constantFrom("before" as const, "after" as const, "around" as const, "newest" as const),
      seq: fc.integer({ min: 1, max: 30 }),
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("apart" as const), message: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.constant({ kind: "arrive" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("forget" as const), from: fc.nat(30), to: fc.nat(30) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

class World {
  readonly server = new Server();
  readonly client: Timeline;
  #pages: (() => void)[] = [];

  /** `before`: what had happened before this client came. */
  constructor(before: readonly Act[]) {
    for (const each of before) this.server.do(each);
    this.client = new Timeline(ME, this.server.lastSeq);
  }

  take(step: Step): void {
    const { server, client } = this;
    switch (step.kind) {
      case "act":
        server.do(step.act);
        break;
      case "live":
        if (step.seq >= 1 && step.seq <= server.lastSeq) client.apply(server.live(step.seq));
        break;
      case "next":
        for (let left = step.count; left && client.head < server.lastSeq; left--)
          client.apply(server.live(client.head + 1));
        break;
      case "read":
        this.#read(step.how, step.seq, step.limit);
        break;
      case "apart": {
        const events = server.apart(step.message);
        this.#pages.push(() => client.insertApart(events));
        break;
      }
      case "arrive":
        this.#pages.shift()?.();
        break;
      case "forget":
        client.forget(step.from, step.to);
        break;
      case "restart":
        client.restart(server.lastSeq);
        this.#pages = [];
    }
  }

  #read(how: "before" | "after" | "around" | "newest", seq: number, limit: number): void {
    const { server, client } = this;
    if (seq > server.lastSeq) return;
    const pages = {
      newest: () => {
        const page = server.before(null, limit);
        return () => client.insertBefore(null, page);
      },
      before: () => {
        const page = server.before(seq, limit);
        return () => client.insertBefore(seq, page);
      },
      after: () => {
        const page = server.after(seq, limit);
        return () => client.insertAfter(seq, page);
      },
      around: () => {
        const page = server.around(seq, limit);
        return () => client.insertAround(page);
      },
    };
    this.#pages.push(pages[how]());
  }

  /** What a client does once its connection holds: closes the gap, then reads back to the beginning. */
  repair(): void {
    const { server, client } = this;
    for (const insert of this.#pages) insert();
    for (let pages = server.lastSeq; pages && client.head < server.lastSeq; pages--)
      client.insertAfter(client.head, server.after(client.head, 3));
    if (!client.live && server.lastSeq) client.insertBefore(null, server.before(null, 3));
    for (let from = client.live?.from ?? 1; from > 1; from = client.live?.from ?? 1) {
      client.insertBefore(from, server.before(from, 4));
    }
  }
}

function seen(timeline: Timeline): unknown[] {
  return (timeline.live ? timeline.entries(timeline.live) : []).map((entry) => {
    if (entry.type === "notice") return entry;
    const { reactions, textAsOf: _, pin, replies, ...rest } = entry;
    const inOrder = shown(reactions).toSorted((a, b) => (a.emoji < b.emoji ? -1 : 1));
    return {
      ...rest,
      editedAt: rest.deleted ? null : rest.editedAt,
      reactions: inOrder,
      pinned: pin.pinned,
      replies: countOf(replies),
    };
  });
}

function whole(server: Server): Timeline {
  const timeline = new Timeline(ME);
  for (let seq = 1; seq <= server.lastSeq; seq++) timeline.apply(server.live(seq));
  return timeline;
}

describe("timeline", () => {
  test("whatever came in whatever order, often or never: after repair it is as if nothing had been missed", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 15 }), fc.array(step, { maxLength: 60 }), (before, steps) => {
        const world = new World(before);
        for (const each of steps) world.take(each);
        world.repair();
        expect(world.client.head).toBe(world.server.lastSeq);
        expect(seen(world.client)).toEqual(seen(whole(world.server)));
      }),
      { numRuns: 400 },
    );
  });

  test("what is saved and restored goes on as if it had never been away", () => {
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 30 }),
        fc.array(act, { maxLength: 20 }),
        fc.nat(10),
        (first, then, most) => {
          const server = new Server();
          for (const each of first) server.do(each);
          const saved = whole(server).save(most);
          for (const each of then) server.do(each);
          const restored = saved
            ? Timeline.restore(ME, structuredClone(saved))
            : new Timeline(ME, server.lastSeq);
          for (let seq = restored.head + 1; seq <= server.lastSeq; seq++) restored.apply(server.live(seq));
          const from = restored.live?.from ?? Infinity;
          const expected = seen(whole(server)).filter((entry) => (entry as { seq: number }).seq >= from);
          expect(seen(restored)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("an event after a hole is a gap and changes nothing", () => {
    const server = new Server();
    for (const body of ["one", "two", "three"]) server.do({ kind: "send", by: 1, body });
    const timeline = new Timeline(ME);
    expect([
      timeline.apply(server.live(1)),
      timeline.apply(server.live(3)),
      timeline.apply(server.live(1)),
    ]).toEqual(["new", "gap", "known"]);
    expect(timeline.head).toBe(1);
  });

  test("a kind that this client does not know is counted and not shown", () => {
    const timeline = new Timeline(ME);
    const event = {
      conversation_id: "c",
      seq: 1,
      event_id: "e",
      actor_id: "a",
      at: "",
      kind: "poll.opened",
      data: {},
    };
    expect(timeline.apply(event as unknown as LogEvent)).toBe("new");
    expect([timeline.head, seen(timeline)]).toEqual([1, []]);
  });

  test("what is forgotten is read again, and what is pinned or in a thread is kept meanwhile", () => {
    const server = new Server();
    for (let count = 0; count < 6; count++) server.do({ kind: "send", by: 1, body: "hi" });
    server.do({ kind: "send", by: 1, body: "an answer", answers: 2 });
    server.do({ kind: "pin", by: 1, message: 3, remove: false });
    const timeline = whole(server);
    timeline.forget(2, 5);
    expect(timeline.ranges).toEqual([
      { from: 1, to: 1 },
      { from: 6, to: 8 },
    ]);
    expect(["m2", "m3", "m4", "m5"].map((id) => timeline.message(id) !== null)).toEqual([
      false,
      true,
      true,
      false,
    ]);
    timeline.insertBefore(6, server.before(6, 10));
    expect(timeline.ranges).toEqual([{ from: 1, to: 8 }]);
    expect(seen(timeline)).toEqual(seen(whole(server)));
  });

  test("what somebody deleted for themselves does not come back with a page", () => {
    const server = new Server();
    server.do({ kind: "send", by: 1, body: "one" });
    const page = server.before(null, 5);
    const timeline = whole(server);
    timeline.hide("m1");
    timeline.insertBefore(null, page);
    expect(seen(timeline)).toEqual([]);
  });
});
