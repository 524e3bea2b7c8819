/** What a form has changed. */

/** Of `wanted`, what is not as it was. */
export function differing<T extends object>(before: T, wanted: Partial<T>): Partial<T> {
  const entries = Object.entries(wanted) as [keyof T, unknown][];
  return Object.fromEntries(entries.filter(([name, value]) => value !== before[name])) as Partial<T>;
}
