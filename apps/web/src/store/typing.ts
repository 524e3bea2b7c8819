/** Who types: what is told to the others while this person does, and what is heard of them. Nothing of it is kept. */

import type { Id } from "../core/wire";
import type { Socket } from "../net/socket";

/** The server asks for one every 3 seconds, and tells nobody what comes sooner than after 2. */
const TELL_EVERY_MS = 3_000;
/** Who has paused for so long does not type any more. */
const IDLE_MS = 5_000;

export interface TypingFrame {
  conversation_id: Id;
  user_id: Id;
  state: "start" | "stop";
  expires_in_ms?: number;
}

export class Typing {
  readonly #socket: Socket;
  readonly #changed: () => void;
  readonly #heard = new Map<Id, Map<Id, number>>();
  #told: { id: Id; at: number } | null = null;
  #idleTimer = 0;

  constructor(socket: Socket, changed: () => void) {
    this.#socket = socket;
    this.#changed = changed;
  }

  /** In the order in which they began. */
  in(conversationId: Id): Id[] {
    return [...(this.#heard.get(conversationId)?.keys() ?? [])];
  }

  heard({ conversation_id: id, user_id: user, state, expires_in_ms: lasts = 0 }: TypingFrame): void {
    const typing = this.#heard.get(id) ?? new Map<Id, number>();
    this.#heard.set(id, typing);
    clearTimeout(typing.get(user));
    if (state === "start") typing.set(user, Number(setTimeout(() => this.stopped(id, user), lasts)));
    else typing.delete(user);
    this.#changed();
  }

  /** What somebody typed has come, or they are not heard of any more. */
  stopped(id: Id, user: Id): void {
    const typing = this.#heard.get(id);
    if (!typing?.has(user)) return;
    clearTimeout(typing.get(user));
    typing.delete(user);
    this.#changed();
  }

  /** This person has changed what they write. */
  write(id: Id): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = Number(setTimeout(() => this.rest(), IDLE_MS));
    const now = performance.now();
    if (this.#told?.id !== id) this.rest();
    else if (now - this.#told.at < TELL_EVERY_MS) return;
    this.#told = { id, at: now };
    this.#socket.tell({ type: "typing", conversation_id: id, state: "start" });
  }

  /** This person has stopped, by sending it or otherwise. */
  rest(): void {
    if (!this.#told) return;
    this.#socket.tell({ type: "typing", conversation_id: this.#told.id, state: "stop" });
    this.#told = null;
  }

  /** Nothing is heard without a connection. */
  clear(): void {
    clearTimeout(this.#idleTimer);
    this.#told = null;
    for (const typing of this.#heard.values()) for (const timer of typing.values()) clearTimeout(timer);
    this.#heard.clear();
  }
}
