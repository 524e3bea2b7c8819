/** A conversation as the client's lists show it. */

import { mentionsOne, type Mentions } from "../core/mentions";
import { plain } from "../core/markdown";
import { summary } from "../core/summary";
import type { Entry, Message } from "../core/message";
import type { ConversationInfo, Id, InboxEntry, LogEvent, Member, Receipt, Role, Time } from "../core/wire";

/** The newest message, for the list. */
export interface Preview extends Mentions {
  seq: number;
  messageId: Id;
  senderId: Id;
  text: string;
  deleted: boolean;
}

export interface Conversation {
  readonly id: Id;
  readonly kind: "direct" | "group";
  readonly title: string;
  readonly role: Role;
  readonly memberCount: number;
  /** All of them once they were listed, else the first ten. */
  readonly members: readonly Member[];
  readonly activityAt: Time;
  readonly preview: Preview | null;
  readonly unread: number;
  /** How many of the unread ones mention this person. */
  readonly mentions: number;
  readonly readUpTo: number;
  readonly markedUnread: boolean;
  /** The end of the log as far as known. */
  readonly lastSeq: number;
  /** Not a member any more: what was said may still be read here. */
  readonly left: boolean;
}

/** What is written in a composer: something new, an answer to a message, or a message anew. */
export type Mode = { kind: "write" } | { kind: "reply" | "edit"; message: Message };

export const WRITE: Mode = { kind: "write" };

export function describe(
  info: ConversationInfo,
): Pick<Conversation, "id" | "kind" | "title" | "role" | "memberCount" | "members"> {
  return {
    id: info.conversation_id,
    kind: info.kind,
    title: info.title,
    role: info.role,
    memberCount: info.member_count,
    members: info.members,
  };
}

export function fromInbox(entry: InboxEntry): Conversation {
  return {
    ...describe(entry),
    activityAt: entry.last_activity_at,
    preview: entry.last_message ? preview(entry.last_message) : null,
    unread: entry.unread_count,
    mentions: entry.mention_count,
    readUpTo: entry.receipt.read_up_to,
    markedUnread: entry.receipt.marked_unread,
    lastSeq: entry.last_seq,
    left: false,
  };
}

/** A conversation that was not in the list. */
export function begun(
  info: ConversationInfo,
  lastSeq: number,
  last: Message | null,
  waiting: Waiting,
): Conversation {
  return {
    ...describe(info),
    ...waiting,
    activityAt: last?.at ?? info.created_at,
    preview: last && {
      seq: last.seq,
      messageId: last.id,
      senderId: last.senderId,
      text: summary(last.body, last.attachments),
      mentions: last.mentions,
      mentionAll: last.mentionAll,
      deleted: last.deleted,
    },
    readUpTo: 0,
    markedUnread: false,
    lastSeq,
    left: false,
  };
}

export function preview(event: LogEvent): Preview | null {
  if (event.kind !== "message.sent") return null;
  const { mentions = [], mention_all: mentionAll = false } = event.data;
  return {
    mentions,
    mentionAll,
    seq: event.seq,
    messageId: event.data.message_id,
    senderId: event.actor_id,
    text: summary(event.data.body, event.data.attachments ?? []),
    deleted: event.data.deleted,
  };
}

/** How many messages wait to be read, and how many of them mention who is to read them. */
export type Waiting = Pick<Conversation, "unread" | "mentions">;

export const NOTHING_WAITS: Waiting = { unread: 0, mentions: 0 };

/** How many of these wait to be read by somebody. */
export function waitingIn(me: Id, entries: readonly Entry[]): Waiting {
  const unread = entries.filter(
    (each) => each.type === "message" && each.senderId !== me && !each.deleted,
  ) as Message[];
  return { unread: unread.length, mentions: unread.filter((each) => mentionsOne(each, me)).length };
}

/** What waits without some of it. */
export function less({ unread, mentions }: Waiting, some: Waiting): Waiting {
  return { unread: Math.max(0, unread - some.unread), mentions: Math.max(0, mentions - some.mentions) };
}

/**
 * What the server's list says, with what came by the socket since.
 *
 * @param later what of the messages that came since is to be read
 * @param isOlder whether something came since
 */
