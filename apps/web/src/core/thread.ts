/** How many messages answer one. */

/** `count` of them up to `upTo`, and those at `later`, without order. */
export interface Replies {
  readonly count: number;
  readonly upTo: number;
  readonly later: readonly number[];
}

export const NO_REPLIES: Replies = { count: 0, upTo: 0, later: [] };

export function replyAt(seq: number): Replies {
  return { count: 0, upTo: 0, later: [seq] };
}

/** What was counted further wins; what came later is counted once. The order of arguments does not matter. */
export function mergeReplies(one: Replies, other: Replies): Replies {
  if (one === other || other === NO_REPLIES) return one;
  const { count, upTo } = one.upTo >= other.upTo ? one : other;
  const later = new Set([...one.later, ...other.later].filter((seq) => seq > upTo));
  return { count, upTo, later: [...later] };
}

export function countOf({ count, later }: Replies): number {
  return count + later.length;
}
