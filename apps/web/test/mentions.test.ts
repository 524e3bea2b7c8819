import { describe, expect, test } from "vitest";
import { mentionedIn, named, pieces, suggestions, typedBefore } from "../src/core/mentions";

const BOB = { id: "1", handle: "bob", name: "Bob Stone" };
const BOBBY = { id: "2", handle: "bob.by", name: "Éva Bobby" };
const PEOPLE = [BOB, BOBBY];

describe("mentions", () => {
  test.each<[string, string[]]>([
    ["@bob hello", ["1"]],
    ["hello **@Bob**, and @bob.by.", ["1", "2"]],
    ["ask @bob.", ["1"]],
    ["@bob @bob", ["1"]],
    ["write to me@bob.by or x/@bob", []],
    ["`@bob` https://example.org/@bob @bobb", []],
  ])("%j names those whose handles it has", (text, ids) => {
    expect(mentionedIn(text, PEOPLE, false)).toEqual({ mentions: ids, mentionAll: false });
  });

  test("all are mentioned where that is possible", () => {
    expect(mentionedIn("@all!", PEOPLE, true).mentionAll).toBe(true);
    expect(mentionedIn("@all!", PEOPLE, false).mentionAll).toBe(false);
  });

  test("the pieces of a text are the text", () => {
    const found = pieces("a @bob. b @x", (handle) => handle === "bob");
    expect(found.map((each) => each.text)).toEqual(["a ", "@bob", ". b @x"]);
  });

  test("a text has names where those who are known are mentioned", () => {
    const known = new Map([["bob", { name: "Bob Stone" }]]);
    expect(named("Ask @Bob, or @carol.", known)).toBe("Ask @Bob Stone, or @carol.");
  });

  test("what is typed before the caret is completed by handles first, then by names", () => {
    expect(typedBefore("say @bo to", 7)).toEqual({ from: 4, prefix: "bo" });
    expect(typedBefore("me@bo", 5)).toBeNull();
    expect(typedBefore("@bob ", 5)).toBeNull();
    expect(suggestions("bob", [BOBBY, BOB], 5)).toEqual([BOB, BOBBY]);
    expect(suggestions("sto", PEOPLE, 5)).toEqual([BOB]);
    expect(suggestions("", PEOPLE, 1)).toHaveLength(1);
  });
});
