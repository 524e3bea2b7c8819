import { beforeEach, describe, expect, it, vi } from "vitest";
import { dropOthers, file, keep, page, wayOf, type Means, type Release } from "../src/worker/release";

const HOME = "https://chat.example";
const BODY = "<title>one</title>";

class FakeCache {
  readonly kept = new Map<string, Response>();
  addAll = async (paths: string[]): Promise<void> => {
    for (const path of paths) this.kept.set(path, new Response(path));
  };
  put = async (path: string, answer: Response): Promise<void> => {
    this.kept.set(path, answer);
  };
  match = async (asked: Request | string): Promise<Response | undefined> =>
    this.kept.get(typeof asked === "string" ? asked : new URL(asked.url).pathname)?.clone();
}

class FakeCaches {
  readonly all = new Map<string, FakeCache>();
  open = async (name: string): Promise<FakeCache> => {
    const cache = this.all.get(name) ?? new FakeCache();
    this.all.set(name, cache);
    return cache;
  };
  keys = async (): Promise<string[]> => [...this.all.keys()];
  delete = async (name: string): Promise<boolean> => this.all.delete(name);
}

let caches: FakeCaches;
let server: () => Promise<Response>;
const means = (): Means => ({ caches: caches as unknown as CacheStorage, fetch: () => server() });
const request = (path: string, mode = "cors", method = "GET"): Request =>
  ({ url: new URL(path, HOME).href, mode, method }) as Request;
const release: Release = { version: "2", page: "", files: ["/assets/index-1.js", "/icon.svg"] };
const way = (...asked: Parameters<typeof request>): string => wayOf(request(...asked), release, HOME);

beforeEach(async () => {
  caches = new FakeCaches();
  server = async () => new Response(BODY);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(BODY));
  release.page = Buffer.from(digest).toString("hex");
});

describe("the worker answers", () => {
  it("for the page and what it is made of, and for nothing else", () => {
    expect(way("/", "navigate")).toBe("page");
    expect(way("/assets/index-1.js")).toBe("file");
    expect(way("/v1/me")).toBe("network");
    expect(way("/v1/auth/browser/refresh", "cors", "POST")).toBe("network");
    expect(way("/v1/attachments/1/content", "navigate")).toBe("network");
    expect(way("/confirm.html", "navigate")).toBe("network");
    expect(way("/assets/index-2.js")).toBe("network");
    expect(way("https://other.example/assets/index-1.js")).toBe("network");
  });

  it("with the server's page, so that a new release is seen at once", async () => {
    await keep(release, means());
    server = async () => new Response("<title>newer</title>");
    expect(await (await page(request("/", "navigate"), release, means())).text()).toContain("newer");
  });

  it.each([
    ["there is no network", async () => Promise.reject(new TypeError("offline"))],
    ["the server has failed", async () => new Response("", { status: 503 })],
  ])("with the page that is kept when %s", async (_why, answer) => {
    await keep(release, means());
    server = answer;
    expect(await (await page(request("/", "navigate"), release, means())).text()).toBe(BODY);
    expect(await (await file(request("/icon.svg"), release, means())).text()).toBe("/icon.svg");
  });

  it("with the page that is kept when the server says nothing for long", async () => {
    await keep(release, means());
    server = () => new Promise(() => undefined);
    vi.useFakeTimers();
    const answer = page(request("/", "navigate"), release, means());
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    expect(await (await answer).text()).toBe(BODY);
  });

  it("as the network does when nothing is kept", async () => {
    server = async () => Promise.reject(new TypeError("offline"));
    await expect(page(request("/", "navigate"), release, means())).rejects.toThrow("offline");
  });
});

describe("a release", () => {
  it("is not kept when the server's page is of another one", async () => {
    server = async () => new Response("<title>older</title>");
    await expect(keep(release, means())).rejects.toThrow("another release");
    expect(await caches.keys()).toEqual([]);
  });

  it("replaces those before, and nothing else", async () => {
    await caches.open("realchat-shell-1");
    await caches.open("something else");
    await keep(release, means());
    await dropOthers(release, means());
    expect(await caches.keys()).toEqual(["something else", "realchat-shell-2"]);
  });
});
