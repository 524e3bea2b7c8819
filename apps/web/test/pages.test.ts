import { expect, test } from "vitest";
import { rangeOf } from "../src/core/ranges";
import { Timeline } from "../src/core/timeline";
import type { History } from "../src/core/wire";
import type { Api } from "../src/net/api";
import { KEPT_ENTRIES, Pages } from "../src/store/history";
import { sent } from "./server";

const LENGTH = 6_000;

/** A client that has just come to a long conversation. */
function begin(): { timeline: Timeline; pages: Pages } {
  const log = Array.from({ length: LENGTH }, (_, index) => sent(index + 1));
  const api = {
    get: async (_: string, query: { before?: number; after?: number; limit: number }): Promise<History> => {
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
