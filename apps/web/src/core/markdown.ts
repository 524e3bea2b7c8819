/** The subset of Markdown that messages may use, parsed into a tree. It becomes elements, never HTML text. */

export type Inline =
  | { type: "text"; text: string }
  | { type: "code"; text: string }
  | { type: "link"; href: string; text: string }
  | { type: "strong" | "emphasis" | "strike"; children: Inline[] };

export type Block =
  | { type: "paragraph"; children: Inline[] }
  | { type: "quote"; children: Inline[] }
  | { type: "code"; text: string };

const FENCE = /^```[\w+-]*\n([\s\S]*?)(?:\n)?```[ \t]*$/m;

export function parse(text: string): Block[] {
  const blocks: Block[] = [];
  let rest = text;
  for (let fence = FENCE.exec(rest); fence; fence = FENCE.exec(rest)) {
    blocks.push(...lines(rest.slice(0, fence.index)));
    blocks.push({ type: "code", text: fence[1] ?? "" });
    rest = rest.slice(fence.index + fence[0].length).replace(/^\n/, "");
  }
  blocks.push(...lines(rest));
  return blocks;
}

/** What a message says in one line, for lists and announcements. */
export function plain(text: string): string {
  const said = (inline: Inline): string =>
    "children" in inline ? inline.children.map(said).join("") : inline.text;
  return parse(text)
    .map((block) => ("children" in block ? block.children.map(said).join("") : block.text))
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
}

function lines(text: string): Block[] {
  const blocks: Block[] = [];
  let kind: "paragraph" | "quote" = "paragraph";
  let gathered: string[] = [];
  const flush = (): void => {
    const body = gathered.join("\n");
    if (body.trim()) blocks.push({ type: kind, children: inlines(body.trimEnd()) });
    gathered = [];
  };
  for (const line of text.split("\n")) {
    if (!line.trim()) {
      flush();
      continue;
    }
    const quoted = /^>\s?(.*)$/.exec(line);
    const next = quoted ? "quote" : "paragraph";
    if (next !== kind) flush();
    kind = next;
    gathered.push(quoted ? (quoted[1] ?? "") : line);
  }
  flush();
  return blocks;
}

const MARKS: readonly { mark: string; type: "strong" | "emphasis" | "strike" }[] = [
  { mark: "**", type: "strong" },
  { mark: "~~", type: "strike" },
  { mark: "*", type: "emphasis" },
  { mark: "_", type: "emphasis" },
];
const URL_START = /https?:\/\/[^\s<>"'`]+/y;
const WORD = /[\p{L}\p{N}_]/u;
const DEEPEST = 8;

function inlines(text: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  /** Marks that are not closed any more from here on: they are not looked for again and again. */
  const unclosed = new Set<string>();
  let plainFrom = 0;
  let at = 0;
  const push = (inline: Inline, end: number): void => {
    if (at > plainFrom) found.push({ type: "text", text: text.slice(plainFrom, at) });
    found.push(inline);
    at = end;
    plainFrom = end;
  };
  while (at < text.length) {
    const taken =
      code(text, at) ?? link(text, at) ?? (depth < DEEPEST ? marked(text, at, depth, unclosed) : null);
    if (taken) push(taken.inline, taken.end);
    else at++;
  }
  if (text.length > plainFrom) found.push({ type: "text", text: text.slice(plainFrom) });
  return found;
}

interface Taken {
  inline: Inline;
  end: number;
}

function code(text: string, at: number): Taken | null {
  if (text[at] !== "`") return null;
  const close = text.indexOf("`", at + 1);
  if (close <= at + 1 || text.slice(at, close).includes("\n")) return null;
  return { inline: { type: "code", text: text.slice(at + 1, close) }, end: close + 1 };
}

function link(text: string, at: number): Taken | null {
  if (text[at] !== "h" || WORD.test(text[at - 1] ?? "")) return null;
  URL_START.lastIndex = at;
  const match = URL_START.exec(text)?.[0].replace(/[.,:;!?*_~]+$/, "");
  if (!match) return null;
  // A bracket at the end belongs to the sentence, unless it was opened in the address.
  const address = match.endsWith(")") && !match.includes("(") ? match.slice(0, -1) : match;
  if (!URL.canParse(address)) return null;
  return { inline: { type: "link", href: new URL(address).href, text: address }, end: at + address.length };
}

function marked(text: string, at: number, depth: number, unclosed: Set<string>): Taken | null {
  for (const { mark, type } of MARKS) {
    if (unclosed.has(mark) || !text.startsWith(mark, at)) continue;
    const from = at + mark.length;
    if (/\s/.test(text[from] ?? " ") || (mark === "_" && WORD.test(text[at - 1] ?? ""))) return null;
    const close = closing(text, from, mark);
    if (close < 0) {
      unclosed.add(mark);
      continue;
    }
    return {
      inline: { type, children: inlines(text.slice(from, close), depth + 1) },
      end: close + mark.length,
    };
  }
  return null;
}

function closing(text: string, from: number, mark: string): number {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1)) {
    if (at === from || /\s/.test(text[at - 1] ?? "")) continue;
    if (mark === "*" && (text[at + 1] === "*" || text[at - 1] === "*")) continue;
    if (mark === "_" && WORD.test(text[at + 1] ?? "")) continue;
    return at;
  }
  return -1;
}
