import * as fc from "fast-check";
import { expect, test } from "vitest";
import { asTyped, snippet } from "../src/core/search";

test("the last word may be unfinished, but not what is quoted", () => {
  expect(asTyped("raven wri")).toBe("raven wri*");
  expect(asTyped(' "writing desk" ')).toBe('"writing desk"');
  expect(asTyped('"writing de')).toBe('"writing de');
  expect(asTyped("wond*")).toBe("wond*");
});

test("parts are marked by code points, and a long body is cut around the first of them", () => {
  expect(snippet("🎉 tea time", [{ start: 2, length: 3 }])).toEqual([
    { start: 0, text: "🎉 ", marked: false },
    { start: 2, text: "tea", marked: true },
    { start: 5, text: " time", marked: false },
  ]);
  const cut = snippet(`${"a ".repeat(200)}tea${" b".repeat(200)}`, [{ start: 400, length: 3 }]);
  expect(cut.at(0)).toMatchObject({ text: "…", marked: false });
  expect(cut.find((piece) => piece.marked)).toMatchObject({ text: "tea", marked: true });
  expect(cut.at(-1)).toMatchObject({ text: "…", marked: false });
});

test("nothing of a short body is lost", () => {
  const body = fc
    .string({ unit: "grapheme", maxLength: 60 })
    .filter((text) => Array.from(text).length <= 100);
  fc.assert(
    fc.property(body, fc.nat(20), fc.integer({ min: 1, max: 9 }), (text, start, length) => {
      const all = Array.from(text).length;
      const at = Math.min(start, all);
      const pieces = snippet(text, [{ start: at, length: Math.min(length, all - at) }]);
      expect(
        pieces
          .map((piece) => piece.text)
          .join("")
          .replaceAll(/\s+/gu, " "),
      ).toBe(text.replaceAll(/\s+/gu, " "));
    }),
  );
});
