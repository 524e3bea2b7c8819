import { describe, expect, it } from "vitest";
import { grouped, recoveryFile } from "../src/core/codes";

describe("codes", () => {
  it("a secret is read in groups of four, and nothing of it is lost", () => {
    expect(grouped("JBSWY3DPEHPK3PXPAB")).toBe("JBSW Y3DP EHPK 3PXP AB");
    expect(grouped("")).toBe("");
  });

  it("a file of recovery codes says whose they are, and has one a line", () => {
    const file = recoveryFile(["AAAA-BBBB", "CCCC-DDDD"], "alice@example.com", new Date(0));
    expect(file).toContain("alice@example.com, made on 1970-01-01");
    expect(file.split("\n").slice(3)).toEqual(["AAAA-BBBB", "CCCC-DDDD", ""]);
  });
});
