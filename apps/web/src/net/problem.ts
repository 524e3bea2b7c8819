import type { Problem } from "../core/wire";

/** A problem+json answer, an `error` frame, or the network's absence. Switch on `code`. */
export class ApiError extends Error {
  readonly code: string;
  readonly temporary: boolean;
  readonly retryAfterMs: number;
  readonly field: string | null;

  constructor(problem: Problem) {
    super(problem.detail);
    this.code = problem.code;
    this.temporary = problem.temporary;
    this.retryAfterMs = (problem.retry_after ?? 0) * 1000;
    this.field = problem.field ?? null;
  }
}

export const OFFLINE: Problem = { code: "offline", detail: "There is no connection.", temporary: true };

const SENTENCES: Record<string, string> = {
  invalid_credentials: "The email or the password is wrong.",
  second_factor_required: "The login needs a code of the second factor.",
  wrong_password: "The password is wrong.",
  wrong_code: "The code is not good, or was used already.",
  account_suspended: "This account is suspended.",
  email_taken: "This email has an account already.",
  handle_taken: "This handle belongs to somebody else.",
  locked_out: "Too many failed attempts. Wait a little, then try again.",
  rate_limited: "That was too much at once. Wait a moment, then try again.",
  permission_denied: "You may not do this here.",
  conversation_not_found: "You are not in this conversation any more.",
  message_not_found: "This message is not there any more.",
  edit_too_late: "This message is too old to be changed.",
  too_many_reactions: "This message has as many different reactions as it may.",
  attachment_not_found: "This file is not there any more. Add it again.",
  attachment_quarantined: "This file is damaged, or not what it pretends to be.",
  payload_too_large: "This is too large.",
  contact_refused: "This is not possible between you and them.",
  too_many_pins: "There are as many pinned messages as there may be: unpin one first.",
  poll_closed: "This poll is closed.",
  limit_reached: "There are as many of these as there may be: remove one first.",
  last_owner: "A group needs an owner: make somebody else one first.",
  offline: "There is no connection.",
  deadline_exceeded: "The server took too long to answer.",
  unavailable: "RealChat is not complete at the moment. Try again soon.",
  overloaded: "RealChat has more work than it can take. Try again soon.",
  internal: "Something went wrong on the server.",
};

/** What to tell somebody of a failure. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const known = SENTENCES[error.code];
  if (known) return known;
  const detail = error.message.charAt(0).toUpperCase() + error.message.slice(1);
  return /[.!?…]$/.test(detail) ? detail : `${detail}.`;
}
