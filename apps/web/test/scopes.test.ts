import { describe, expect, it } from "vitest";
import { summary } from "../src/core/scopes";

describe("scopes", () => {
  it("are told by what they are about, in one order", () => {
    expect(summary(["people:read", "messages:write", "messages:read"])).toBe(
      "messages: read, write; people: read",
    );
  });

  it("of newer servers are told, too", () => {
    expect(summary(["calls:join", "people:read"])).toBe("people: read; calls: join");
  });
});
