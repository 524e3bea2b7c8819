/** What the audit log's actions are called, with whom they were done to. */
const DEEDS: Record<string, (whom: string) => string> = {
  "user.suspend": (whom) => `suspended ${whom}`,
  "user.unsuspend": (whom) => `let ${whom} in again`,
  "user.role": (whom) => `changed the role of ${whom}`,
  "report.resolve": () => "resolved a report",
  "dead_letter.read": () => "looked at a dead letter",
  "dead_letter.replay": () => "put back a dead letter",
};

/** A sentence about what an administrator did. Actions of newer servers are told by their names. */
export function sentence(actor: string, action: string, whom: string): string {
  return `${actor} ${DEEDS[action]?.(whom) ?? `${action} ${whom}`}`;
}
