import { describe, expect, it } from "vitest";
import { sentence } from "../src/core/audit";

describe("the audit log", () => {
  it("says who did what to whom", () => {
    expect(sentence("Root", "user.suspend", "Mallory")).toBe("Root suspended Mallory");
    expect(sentence("Root", "report.resolve", "?")).toBe("Root resolved a report");
  });

  it("tells actions of newer servers by their names", () => {
    expect(sentence("Root", "user.rename", "Mallory")).toBe("Root user.rename Mallory");
  });
});
