import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Api } from "../src/net/api";

const TOKEN = { access_token: "t", expires_in: 3600, user_id: "me" };
const problem = (status: number, code: string, more: object = {}): Response =>
  Response.json({ code, detail: code, temporary: status >= 429, ...more }, { status });
const ok = (): Response => Response.json({});
const away = (): Response => problem(503, "unavailable");

/** Answers each request but the refresh with the next of these; tells which were made. */
function serverOf(...answers: (() => Response)[]): string[] {
  const asked: string[] = [];
  const fetch = async (path: string, { method }: RequestInit): Promise<Response> => {
    if (path.endsWith("/refresh")) return Response.json(TOKEN);
    asked.push(`${method} ${path}`);
    const answer = answers.shift();
    if (!answer) throw new TypeError("Failed to fetch");
    return answer();
  };
  vi.stubGlobal("fetch", fetch);
  return asked;
}

/** What comes of it, however long that takes, and after how many milliseconds. */
async function outcome(work: Promise<unknown>): Promise<{ value?: unknown; error?: unknown; ms: number }> {
  const began = performance.now();
  const settled = work.then(
    (value) => ({ value, ms: performance.now() - began }),
    (error: unknown) => ({ error, ms: performance.now() - began }),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return settled;
}

beforeEach(() => {
  vi.useFakeTimers();
  // No locks: these need a secure context.
  vi.stubGlobal("navigator", { userAgent: "vitest" });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("what fails for the moment", () => {
  test.each(["GET", "PUT", "DELETE"])("is asked again: %s", async (method) => {
    const asked = serverOf(
      away,
      () => problem(504, "deadline_exceeded"),
      () => Response.json({ seq: 1 }),
    );
    const { value, ms } = await outcome(new Api().request(method, "/v1/x"));
    expect(value).toEqual({ seq: 1 });
    expect(asked).toHaveLength(3);
    expect(ms).toBeLessThan(2_000);
  });

  test("is asked again when there was no connection for a moment, and not for ever", async () => {
    const asked = serverOf();
    const { error } = await outcome(new Api().get("/v1/x"));
    expect(error).toMatchObject({ code: "offline" });
    expect(asked).toHaveLength(3);
  });

  test("is asked again when the server says so, and not when that is too late", async () => {
    const asked = serverOf(() => problem(429, "rate_limited", { retry_after: 4 }), ok);
    expect((await outcome(new Api().get("/v1/x"))).ms).toBeGreaterThanOrEqual(4_000);
    expect(asked).toHaveLength(2);
    const again = serverOf(() => problem(429, "locked_out", { retry_after: 300 }), ok);
    const { error, ms } = await outcome(new Api().get("/v1/x"));
    expect(error).toMatchObject({ code: "locked_out" });
    expect(again).toHaveLength(1);
    expect(ms).toBeLessThan(1_000);
  });

  test("is not done twice where that would do it twice, unless a key says that it is the same", async () => {
    const asked = serverOf(away);
    expect((await outcome(new Api().post("/v1/x", {}))).error).toMatchObject({ code: "unavailable" });
    expect(asked).toHaveLength(1);
    serverOf(away, () => Response.json({ made: 1 }));
    expect((await outcome(new Api().post("/v1/x", {}, "key"))).value).toEqual({ made: 1 });
  });

  test("is not asked again by who does not want it any more", async () => {
    const asked = serverOf(away, away, away);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 0);
    expect((await outcome(new Api().get("/v1/x", {}, abort.signal))).error).toMatchObject({
      name: "AbortError",
    });
    expect(asked).toHaveLength(1);
  });
});

test("what stays wrong is asked once", async () => {
  const asked = serverOf(() => problem(404, "user_not_found"));
  expect((await outcome(new Api().get("/v1/x"))).error).toMatchObject({ code: "user_not_found" });
  expect(asked).toHaveLength(1);
});

test("what is gone already is removed", async () => {
  serverOf(away, () => problem(404, "member_not_found"));
  expect((await outcome(new Api().remove("/v1/x", "member_not_found"))).error).toBeUndefined();
  serverOf(() => problem(404, "conversation_not_found"));
  expect((await outcome(new Api().remove("/v1/x", "member_not_found"))).error).toMatchObject({
    code: "conversation_not_found",
  });
});

test("an answer without a body is an answer", async () => {
  const asked = serverOf(
    () => new Response(null, { status: 204, headers: { "Content-Type": "application/json" } }),
  );
  expect(await outcome(new Api().request("DELETE", "/v1/x"))).toMatchObject({ value: null });
  expect(asked).toHaveLength(1);
});
