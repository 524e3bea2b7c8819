/** Reactions of a message, each emoji with the `seq` as of which its count and one's own part are known. */

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  readonly mine: boolean;
}

interface Known {
  readonly count: number;
  readonly countAsOf: number;
  readonly mine: boolean;
  readonly mineAsOf: number;
}

/** `asOf`: what is not listed was not there at that `seq`. */
export interface Reactions {
  readonly asOf: number;
  readonly known: ReadonlyMap<string, Known>;
}

const NOT_THERE: Known = { count: 0, countAsOf: 0, mine: false, mineAsOf: 0 };
export const UNHEARD: Reactions = { asOf: 0, known: new Map() };

export function asRead(reactions: readonly Reaction[], asOf: number): Reactions {
  const known = new Map<string, Known>();
  for (const { emoji, count, mine } of reactions)
    known.set(emoji, { count, countAsOf: asOf, mine, mineAsOf: asOf });
  return { asOf, known };
}

/** One event's news. `mine` is null when somebody else gave it or took it back. */
export function news(emoji: string, count: number, mine: boolean | null, seq: number): Reactions {
  const one: Known = { count, countAsOf: seq, mine: mine ?? false, mineAsOf: mine === null ? 0 : seq };
  return { asOf: 0, known: new Map([[emoji, one]]) };
}

/** The newer knowledge of each part wins; the order of arguments does not matter. */
export function merge(one: Reactions, other: Reactions): Reactions {
  const known = new Map<string, Known>();
  for (const emoji of new Set([...one.known.keys(), ...other.known.keys()])) {
    const a = of(one, emoji);
    const b = of(other, emoji);
    const counted = a.countAsOf >= b.countAsOf ? a : b;
    const owned = a.mineAsOf >= b.mineAsOf ? a : b;
    known.set(emoji, {
      count: counted.count,
      countAsOf: counted.countAsOf,
      mine: owned.mine,
      mineAsOf: owned.mineAsOf,
    });
  }
  return { asOf: Math.max(one.asOf, other.asOf), known };
}

function of(reactions: Reactions, emoji: string): Known {
  return reactions.known.get(emoji) ?? { ...NOT_THERE, countAsOf: reactions.asOf, mineAsOf: reactions.asOf };
}

/** As they are shown, in the order in which they were first given. */
export function shown(reactions: Reactions): Reaction[] {
  return [...reactions.known]
    .filter(([, { count }]) => count > 0)
    .map(([emoji, { count, mine }]) => ({ emoji, count, mine }));
}
