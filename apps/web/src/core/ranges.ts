/** Sets of whole numbers as sorted, disjoint ranges that do not touch. */

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** `ranges` and everything between `from` and `to`, both included. */
export function cover(ranges: readonly Range[], from: number, to: number): Range[] {
  if (to < from) return [...ranges];
  const before = ranges.filter((range) => range.to < from - 1);
  const after = ranges.filter((range) => range.from > to + 1);
  const touched = ranges.filter((range) => range.to >= from - 1 && range.from <= to + 1);
  const merged = {
    from: Math.min(from, ...touched.map((range) => range.from)),
    to: Math.max(to, ...touched.map((range) => range.to)),
  };
  return [...before, merged, ...after];
}

/** `ranges` without what is between `from` and `to`, both included. */
export function uncover(ranges: readonly Range[], from: number, to: number): Range[] {
  if (to < from) return [...ranges];
  return ranges.flatMap((range) =>
    [
      { from: range.from, to: Math.min(range.to, from - 1) },
      { from: Math.max(range.from, to + 1), to: range.to },
    ].filter((part) => part.from <= part.to),
  );
}

export function rangeOf(ranges: readonly Range[], value: number): Range | null {
  return ranges.find((range) => range.from <= value && value <= range.to) ?? null;
}
