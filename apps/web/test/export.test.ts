import { assert, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { isWhole } from "../src/core/export";

const END = '{"end":true,"things":2}';

describe("an export", () => {
  it("is whole with its end, also when only the tail is looked at", () => {
    expect(isWhole(`{"user_id":"1"}\n{"account":{}}\n${END}\n`)).toBe(true);
    expect(isWhole(`ount":{}}\n${END}\n`)).toBe(true);
  });

  it("is not whole wherever it breaks off", () => {
    const all = `{"account":{"end":true}}\n{"message":{"end":true}}\n${END}`;
    assert(property(nat(all.length - 1), (length) => !isWhole(all.slice(0, length))));
  });
});
