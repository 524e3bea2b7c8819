/** What a client does when its socket closes, and what a resume means for each conversation. */

import type { Id, Resumed } from "./wire";

export type AfterClose =
  /** Connect again with back-off, and resume. */
  | "reconnect"
  /** Get a new access token first. */
  | "renew"
  /** Do not come back with the same. */
  | "stop";

export function afterClose(code: number): AfterClose {
  if (code >= 4100 && code < 4200) return "renew";
  if ((code >= 4200 && code < 4300) || code === 1007 || code === 1009) return "stop";
  return "reconnect";
}

export const FIRST_WAIT_MS = 500;
export const LONGEST_WAIT_MS = 30_000;

/**
 * Exponential back-off with full jitter, so that the clients of a server that went away do not come back at once.
 *
 * @param attempt 0 for the first
 * @param random from 0 to 1
 * @param leastMs what the server asked for
 */
export function backOff(attempt: number, random: number, leastMs = 0): number {
  return leastMs + random * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16));
}

export interface ResumePlan {
  /** The log was restored from a backup: everything held is void. */
  dropAll: boolean;
  /** Too much was missed, and live events go on after this `seq`: forget the log and page through history. */
  restart: { id: Id; head: number }[];
  /** Not a member any more. */
  forget: Id[];
  /** Unknown until now: ask what they are. */
  meet: Id[];
}

/**
 * @param resumed the server's answer
 * @param epoch the log's identity as far as known
 * @param heads what was resumed from, by conversation
 */
export function planResume(
  resumed: Resumed,
  epoch: string | null,
  heads: ReadonlyMap<Id, number>,
): ResumePlan {
  const plan: ResumePlan = {
    dropAll: epoch !== null && resumed.epoch !== epoch,
    restart: [],
    forget: [],
    meet: [],
  };
  for (const [id, { status, last_seq: head }] of Object.entries(resumed.conversations)) {
    const held = heads.get(id);
    if (status === "forbidden") plan.forget.push(id);
    else if (held === undefined) plan.meet.push(id);
    else if (status === "history" && head !== held) plan.restart.push({ id, head });
  }
  return plan;
}
