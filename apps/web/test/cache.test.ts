import "fake-indexeddb/auto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { NOBODY } from "../src/core/mentions";
import { enqueue } from "../src/core/outbox";
import type { Api } from "../src/net/api";
import { Cache, lastUser, rememberUser } from "../src/store/cache";
import { Chat } from "../src/store/chat";

const ME = { user_id: "me", handle: "me", display_name: "Me", bio: "" };

beforeEach(() => {
  const items = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => items.set(key, value),
    removeItem: (key: string) => items.delete(key),
  });
});

describe("cache", () => {
  test("what was written, drafts and all, is there after a reload", async () => {
    const before = await Cache.open("me");
    const draft = {
      conversationId: "c",
      clientId: "1",
      body: "typed while away",
      replyTo: null,
      attachments: [],
      ...NOBODY,
      at: "1",
    };
    const [waiting] = enqueue([], draft);
    before.put("about", "me", () => ME);
    before.put("outbox", "1", () => waiting);
    before.put("outbox", "2", () => ({ ...waiting, clientId: "2" }));
    before.put("drafts", "c", () => "half a sen");
    await before.flush();
    before.put("outbox", "2", () => null);
    await before.flush();

    const after = await (await Cache.open("me")).read();
    expect(after.me).toEqual(ME);
    expect(after.outbox).toEqual([waiting]);
    expect([...after.drafts]).toEqual([["c", "half a sen"]]);
  });

  test("logging out leaves nothing", async () => {
    rememberUser("gone");
    const cache = await Cache.open("gone");
    cache.put("drafts", "c", () => "secret");
    await cache.flush();
    await cache.destroy();
    expect(lastUser()).toBeNull();
    expect((await (await Cache.open("gone")).read()).drafts.size).toBe(0);
  });

  test("a full disk is said once, and what was not kept is kept by the next write that succeeds", async () => {
    const cache = await Cache.open("full");
    const problems: string[] = [];
    let isFull = true;
    cache.onProblem = (text) => problems.push(text);
    cache.put("drafts", "c", () => {
      if (isFull) throw new DOMException("full", "QuotaExceededError");
      return "half a sen";
    });
    await cache.flush();
    cache.put("drafts", "d", () => "other");
    await cache.flush();
    expect(problems).toEqual([
      "This browser's storage is full: what you have typed is lost when you leave this page.",
    ]);
    expect(cache.losesTyped).toBe(true);
    isFull = false;
    await cache.flush();
    expect(cache.losesTyped).toBe(false);
    expect((await (await Cache.open("full")).read()).drafts.get("c")).toBe("half a sen");
  });

  test("what somebody typed is kept where there is no room for what they see", async () => {
    const cache = await Cache.open("small");
    const problems: string[] = [];
    cache.onProblem = (text) => problems.push(text);
    cache.put("drafts", "c", () => "half a sen");
    cache.put("about", "me", () => {
      throw new DOMException("full", "QuotaExceededError");
    });
    await cache.flush();
    expect(problems).toEqual([
      "This browser's storage is full: what you see is not kept for your next visit.",
    ]);
    expect(cache.losesTyped).toBe(false);
    expect((await (await Cache.open("small")).read()).drafts.get("c")).toBe("half a sen");
  });
});

test("what leaves the draft for the outbox is in one of them whenever the page goes", async () => {
  const cache = await Cache.open("writer");
  const chat = new Chat({} as Api, { ...ME, bot: false }, cache);
  chat.setDraft("c", "hello");
  await cache.flush();
  chat.say("c", { ...NOBODY, conversationId: "c", body: "hello", replyTo: null, attachments: [] });
  const kept = await vi.waitFor(async () => {
    const found = await (await Cache.open("writer")).read();
    expect(found.outbox).toHaveLength(1);
    return found;
  });
  expect(kept.drafts.size).toBe(0);
});
