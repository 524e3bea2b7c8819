/** Sends the outbox, in order, as far as there is a connection, and keeps it where a reload finds it. */

import {
  acknowledged,
  enqueue,
  nextAttemptAt,
  postponed,
  refused,
  removed,
  retried,
  revived,
  sendable,
  sending,
  settled,
  type Outbox,
  type Outgoing,
  type Written,
} from "../core/outbox";
import { backOff } from "../core/reconnect";
import type { Timeline } from "../core/timeline";
import type { Ack, Id } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError, explain } from "../net/problem";
import type { Socket } from "../net/socket";

export interface Keeper {
  /** null: it is not needed any more. */
  keep(clientId: string, message: Outgoing | null): void;
}

export class Sender {
  outbox: Outbox = [];
  readonly #api: Api;
  readonly #socket: Socket;
  readonly #timelineOf: (id: Id) => Timeline | undefined;
  readonly #keeper: Keeper;
  readonly #changed: () => void;
  #timer = 0;
  #lastAt = 0;

  constructor(
    api: Api,
    socket: Socket,
    timelineOf: (id: Id) => Timeline | undefined,
    keeper: Keeper,
    changed: () => void,
  ) {
    this.#api = api;
    this.#socket = socket;
    this.#timelineOf = timelineOf;
    this.#keeper = keeper;
    this.#changed = changed;
  }

  restore(saved: Outbox): void {
    this.outbox = revived(saved);
  }

  of(conversationId: Id): Outgoing[] {
    return this.outbox.filter((each) => each.conversationId === conversationId);
  }

  say(written: Written): void {
    this.#lastAt = Math.max(Date.now(), this.#lastAt + 1); // their order is that of their times
    const at = new Date(this.#lastAt).toISOString();
    const clientId = crypto.randomUUID();
    this.#set(enqueue(this.outbox, { ...written, clientId, at }));
    this.flush();
  }

  retry(clientId: string): void {
    this.#set(retried(this.outbox, clientId));
    this.flush();
  }

  discard(clientId: string): void {
    this.#set(removed(this.outbox, clientId));
  }

  /** Sends what can be sent. */
  flush(): void {
    clearTimeout(this.#timer);
    if (!this.#socket.isUp) return;
    for (const message of sendable(this.outbox, Date.now())) {
      this.#set(sending(this.outbox, message.clientId));
      void this.#send(message);
    }
    const next = nextAttemptAt(this.outbox, Date.now());
    if (next !== null) this.#timer = Number(setTimeout(() => this.flush(), next - Date.now()));
  }

  /** Lets go of what the log has. */
  settle(conversationId: Id): void {
    const timeline = this.#timelineOf(conversationId);
    if (timeline) {
      this.#set(settled(this.outbox, conversationId, timeline.head, (clientId) => timeline.hasOwn(clientId)));
    }
  }

  async #send(message: Outgoing): Promise<void> {
    const { clientId, conversationId, body, replyTo, attachments, mentions, mentionAll } = message;
    const said = {
      client_message_id: clientId,
      body,
      ...(replyTo !== null && { reply_to: replyTo }),
      ...(mentions.length && { mentions }),
      ...(mentionAll && { mention_all: true }),
    };
    try {
      const ack = attachments.length
        ? await this.#api.post<Ack>(`/v1/conversations/${conversationId}/messages`, {
            ...said,
            attachment_ids: attachments.map((each) => each.attachment_id),
          })
        : await this.#socket.send({ conversation_id: conversationId, ...said });
      this.#set(acknowledged(this.outbox, clientId, ack.seq));
      this.settle(conversationId);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.temporary) {
        const wait =
          error.code === "offline" ? 0 : backOff(message.attempts, Math.random(), error.retryAfterMs);
        this.#set(postponed(this.outbox, clientId, Date.now() + wait));
      } else {
        this.#set(refused(this.outbox, clientId, explain(error)));
      }
    }
    this.flush();
  }

  #set(outbox: Outbox): void {
    if (outbox === this.outbox) return;
    const before = new Map(this.outbox.map((each) => [each.clientId, each]));
    this.outbox = outbox;
    for (const each of outbox) {
      if (before.get(each.clientId) !== each) this.#keeper.keep(each.clientId, each);
      before.delete(each.clientId);
    }
    for (const clientId of before.keys()) this.#keeper.keep(clientId, null);
    this.#changed();
  }
}
