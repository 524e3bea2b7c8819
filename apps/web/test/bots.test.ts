import { describe, expect, it } from "vitest";
import { wishLike, type ApiKey } from "../src/store/bots";

const key: ApiKey = {
  key_id: "1",
  name: "production",
  prefix: "rck_1",
  scopes: ["messages:read"],
  created_at: "2026-01-01T00:00:00.000Z",
  last_used_at: null,
  expires_at: null,
};

describe("a key like another", () => {
  it("is good for the same, and lives as long from now", () => {
    expect(wishLike({ ...key, expires_at: "2026-04-01T00:00:00.000Z" })).toEqual({
      name: "production",
      scopes: ["messages:read"],
      days: 90,
    });
  });

  it("has no end where the other had none", () => {
    expect(wishLike(key).days).toBe(0);
  });
});
