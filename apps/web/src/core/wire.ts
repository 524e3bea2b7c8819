/** What the gateway and the socket say: contracts/asyncapi.yaml and /openapi.json. */

export type Id = string;
export type Role = "member" | "admin" | "owner";
/** RFC 3339 in UTC. */
export type Time = string;

export interface Member {
  user_id: Id;
  role: Role;
}

export interface Attachment {
  attachment_id: Id;
  name: string;
  content_type: string;
  /** In bytes. */
  size: number;
  /** Of a picture, in pixels. */
  width: number | null;
  height: number | null;
  has_thumbnail: boolean;
}

export interface Poll {
  options: string[];
  multiple: boolean;
  closed: boolean;
}

export interface MessageSent {
  message_id: Id;
  client_message_id: string;
  body: string;
  reply_to: Id | null;
  deleted: boolean;
  edited_at?: Time | null;
  attachments?: Attachment[];
  poll?: Poll;
  /** As they stand when history is read. */
  reactions?: { emoji: string; count: number; mine: boolean }[];
  mentions?: Id[];
  mention_all?: boolean;
  pinned?: boolean;
  /** How many messages answer it, up to the one of `last_reply_seq`. */
  reply_count?: number;
  last_reply_seq?: number;
  forwarded_from?: Origin;
}

/** Who wrote a text first, and when. */
export interface Origin {
  author_id: Id;
  sent_at: Time;
}

export interface Payloads {
  "message.sent": MessageSent;
  "message.edited": {
    message_id: Id;
    body: string;
    deleted: boolean;
    mentions?: Id[];
    mention_all?: boolean;
  };
  "message.deleted": { message_id: Id };
  "message.pinned": { message_id: Id };
  "message.unpinned": { message_id: Id };
  "reaction.added": { message_id: Id; emoji: string; count: number };
  "reaction.removed": { message_id: Id; emoji: string; count: number };
  "poll.voted": { message_id: Id; choices: number[] };
  "poll.closed": { message_id: Id };
  "conversation.created": { kind: "direct" | "group"; title: string; members: Member[] };
  "members.added": { members: Member[] };
  "member.removed": { user_id: Id };
  "member.left": { new_owner_id: Id | null };
  "role.changed": { user_id: Id; role: Role };
  "conversation.renamed": { title: string };
}

interface Envelope {
  conversation_id: Id;
  seq: number;
  event_id: Id;
  actor_id: Id;
  at: Time;
}

export type Kind = keyof Payloads;

/** An event of a kind that this client knows. Others are counted, and nothing is shown. */
export type LogEvent = { [K in Kind]: Envelope & { kind: K; data: Payloads[K] } }[Kind];

export interface History {
  events: LogEvent[];
  last_seq: number;
  has_more: boolean;
}

export interface Receipt {
  user_id: Id;
  delivered_up_to: number;
  read_up_to: number;
  marked_unread: boolean;
}

export interface Profile {
  user_id: Id;
  handle: string;
  display_name: string;
  bio: string;
  bot: boolean;
}

export interface Presence {
  user_id: Id;
  /** `hidden`: this person may not see it. */
  status: "online" | "away" | "offline" | "hidden";
  last_seen_at: Time | null;
}

export interface ConversationInfo {
  conversation_id: Id;
  kind: "direct" | "group";
  title: string;
  created_at: Time;
  member_count: number;
  role: Role;
  /** The first ten. */
  members: Member[];
}

export interface InboxEntry extends ConversationInfo {
  last_seq: number;
  last_activity_at: Time;
  last_message: LogEvent | null;
  receipt: Receipt;
  unread_count: number;
  mention_count: number;
}

interface Failed {
  error: string;
}

export interface Bootstrap {
  me: Profile | Failed;
  conversations: InboxEntry[] | Failed;
  next_cursor: string | null;
  epoch: string | null;
  people: Profile[] | Failed;
  presence: Presence[] | Failed;
}

export function failed(part: object): part is Failed {
  return "error" in part;
}

export interface AccessToken {
  user_id: Id;
  session_id: Id;
  access_token: string;
  /** Seconds. */
  expires_in: number;
}

/** RFC 9457. Switch on `code`. */
export interface Problem {
  code: string;
  detail: string;
  temporary: boolean;
  /** Seconds. */
  retry_after?: number | null;
  field?: string | null;
}

export interface Ack {
  conversation_id: Id;
  client_message_id: string;
  message_id: Id;
  seq: number;
  at: Time;
  duplicate: boolean;
}

export type ResumeStatus = "recovered" | "history" | "forbidden";

export interface Resumed {
  epoch: string;
  conversations: Record<Id, { status: ResumeStatus; last_seq: number }>;
}

/** A part of a list; `next` is where it goes on. */
export interface Page<T> {
  items: T[];
  next: string | null;
}
