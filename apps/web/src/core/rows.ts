/** A conversation's entries as the rows that are shown, each knowing what is to be drawn around it. */

import type { Outgoing } from "./outbox";
import type { Message, Notice, Entry } from "./message";
import { dayKey } from "./text";
import type { Id } from "./wire";

interface Around {
  /** Stays the same when a message that was on its way arrives. */
  readonly key: string;
  /** The first of its day: the day is named above it. */
  readonly opensDay: boolean;
  /** What is new begins here. */
  readonly opensNew: boolean;
  /** The first of several of one person in a row. */
  readonly first: boolean;
  readonly last: boolean;
}

export type Row = Around &
  (
    | { readonly type: "message"; readonly entry: Message }
    | { readonly type: "notice"; readonly entry: Notice }
    | { readonly type: "outgoing"; readonly entry: Outgoing }
  );

/** Of one person, messages that are further apart are not drawn as a group. */
const APART_MS = 5 * 60_000;

/**
 * @param entries in ascending `seq`
 * @param outgoing what is on its way, in the order of writing; none where the newest is not shown
 * @param newFrom the first `seq` that is new, if any
 */
export function rowsOf(
  entries: readonly Entry[],
  outgoing: readonly Outgoing[],
  me: Id,
  newFrom: number | null,
): Row[] {
  const all = [...entries, ...outgoing];
  const newIndex =
    newFrom === null ? -1 : entries.findIndex((entry) => entry.seq >= newFrom && entry.type === "message");
  return all.map((entry, index): Row => {
    const before = all[index - 1];
    const after = all[index + 1];
    const opensDay = !before || dayKey(before.at) !== dayKey(entry.at);
    const opensNew = index === newIndex;
    const around = {
      opensDay,
      opensNew,
      first: opensDay || opensNew || !isGrouped(before, entry, me),
      last:
        !after ||
        index + 1 === newIndex ||
        !isGrouped(entry, after, me) ||
        dayKey(after.at) !== dayKey(entry.at),
    };
    if (!("type" in entry)) return { ...around, type: "outgoing", key: entry.clientId, entry };
    if (entry.type === "notice") return { ...around, type: "notice", key: `n${entry.seq}`, entry };
    return { ...around, type: "message", key: entry.senderId === me ? entry.clientId : entry.id, entry };
  });
}

function senderOf(entry: Entry | Outgoing, me: Id): Id | null {
  if (!("type" in entry)) return me;
  return entry.type === "message" ? entry.senderId : null;
}

function isGrouped(one: Entry | Outgoing, next: Entry | Outgoing, me: Id): boolean {
  const sender = senderOf(one, me);
  if (sender === null || sender !== senderOf(next, me)) return false;
  return new Date(next.at).getTime() - new Date(one.at).getTime() < APART_MS;
}
