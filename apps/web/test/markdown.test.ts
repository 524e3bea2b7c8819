import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, plain, type Block, type Inline } from "../src/core/markdown";

const text = (value: string): Inline => ({ type: "text", text: value });
const marked = (type: "strong" | "emphasis" | "strike", ...children: Inline[]): Inline => ({
  type,
  children,
});
const paragraph = (...children: Inline[]): Block => ({ type: "paragraph", children });

const letters = (value: string): string => value.replace(/[^abé👍]/gu, "");

describe("markdown", () => {
  test.each<[string, Block[]]>([
    ["plain", [paragraph(text("plain"))]],
    ["**b** and *s*", [paragraph(marked("strong", text("b")), text(" and "), marked("emphasis", text("s")))]],
    ["~~gone~~", [paragraph(marked("strike", text("gone")))]],
    ["**a *b* c**", [paragraph(marked("strong", text("a "), marked("emphasis", text("b")), text(" c")))]],
    ["`a *b* c`", [paragraph({ type: "code", text: "a *b* c" })]],
    ["snake_case_name", [paragraph(text("snake_case_name"))]],
    ["2 * 3 * 4", [paragraph(text("2 * 3 * 4"))]],
    ["**open", [paragraph(text("**open"))]],
    ["<b>no</b>", [paragraph(text("<b>no</b>"))]],
    ["> said\nanswer", [{ type: "quote", children: [text("said")] }, paragraph(text("answer"))]],
    ["```js\nlet *x*;\n```", [{ type: "code", text: "let *x*;" }]],
    ["a\n```\nb\n```\nc", [paragraph(text("a")), { type: "code", text: "b" }, paragraph(text("c"))]],
  ])("%j", (source, expected) => {
    expect(parse(source)).toEqual(expected);
  });

  test("links are what begins with http, without the sentence around them", () => {
    const address = "https://a.example/b_c_d?x=1";
    const link: Inline = { type: "link", href: address, text: address };
    expect(parse(`(see ${address}).`)).toEqual([paragraph(text("(see "), link, text(")."))]);
    expect(JSON.stringify(parse("javascript:alert(1) data:text/html,x ftp://x"))).not.toContain("link");
  });

  test("every address that becomes a link is of the web", () => {
    const links = (part: Inline): string[] =>
      part.type === "link" ? [part.href] : "children" in part ? part.children.flatMap(links) : [];
    const part = fc.constantFrom(
      "http",
      "https",
      "://",
      "javascript:",
      "x",
      "*",
      "`",
      ">",
      "\n",
      " ",
      "@",
      "[",
      "%00",
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const blocks = parse(parts.join(""));
        const found = blocks.flatMap((block) => ("children" in block ? block.children.flatMap(links) : []));
        expect(found.every((href) => /^https?:\/\//.test(href))).toBe(true);
      }),
    );
  });

  test("nothing that is written gets lost, but for the marks", () => {
    const unit = fc.constantFrom("a", "b", "*", "_", "~", "`", ">", "\n", " ", "é", "👍");
    fc.assert(
      fc.property(fc.string({ unit }), (source) => {
        fc.pre(!source.includes("```"));
        expect(letters(plain(source))).toBe(letters(source));
      }),
    );
  });

  test("a long text with many marks is read at once", () => {
    const started = performance.now();
    for (const mark of ["*", "_", "**", "~~", "`", "> ", "*_~~**`", "https://"]) {
      parse(mark.repeat(Math.floor(8000 / mark.length)));
      parse(`a ${mark}`.repeat(Math.floor(8000 / (mark.length + 2))));
    }
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
