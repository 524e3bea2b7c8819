/** Who is mentioned: `@handle` in what somebody writes, and the ids that go with it. */

import { parse, type Inline } from "./markdown";
import type { Id } from "./wire";

/** The word that stands for all members; nobody has it as a handle. */
export const ALL = "all";
/** As many as a message may mention by name. */
const MOST_MENTIONS = 50;
const MENTION = /(?<![\p{L}\p{N}_@/.])@([a-z0-9_.]{3,33})/giu;
const TYPED = /(?<![\p{L}\p{N}_@/.])@([\p{L}\p{N}_.]{0,32})$/u;

export interface Named {
  readonly id: Id;
  readonly handle: string;
  readonly name: string;
}

export interface Mentions {
  readonly mentions: readonly Id[];
  readonly mentionAll: boolean;
}

export const NOBODY: Mentions = { mentions: [], mentionAll: false };

/** A part of a text; `handle` is null where nobody is mentioned. */
export interface Piece {
  readonly start: number;
  readonly text: string;
  readonly handle: string | null;
}

/** A text in pieces, of which some are mentions of those whose handles are known. */
export function pieces(text: string, isKnown: (handle: string) => boolean): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(MENTION)) {
    const [, word = ""] = match;
    // A full stop after a handle may be one of the sentence.
    const handle = [word, word.replace(/\.+$/, "")].find((each) => isKnown(each.toLowerCase()));
    if (handle === undefined) continue;
    if (match.index > from) found.push({ start: from, text: text.slice(from, match.index), handle: null });
    const end = match.index + 1 + handle.length;
    found.push({ start: match.index, text: text.slice(match.index, end), handle: handle.toLowerCase() });
    from = end;
  }
  if (from < text.length) found.push({ start: from, text: text.slice(from), handle: null });
  return found;
}

/** A text with names in place of the handles of those who are known. */
export function named(text: string, known: ReadonlyMap<string, { readonly name: string }>): string {
  return pieces(text, (handle) => known.has(handle))
    .map((piece) => (piece.handle === null ? piece.text : `@${known.get(piece.handle)?.name}`))
    .join("");
}

/** Whom a text mentions: of `people`, and all where that is possible. What is code or an address mentions nobody. */
export function mentionedIn(text: string, people: readonly Named[], mayAll: boolean): Mentions {
  if (!text.includes("@")) return NOBODY;
  const ids = new Map(people.map(({ handle, id }) => [handle, id]));
  const isKnown = (handle: string): boolean => ids.has(handle) || (mayAll && handle === ALL);
  const handles = new Set<string>();
  const look = (part: Inline): void => {
    if ("children" in part) part.children.forEach(look);
    else if (part.type === "text")
      for (const { handle } of pieces(part.text, isKnown)) if (handle !== null) handles.add(handle);
  };
  for (const block of parse(text)) if ("children" in block) block.children.forEach(look);
  const mentions = [...handles].map((handle) => ids.get(handle)).filter((id) => id !== undefined);
  return {
    mentions: mentions.slice(0, MOST_MENTIONS),
    mentionAll: handles.has(ALL) && !ids.has(ALL),
  };
}

/** The mention that is being typed right before the caret; null when there is none. */
export function typedBefore(text: string, caret: number): { from: number; prefix: string } | null {
  const match = TYPED.exec(text.slice(0, caret));
  return match && { from: match.index, prefix: match[1] ?? "" };
}

/** Those whose handle, or a word of whose name, begins so: the ones whose handle does first. */
export function suggestions(prefix: string, people: readonly Named[], most: number): Named[] {
  const wanted = prefix.toLocaleLowerCase();
  const rank = ({ handle, name }: Named): number => {
    if (handle.startsWith(wanted)) return 0;
    const words = name.toLocaleLowerCase().split(/[^\p{L}\p{N}]+/u);
    return words.some((word) => word.startsWith(wanted)) ? 1 : 2;
  };
  return people
    .map((each) => ({ each, rank: rank(each) }))
    .filter((each) => each.rank < 2)
    .toSorted((a, b) => a.rank - b.rank || a.each.name.localeCompare(b.each.name))
    .slice(0, most)
    .map(({ each }) => each);
}

/** Whether somebody is among those who are mentioned. */
export function mentionsOne({ mentions, mentionAll }: Mentions, id: Id): boolean {
  return mentionAll || mentions.includes(id);
}
