import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterClose, backOff, LONGEST_WAIT_MS, planResume } from "../src/core/reconnect";

describe("coming back", () => {
  test.each([
    [1000, "reconnect"],
    [1006, "reconnect"],
    [1012, "reconnect"],
    [4000, "reconnect"],
    [4001, "reconnect"],
    [4101, "renew"],
    [4102, "renew"],
    [4200, "stop"],
    [4203, "stop"],
    [1007, "stop"],
    [1009, "stop"],
  ])("a close with %i means: %s", (code, next) => {
    expect(afterClose(code)).toBe(next);
  });

  test("the wait is anywhere up to a bound that doubles, and never shorter than the server asks for", () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(100), random, fc.nat(60_000), (attempt, chance, least) => {
        const wait = backOff(attempt, chance, least);
        expect(wait).toBeGreaterThanOrEqual(least);
        expect(wait).toBeLessThanOrEqual(least + Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempt));
      }),
    );
    expect([backOff(0, 0), backOff(0, 1), backOff(1, 1), backOff(50, 1)]).toEqual([
      0,
      500,
      1000,
      LONGEST_WAIT_MS,
    ]);
  });

  test("a resume says what to forget, what to read anew and what is new", () => {
    const resumed = {
      epoch: "1",
      conversations: {
        caughtUp: { status: "recovered" as const, last_seq: 9 },
        farBehind: { status: "history" as const, last_seq: 900 },
        unchanged: { status: "history" as const, last_seq: 4 },
        gone: { status: "forbidden" as const, last_seq: 0 },
        unknown: { status: "history" as const, last_seq: 2 },
      },
    };
    const heads = new Map(Object.entries({ caughtUp: 5, farBehind: 3, unchanged: 4, gone: 6 }));
    expect(planResume(resumed, "1", heads)).toEqual({
      dropAll: false,
      restart: [{ id: "farBehind", head: 900 }],
      forget: ["gone"],
      meet: ["unknown"],
    });
  });

  test("another epoch voids all; the first one heard does not", () => {
    const resumed = { epoch: "2", conversations: {} };
    expect(planResume(resumed, "1", new Map()).dropAll).toBe(true);
    expect(planResume(resumed, null, new Map()).dropAll).toBe(false);
  });
});
