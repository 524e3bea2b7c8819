/** What somebody looks for, and the part of a message that is shown of what was found. */

export interface Highlight {
  /** In Unicode code points. */
  start: number;
  length: number;
}

export interface Piece {
  /** Where it is in the body, in code points. */
  start: number;
  text: string;
  marked: boolean;
}

const BEFORE = 30;
const MOST = 160;

/** Whoever types has perhaps not typed all of the last word. */
export function asTyped(text: string): string {
  const query = text.trim();
  const isQuoted = query.split('"').length % 2 === 0;
  return !isQuoted && /[\p{L}\p{N}]$/u.test(query) ? `${query}*` : query;
}

/** A body around the first of its marked parts. */
export function snippet(body: string, highlights: readonly Highlight[]): Piece[] {
  const all = Array.from(body);
  const first = highlights[0]?.start ?? 0;
  const from = first > BEFORE ? first - BEFORE : 0;
  const to = Math.min(all.length, from + MOST);
  const pieces: Piece[] = [];
  const add = (start: number, end: number, marked: boolean): void => {
    const text = all.slice(Math.max(start, from), Math.min(end, to)).join("").replaceAll(/\s+/gu, " ");
    if (text) pieces.push({ start, text, marked });
  };
  let at = 0;
  for (const { start, length } of highlights) {
    add(at, start, false);
    add(start, start + length, true);
    at = start + length;
  }
  add(at, all.length, false);
  if (from > 0) pieces.unshift({ start: -1, text: "…", marked: false });
  if (to < all.length) pieces.push({ start: to, text: "…", marked: false });
  return pieces;
}