export function mergeInbox(
  held: Conversation,
  fresh: Conversation,
  later: Waiting,
  isOlder: boolean,
): Conversation {
  const readFurther = held.readUpTo > fresh.readUpTo;
  return {
    ...fresh,
    ...(isOlder && { activityAt: held.activityAt, preview: held.preview, lastSeq: held.lastSeq }),
    ...(readFurther
      ? { readUpTo: held.readUpTo, unread: held.unread, mentions: held.mentions }
      : { unread: fresh.unread + later.unread, mentions: fresh.mentions + later.mentions }),
    members: held.members.length === fresh.memberCount ? held.members : fresh.members,
  };
}

/** Who may pin here: in a group its administrators, else both. */
export function mayPin({ kind, role, left }: Conversation): boolean {
  return !left && (kind === "direct" || role !== "member");
}

/** Who may delete a message for everyone: who wrote it, and administrators of a group. */
export function mayDelete({ kind, role }: Conversation, message: Message, me: Id): boolean {
  return message.senderId === me || (kind === "group" && role !== "member");
}

/** The other member of a direct conversation. */
export function peerOf(conversation: Conversation, me: Id): Id {
  return conversation.members.find((member) => member.user_id !== me)?.user_id ?? me;
}

/** What an event changes about the conversation itself; its timeline is another matter. */
export function changedBy(conversation: Conversation, event: LogEvent, me: Id): Conversation {
  const base = { ...conversation, lastSeq: Math.max(conversation.lastSeq, event.seq) };
  const { preview: last, members } = conversation;
  switch (event.kind) {
    case "message.sent": {
      const { deleted, mentions = [], mention_all: mentionAll = false } = event.data;
      const counts = event.actor_id !== me && event.seq > conversation.readUpTo && !deleted;
      return {
        ...base,
        activityAt: event.at,
        preview: preview(event),
        unread: conversation.unread + (counts ? 1 : 0),
        mentions: conversation.mentions + (counts && mentionsOne({ mentions, mentionAll }, me) ? 1 : 0),
        markedUnread: event.actor_id === me ? false : conversation.markedUnread,
      };
    }
    case "message.edited": {
      const { message_id: id, body, mentions = [], mention_all: mentionAll = false } = event.data;
      if (last?.messageId !== id) return base;
      return { ...base, preview: { ...last, text: plain(body).slice(0, 200), mentions, mentionAll } };
    }
    case "message.deleted":
      return last?.messageId === event.data.message_id
        ? { ...base, preview: { ...last, text: "", deleted: true } }
        : base;
    case "members.added": {
      const known = new Set(members.map((member) => member.user_id));
      const added = event.data.members.filter((member) => !known.has(member.user_id));
      const myself = event.data.members.find((member) => member.user_id === me);
      return {
        ...base,
        activityAt: event.at,
        members: [...members, ...added],
        memberCount: conversation.memberCount + added.length,
        ...(myself && { left: false, role: myself.role }),
      };
    }
    case "member.removed":
      return without(base, event.data.user_id, me);
    case "member.left": {
      const heir = event.data.new_owner_id;
      return without(heir ? withRole(base, heir, "owner", me) : base, event.actor_id, me);
    }
    case "role.changed":
      return withRole(base, event.data.user_id, event.data.role, me);
    case "conversation.renamed":
      return { ...base, title: event.data.title };
    default:
      return base;
  }
}

/** Read up to a place, on this device or another one of the same person. */
export function readUpTo(conversation: Conversation, receipt: Receipt, waiting: Waiting): Conversation {
  return { ...conversation, ...waiting, readUpTo: receipt.read_up_to, markedUnread: receipt.marked_unread };
}

function without(conversation: Conversation, userId: Id, me: Id): Conversation {
  return {
    ...conversation,
    members: conversation.members.filter((member) => member.user_id !== userId),
    memberCount: Math.max(0, conversation.memberCount - 1),
    left: conversation.left || userId === me,
  };
}

function withRole(conversation: Conversation, userId: Id, role: Role, me: Id): Conversation {
  return {
    ...conversation,
    members: conversation.members.map((member) => (member.user_id === userId ? { ...member, role } : member)),
    role: userId === me ? role : conversation.role,
  };
}
