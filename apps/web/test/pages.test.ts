import { expect, test } from "vitest";
import { rangeOf } from "../src/core/ranges";
import { Timeline } from "../src/core/timeline";
import type { History } from "../src/core/wire";
import type { Api } from "../src/net/api";
import { ApiError } from "../src/net/problem";
import { KEPT_ENTRIES, Pages } from "../src/store/history";
import { sent } from "./server";

const LENGTH = 6_000;

interface Query {
  before?: number;
  after?: number;
  around_time?: string;
  limit: number;
}

/** A client that has just come to a long conversation. */
function begin(): { timeline: Timeline; pages: Pages } {
  const log = Array.from({ length: LENGTH }, (_, index) => sent(index + 1));
  const api = {
    get: async (_: string, query: Query): Promise<History> => {
      if (query.around_time !== undefined) {
        const index = log.findIndex((event) => event.at >= (query.around_time ?? ""));
        const from = Math.max(0, (index < 0 ? LENGTH : index) - query.limit / 2);
        return { events: log.slice(from, from + query.limit), last_seq: LENGTH, has_more: true };
      }
      const to = query.after === undefined ? (query.before ?? LENGTH + 1) - 1 : query.after + query.limit;
      const events = log.slice(Math.max(0, to - query.limit), to);
      const hasMore = query.after === undefined ? to > query.limit : to < LENGTH;
      return { events, last_seq: LENGTH, has_more: hasMore };
    },
  };
  const timeline = new Timeline("me", LENGTH);
  const pages = new Pages(
    api as unknown as Api,
    () => timeline,
    () => undefined,
  );
  return { timeline, pages };
}

test("however far somebody goes up and down, a bounded part is held, and the newest is kept", async () => {
  const { timeline, pages } = begin();
  const held = (): number => timeline.entries({ from: 1, to: LENGTH }).length;
  await pages.newest("c");
  let seen = LENGTH;
  const range = (): { from: number; to: number } => rangeOf(timeline.ranges, seen) ?? { from: 0, to: 0 };
  while (seen > 1) {
    seen = range().from;
    pages.forgetFar("c", range(), seen);
    await pages.older("c", range());
    expect(range().from === 1 || range().from < seen).toBe(true);
    expect(held()).toBeLessThan(2_000);
    expect(timeline.live?.from).toBeLessThanOrEqual(LENGTH - KEPT_ENTRIES + 1);
  }
  while (seen < LENGTH) {
    seen = range().to;
    pages.forgetFar("c", range(), seen);
    await pages.newer("c", range());
    expect(range().to === LENGTH || range().to > seen).toBe(true);
    expect(held()).toBeLessThan(2_000);
  }
  expect(timeline.live?.to).toBe(LENGTH);
});

test("what is near is not forgotten", async () => {
  const { timeline, pages } = begin();
  await pages.newest("c");
  for (let count = 0; count < 10; count++) await pages.older("c", timeline.live ?? { from: 0, to: 0 });
  const { version } = timeline;
  expect(pages.forgetFar("c", timeline.live ?? { from: 0, to: 0 }, LENGTH - 400)).toBe(false);
  expect(timeline.version).toBe(version);
});

test("a message that is quoted from far away is read once, and one that is gone is not asked for again", async () => {
  const asked: string[] = [];
  const api = {
    get: async (path: string): Promise<unknown> => {
      asked.push(path);
      if (path.includes("gone"))
        throw new ApiError({ code: "message_not_found", detail: "", temporary: false });
      return { message: sent(7), replies: [], next_cursor: null };
    },
  };
  const timeline = new Timeline("me", LENGTH);
  const pages = new Pages(
    api as unknown as Api,
    () => timeline,
    () => undefined,
  );
  await Promise.all([pages.quoted("c", "m7"), pages.quoted("c", "m7")]);
  await pages.quoted("c", "m7");
  expect(timeline.message("m7")?.seq).toBe(7);
  expect(timeline.ranges).toEqual([]);
  await pages.quoted("c", "gone");
  await pages.quoted("c", "gone");
  expect(asked).toHaveLength(2);
});

test("a moment's place is that of what comes then or next, or else of the newest", async () => {
  const { timeline, pages } = begin();
  await pages.newest("c");
  const moment = new Date(sent(3_000).at);
  expect(await pages.at("c", moment)).toBe(3_000);
  expect(rangeOf(timeline.ranges, 3_000)).not.toBeNull();
  expect(await pages.at("c", new Date(0))).toBe(1);
  expect(await pages.at("c", new Date("9999-01-01"))).toBe(LENGTH);
});
