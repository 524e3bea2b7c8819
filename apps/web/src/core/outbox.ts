/** Messages that are on their way: from the moment when somebody presses Enter until the log has them. */

import type { Mentions } from "./mentions";
import type { Attachment, Id, Time } from "./wire";

export type OutgoingState =
  /** Waits for a connection, or for its turn. */
  | "queued"
  /** Sent, not answered. */
  | "sending"
  /** In the log; its event is still to come. */
  | "sent"
  /** Refused for good; somebody has to decide. */
  | "failed";

export interface Outgoing extends Mentions {
  readonly conversationId: Id;
  /** The same one again is the same message: sending twice does no harm. */
  readonly clientId: string;
  readonly body: string;
  readonly replyTo: Id | null;
  /** Uploaded already. With some, it goes over HTTP instead of the socket. */
  readonly attachments: readonly Attachment[];
  readonly at: Time;
  readonly state: OutgoingState;
  /** Not before this time, in milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly attempts: number;
  readonly problem: string | null;
  /** Where it is in the log, once that was said. */
  readonly seq: number | null;
}

export type Outbox = readonly Outgoing[];

/** As many as may be unanswered at once; the server allows 200. */
export const MOST_IN_FLIGHT = 50;

/** What somebody wrote. */
export type Written = Mentions & Pick<Outgoing, "conversationId" | "body" | "replyTo" | "attachments">;

export function enqueue(outbox: Outbox, draft: Written & Pick<Outgoing, "clientId" | "at">): Outbox {
  return [...outbox, { ...draft, state: "queued", notBefore: 0, attempts: 0, problem: null, seq: null }];
}

/**
 * What may be sent now: in each conversation only what comes after nothing that still waits, so that messages keep
 * the order in which they were written, also when one has to be tried again.
 */
export function sendable(outbox: Outbox, now: number): Outgoing[] {
  const blocked = new Set<Id>();
  /** Where something is on its way by the socket, which keeps the order only of what goes there. */
  const busy = new Set<Id>();
  let inFlight = outbox.filter((each) => each.state === "sending").length;
  const found: Outgoing[] = [];
  for (const each of outbox) {
    const { conversationId, state } = each;
    const isAlone = each.attachments.length > 0;
    if (state === "sending") (isAlone ? blocked : busy).add(conversationId);
    if (state !== "queued" || blocked.has(conversationId)) continue;
    if (each.notBefore > now || (isAlone && busy.has(conversationId))) {
      blocked.add(conversationId);
    } else if (inFlight < MOST_IN_FLIGHT) {
      found.push(each);
      inFlight++;
      (isAlone ? blocked : busy).add(conversationId);
    }
  }
  return found;
}

/** When `sendable` is worth asking again, though nothing else happens; null for never. */
export function nextAttemptAt(outbox: Outbox, now: number): number | null {
  const times = outbox
    .filter((each) => each.state === "queued" && each.notBefore > now)
    .map((each) => each.notBefore);
  return times.length ? Math.min(...times) : null;
}

export function sending(outbox: Outbox, clientId: string): Outbox {
  return change(outbox, clientId, (each) => ({
    ...each,
    state: "sending",
    attempts: each.attempts + 1,
    problem: null,
  }));
}

export function acknowledged(outbox: Outbox, clientId: string, seq: number): Outbox {
  return change(outbox, clientId, (each) => ({ ...each, state: "sent", problem: null, seq }));
}

/** The connection broke or the answer says to try again: nobody knows whether the message is in the log. */
export function postponed(outbox: Outbox, clientId: string, notBefore: number): Outbox {
  return change(outbox, clientId, (each) => ({ ...each, state: "queued", notBefore }));
}

export function refused(outbox: Outbox, clientId: string, problem: string): Outbox {
  return change(outbox, clientId, (each) => ({ ...each, state: "failed", problem }));
}

export function retried(outbox: Outbox, clientId: string): Outbox {
  return change(outbox, clientId, (each) =>
    each.state === "failed" ? { ...each, state: "queued", notBefore: 0, attempts: 0, problem: null } : each,
  );
}

/** Somebody gave it up. */
export function removed(outbox: Outbox, clientId: string): Outbox {
  return outbox.filter((each) => each.clientId !== clientId);
}

/**
 * Without what has arrived.
 *
 * @param head up to where the conversation's log is known
 * @param arrived whether the log, as far as it is held, has this person's message
 */
export function settled(
  outbox: Outbox,
  conversationId: Id,
  head: number,
  arrived: (clientId: string) => boolean,
): Outbox {
  const isSettled = (each: Outgoing): boolean =>
    each.conversationId === conversationId &&
    ((each.seq !== null && each.seq <= head) || arrived(each.clientId));
  return outbox.some(isSettled) ? outbox.filter((each) => !isSettled(each)) : outbox;
}

/** After a reload nothing is on its way; what was may have arrived or not, so it is sent again. */
export function revived(saved: Outbox): Outbox {
  return saved
    .map((each): Outgoing =>
      each.state === "failed" ? each : { ...each, state: "queued", notBefore: 0, attempts: 0 },
    )
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

function change(outbox: Outbox, clientId: string, by: (each: Outgoing) => Outgoing): Outbox {
  return outbox.map((each) => (each.clientId === clientId ? by(each) : each));
}
