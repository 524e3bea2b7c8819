/** What a bot's key may be good for: a part of the API, and whether to read it or to change it. */

export const NOUNS = ["messages", "conversations", "people", "attachments", "reactions", "receipts"] as const;
export const DEEDS = ["read", "write"] as const;

export type Scope = `${(typeof NOUNS)[number]}:${(typeof DEEDS)[number]}`;

/** What most bots need. */
export const USUAL: readonly Scope[] = ["messages:read", "messages:write"];

/** "messages: read, write; people: read": in the order of the API, with scopes of newer servers at the end. */
export function summary(scopes: readonly string[]): string {
  const deeds = new Map<string, string[]>(NOUNS.map((noun) => [noun, []]));
  for (const scope of scopes.toSorted()) {
    const [noun = "", deed = ""] = scope.split(":");
    deeds.set(noun, [...(deeds.get(noun) ?? []), deed]);
  }
  return [...deeds]
    .filter(([, each]) => each.length)
    .map(([noun, each]) => `${noun}: ${each.join(", ")}`)
    .join("; ");
}
