/** A message as it is known, and how news of it is merged, whatever the order in which it comes. */

import { NOBODY, type Mentions } from "./mentions";
import { merge, UNHEARD, type Reactions } from "./reactions";
import { mergeReplies, NO_REPLIES, type Replies } from "./thread";
import type { Attachment, Id, LogEvent, Origin, Poll, Time } from "./wire";

export interface Message extends Mentions {
  readonly type: "message";
  readonly id: Id;
  readonly seq: number;
  readonly senderId: Id;
  readonly clientId: string;
  readonly at: Time;
  readonly replyTo: Id | null;
  readonly body: string;
  readonly editedAt: Time | null;
  readonly deleted: boolean;
  readonly attachments: readonly Attachment[];
  readonly poll: PollState | null;
  readonly forwardedFrom: Origin | null;
  readonly pin: Pin;
  readonly replies: Replies;
  /** The `seq` as of which `body` and mentions are known. */
  readonly textAsOf: number;
  readonly reactions: Reactions;
}

export interface Pin {
  readonly pinned: boolean;
  readonly asOf: number;
}

/** What is known of a poll without its results, which are read anew whenever something was heard of it. */
export interface PollState extends Readonly<Poll> {
  readonly heardAt: number;
}

/** A change of the conversation that is shown between its messages. */
export interface Notice {
  readonly type: "notice";
  readonly seq: number;
  readonly at: Time;
  readonly event: LogEvent;
}

export type Entry = Message | Notice;

interface Text extends Mentions {
  body: string;
  editedAt: Time | null;
  textAsOf: number;
}

/** News of a message. */
export interface Change {
  text: Text | null;
  /** The last `seq` at which somebody voted, or the poll was closed. */
  poll: { heardAt: number; closed: boolean };
  deleted: boolean;
  reactions: Reactions;
  pin: Pin;
  replies: Replies;
}

const UNPINNED: Pin = { pinned: false, asOf: 0 };
/** What is left of a message that was deleted, besides its place. */
const DELETED = {
  ...NOBODY,
  deleted: true,
  body: "",
  attachments: [],
  poll: null,
  forwardedFrom: null,
  pin: UNPINNED,
  reactions: UNHEARD,
};
export const UNCHANGED: Change = {
  text: null,
  poll: { heardAt: 0, closed: false },
  deleted: false,
  reactions: UNHEARD,
  pin: UNPINNED,
  replies: NO_REPLIES,
};

/** What two pieces of news are together; the newer knowledge of each part wins. */
export function together(one: Change, other: Change): Change {
  return {
    text: one.text && (!other.text || one.text.textAsOf > other.text.textAsOf) ? one.text : other.text,
    deleted: one.deleted || other.deleted,
    poll: heard(one.poll, other.poll),
    reactions: merge(one.reactions, other.reactions),
    pin: newer(one.pin, other.pin),
    replies: mergeReplies(one.replies, other.replies),
  };
}

/** A message after news of it. */
export function changed(before: Message, { text, deleted, reactions, poll, pin, replies }: Change): Message {
  const message = { ...before, replies: mergeReplies(before.replies, replies) };
  if (deleted || message.deleted) return { ...message, ...DELETED };
  const result = {
    ...message,
    pin: newer(message.pin, pin),
    reactions: merge(message.reactions, reactions),
    poll: message.poll && { ...message.poll, ...heard(message.poll, poll) },
  };
  return text && text.textAsOf > message.textAsOf ? { ...result, ...pick(text) } : result;
}

function pick({ body, mentions, mentionAll, editedAt, textAsOf }: Text): Text {
  return { body, mentions, mentionAll, editedAt, textAsOf };
}

function newer(one: Pin, other: Pin): Pin {
  return one.asOf >= other.asOf ? one : other;
}

function heard(one: Change["poll"], other: Change["poll"]): Change["poll"] {
  return { heardAt: Math.max(one.heardAt, other.heardAt), closed: one.closed || other.closed };
}
