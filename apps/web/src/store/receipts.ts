/** How far members have come: what is told to the server, coalesced, and what is heard of others. */

import type { Id, Receipt } from "../core/wire";
import type { Socket } from "../net/socket";

const TELL_AFTER_MS = 250;

export interface Progress {
  readonly delivered: number;
  readonly read: number;
}

export type Delivery = "sent" | "delivered" | "read";

export class Receipts {
  readonly #socket: Socket;
  readonly #others = new Map<Id, ReadonlyMap<Id, Progress>>();
  readonly #toTell = new Map<
    string,
    { type: "read" | "delivered"; conversation_id: Id; up_to_seq: number }
  >();
  #timer = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  of(conversationId: Id): ReadonlyMap<Id, Progress> {
    return this.#others.get(conversationId) ?? NOBODY;
  }

  heard(
    conversationId: Id,
    receipts: readonly Pick<Receipt, "user_id" | "delivered_up_to" | "read_up_to">[],
  ): void {
    const known = new Map(this.of(conversationId));
    for (const { user_id: id, delivered_up_to: delivered, read_up_to: read } of receipts) {
      const before = known.get(id) ?? { delivered: 0, read: 0 };
      known.set(id, { delivered: Math.max(before.delivered, delivered), read: Math.max(before.read, read) });
    }
    this.#others.set(conversationId, known);
  }

  /** Tells the server soon; the newest of several is enough. */
  tell(type: "read" | "delivered", conversationId: Id, upTo: number): void {
    const key = `${type}/${conversationId}`;
    const known = this.#toTell.get(key);
    if (known && known.up_to_seq >= upTo) return;
    this.#toTell.set(key, { type, conversation_id: conversationId, up_to_seq: upTo });
    this.#timer ||= Number(setTimeout(() => this.flush(), TELL_AFTER_MS));
  }

  /** What cannot be told now is told after the next `flush` with a connection. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#socket.isUp) return;
    for (const frame of this.#toTell.values()) this.#socket.tell({ ...frame });
    this.#toTell.clear();
  }
}

const NOBODY: ReadonlyMap<Id, Progress> = new Map();

/** What all of the others have done with a message: the least of them counts. */
export function deliveryOf(
  seq: number,
  others: readonly Id[],
  progress: ReadonlyMap<Id, Progress>,
): Delivery {
  if (!others.length) return "sent";
  const reached = others.map((id) => progress.get(id));
  if (reached.every((each) => each && each.read >= seq)) return "read";
  return reached.every((each) => each && each.delivered >= seq) ? "delivered" : "sent";
}
