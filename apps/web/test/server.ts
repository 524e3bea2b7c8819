/** A conversation's log as the server keeps and reads it: messages come as they stand when they are read. */

import type { History, LogEvent, MessageSent } from "../src/core/wire";

export type Act =
  | { kind: "send"; by: number; body: string; answers?: number | undefined; mentions?: string[] }
  | { kind: "edit"; message: number; body: string; mentions?: string[] }
  | { kind: "pin"; by: number; message: number; remove: boolean }
  | { kind: "delete"; message: number }
  | { kind: "react"; by: number; message: number; emoji: string; remove: boolean }
  | { kind: "rename"; by: number };

interface Standing {
  data: MessageSent;
  author: number;
  given: Map<string, Set<number>>;
}

export const ME = "user-0";
const at = (seq: number): string => new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString();

/** A message of a log that nothing else is in. */
export function sent(seq: number, by = "bob"): LogEvent & { kind: "message.sent" } {
  const data: MessageSent = {
    message_id: `m${seq}`,
    client_message_id: `c${seq}`,
    body: "hi",
    reply_to: null,
    deleted: false,
    edited_at: null,
  };
  return {
    conversation_id: "c",
    seq,
    event_id: `m${seq}`,
    actor_id: by,
    at: at(seq),
    kind: "message.sent",
    data,
  };
}

export class Server {
  readonly #events: LogEvent[] = [];
  readonly #messages: Standing[] = [];

  get lastSeq(): number {
    return this.#events.length;
  }

  do(act: Act): void {
    const target = "message" in act ? this.#messages[act.message % (this.#messages.length || 1)] : undefined;
    switch (act.kind) {
      case "send": {
        const data: MessageSent = {
          message_id: `m${this.lastSeq + 1}`,
          client_message_id: `c${this.lastSeq + 1}`,
          body: act.body,
          reply_to:
            act.answers === undefined
              ? null
              : (this.#messages[act.answers % (this.#messages.length || 1)]?.data.message_id ?? null),
          ...(act.mentions?.length && { mentions: act.mentions }),
          deleted: false,
          edited_at: null,
        };
        this.#messages.push({ data, author: act.by, given: new Map() });
        this.#append(act.by, "message.sent", data);
        break;
      }
      case "edit":
        if (!target || target.data.deleted) return;
        target.data = {
          ...target.data,
          body: act.body,
          mentions: act.mentions ?? [],
          edited_at: at(this.lastSeq + 1),
        };
        this.#append(target.author, "message.edited", {
          message_id: target.data.message_id,
          body: act.body,
          deleted: false,
          mentions: target.data.mentions,
        });
        break;
      case "pin":
        if (!target || target.data.deleted || (target.data.pinned ?? false) !== act.remove) return;
        target.data = { ...target.data, pinned: !act.remove };
        this.#append(act.by, act.remove ? "message.unpinned" : "message.pinned", {
          message_id: target.data.message_id,
        });
        break;
      case "delete":
        if (!target || target.data.deleted) return;
        target.data = { ...target.data, body: "", deleted: true, pinned: false, mentions: [] };
        target.given.clear();
        this.#append(target.author, "message.deleted", { message_id: target.data.message_id });
        break;
      case "react": {
        if (!target || target.data.deleted) return;
        const givers = target.given.get(act.emoji) ?? new Set();
        if (givers.has(act.by) !== act.remove) return;
        if (act.remove) givers.delete(act.by);
        else givers.add(act.by);
        target.given.set(act.emoji, givers);
        const data = { message_id: target.data.message_id, emoji: act.emoji, count: givers.size };
        this.#append(act.by, act.remove ? "reaction.removed" : "reaction.added", data);
        break;
      }
      case "rename":
        this.#append(act.by, "conversation.renamed", { title: `Title ${this.lastSeq}` });
    }
  }

  /** A message as it stands, without what is around it. */
  apart(number: number): LogEvent[] {
    const sent = this.#events.filter((event) => event.kind === "message.sent");
    const one = sent[number % (sent.length || 1)];
    return one ? [this.#asItStands(structuredClone(one))] : [];
  }

  /** As the socket sends it, right after it happened. */
  live(seq: number): LogEvent {
    return structuredClone(this.#events[seq - 1]) as LogEvent;
  }

  before(seq: number | null, limit: number): History {
    const end = seq === null ? this.lastSeq : seq - 1;
    const from = Math.max(0, end - limit);
    return this.#page(from, end, from > 0);
  }

  after(seq: number, limit: number): History {
    const to = Math.min(this.lastSeq, seq + limit);
    return this.#page(seq, to, to < this.lastSeq);
  }

  around(seq: number, limit: number): History {
    const from = Math.max(0, seq - 1 - Math.floor(limit / 2));
    const to = Math.min(this.lastSeq, from + limit);
    return this.#page(from, to, from > 0 || to < this.lastSeq);
  }

  #append(by: number, kind: LogEvent["kind"], data: object): void {
    const seq = this.lastSeq + 1;
    const envelope = { conversation_id: "c", seq, event_id: `e${seq}`, actor_id: `user-${by}`, at: at(seq) };
    this.#events.push({ ...envelope, kind, data: { ...data } } as LogEvent);
  }

  #page(from: number, to: number, hasMore: boolean): History {
    const events = this.#events.slice(from, to).map((event) => this.#asItStands(structuredClone(event)));
    return { events, last_seq: this.lastSeq, has_more: hasMore };
  }

  #asItStands(event: LogEvent): LogEvent {
    if (event.kind === "message.sent") {
      const { data, given } = this.#standing(event.data.message_id);
      const reactions = [...given].filter(([, givers]) => givers.size);
      const replies = this.#events.filter(
        (each) => each.kind === "message.sent" && each.data.reply_to === data.message_id,
      );
      const last = replies.at(-1);
      return {
        ...event,
        data: {
          ...data,
          ...(last && { reply_count: replies.length, last_reply_seq: last.seq }),
          ...(reactions.length && {
            reactions: reactions.map(([emoji, givers]) => ({
              emoji,
              count: givers.size,
              mine: givers.has(0),
            })),
          }),
        },
      };
    }
    if (event.kind === "message.edited") {
      const { data } = this.#standing(event.data.message_id);
      const { body, deleted, mentions = [] } = data;
      return { ...event, data: { ...event.data, body, deleted, mentions } };
    }
    if (event.kind === "reaction.added" || event.kind === "reaction.removed") {
      const givers = this.#standing(event.data.message_id).given.get(event.data.emoji);
      return { ...event, data: { ...event.data, count: givers?.size ?? 0 } };
    }
    return event;
  }

  #standing(id: string): Standing {
    const found = this.#messages.find((message) => message.data.message_id === id);
    if (!found) throw new Error(`no message ${id}`);
    return found;
  }
}
