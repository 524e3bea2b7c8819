/**
 * What a client holds of one conversation's log, and the rules by which events change it.
 *
 * Invariants (test/timeline.test.ts breaks if they go):
 * - every event up to `head` has had its effect on every message that is held;
 * - whatever the order, repetition or loss in which events and pages arrive, once the log is whole up to the same
 *   `head`, the messages are the same. For that, each part of a message that may change remembers the `seq` as of
 *   which it is known, and the newer knowledge wins.
 */

import { changed, together, UNCHANGED, type Change, type Entry, type Message } from "./message";
import { cover, rangeOf, uncover, type Range } from "./ranges";
import { asRead, news } from "./reactions";
import { countOf, replyAt } from "./thread";
import type { History, Id, LogEvent } from "./wire";

export interface Saved {
  head: number;
  from: number;
  entries: Entry[];
}

export type Applied = "new" | "known" | "gap";

/** Changes that are remembered for pages which were read before them and come after them. */
const MOST_CHANGES = 1000;

export class Timeline {
  /** All events up to this `seq` have been applied, or are of before this client's time. */
  head: number;
  /** Rises with every change. */
  version = 0;
  /** Rises with every `restart`: a page that was asked for before is not to be inserted after it. */
  generation = 0;
  /** The last `seq` that pinned or unpinned something. */
  pinsHeardAt = 0;
  #ranges: Range[] = [];
  readonly #entries = new Map<number, Entry>();
  readonly #seqOf = new Map<Id, number>();
  readonly #own = new Set<string>();
  readonly #changes = new Map<Id, Change>();
  readonly #hidden = new Set<Id>();
  #sorted: number[] | null = [];

  readonly #me: Id;

  /**
   * @param me whose reactions are "mine"
   * @param head where live events go on
   */
  constructor(me: Id, head = 0) {
    this.#me = me;
    this.head = head;
  }

  static restore(me: Id, saved: Saved): Timeline {
    const timeline = new Timeline(me, saved.head);
    timeline.#fill(saved);
    return timeline;
  }

  /** The newest part that is contiguous up to `head`, with at most so many entries; null if there is none. */
  save(most: number): Saved | null {
    const live = this.live;
    if (!live) return null;
    const all = this.entries(live);
    const kept = all.slice(-most);
    const from = kept.length < all.length ? (kept[0]?.seq ?? live.from) : live.from;
    return { head: this.head, from, entries: kept };
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** The range that live events prolong. */
  get live(): Range | null {
    return rangeOf(this.#ranges, this.head);
  }

  /** In ascending `seq`. */
  entries(range: Range): Entry[] {
    this.#sorted ??= [...this.#entries.keys()].toSorted((a, b) => a - b);
    const found: Entry[] = [];
    for (let index = lowerBound(this.#sorted, range.from); index < this.#sorted.length; index++) {
      const seq = this.#sorted[index] ?? Infinity;
      if (seq > range.to) break;
      const entry = this.#entries.get(seq);
      if (entry) found.push(entry);
    }
    return found;
  }

  /** Whether all of the log between two places is held, both included. */
  holds(from: number, to: number): boolean {
    return from > to || this.#ranges.some((range) => range.from <= from && to <= range.to);
  }

  /** Whether this person's message is held. */
  hasOwn(clientId: string): boolean {
    return this.#own.has(clientId);
  }

  message(id: Id): Message | null {
    const entry = this.#entries.get(this.#seqOf.get(id) ?? -1);
    return entry?.type === "message" ? entry : null;
  }

  /** Takes a live event. "gap": something before it is missing; read the log after `head` and insert it. */
  apply(event: LogEvent): Applied {
    if (event.seq <= this.head) return "known";
    if (event.seq > this.head + 1) return "gap";
    this.#absorb(event, event.seq);
    this.#cover(event.seq, event.seq);
    this.head = event.seq;
    this.version++;
    return "new";
  }

  /** Takes a page of the log that was asked for with `before` (exclusive; none for the newest). */
  insertBefore(before: number | null, page: History): void {
    const to = before === null ? page.last_seq : before - 1;
    const from = page.has_more ? (page.events[0]?.seq ?? to + 1) : 1;
    this.#insert(page, from, to);
  }

  /** Takes a page of the log that was asked for with `after` (exclusive). */
  insertAfter(after: number, page: History): void {
    const to = page.has_more ? (page.events.at(-1)?.seq ?? after) : page.last_seq;
    this.#insert(page, after + 1, to);
  }

  /** Takes a page around a `seq`; returns the range that it is in. */
  insertAround(page: History): Range | null {
    const first = page.events[0]?.seq;
    const last = page.events.at(-1)?.seq;
    if (first === undefined || last === undefined) return null;
    this.#insert(page, first, last);
    return rangeOf(this.#ranges, first);
  }

  /** Takes messages as they stand that are not next to others: of a thread, or pinned. No range shows them yet. */
  insertApart(events: readonly LogEvent[]): void {
    for (const event of events) this.#absorb(event, event.seq);
    this.version++;
  }

  /** Those that are held and answer a message, in ascending `seq`. */
  repliesTo(id: Id): Message[] {
    return this.#messages((each) => each.replyTo === id).toSorted((a, b) => a.seq - b.seq);
  }

  /** Those that are held and pinned, in no order. */
  pinned(): Message[] {
    return this.#messages((each) => each.pin.pinned);
  }

  #messages(isWanted: (message: Message) => boolean): Message[] {
    return [...this.#entries.values()].filter(
      (each) => each.type === "message" && isWanted(each),
    ) as Message[];
  }

  /** Too much was missed: forgets what is held, for nobody knows how it was changed since. */
  restart(head: number): void {
    this.#ranges = [];
    this.#entries.clear();
    this.#seqOf.clear();
    this.#changes.clear();
    this.#sorted = [];
    this.head = head;
    this.version++;
    this.generation++;
  }

  /** How many entries are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** Forgets all but the newest entries, so many of them. */
  keepNewest(most: number): void {
    const saved = this.save(most);
    this.#ranges = [];
    this.#entries.clear();
    this.#seqOf.clear();
    this.#sorted = [];
    if (saved) this.#fill(saved);
    this.version++;
  }

  /** Forgets what is between two places, both included, but for messages that are shown elsewhere too. */
  forget(from: number, to: number): void {
    for (const entry of this.entries({ from, to })) {
      if (entry.type === "message" && isShownElsewhere(entry)) continue;
      this.#entries.delete(entry.seq);
      if (entry.type === "message") this.#seqOf.delete(entry.id);
    }
    this.#ranges = uncover(this.#ranges, from, to);
    this.#sorted = null;
    this.version++;
  }

  /** Deletes a message for this person alone. */
  hide(id: Id): void {
    const seq = this.#seqOf.get(id);
    this.#hidden.add(id);
    if (seq === undefined) return;
    this.#entries.delete(seq);
    this.#seqOf.delete(id);
    this.#sorted = null;
    this.version++;
  }

  #fill({ head, from, entries }: Saved): void {
    for (const entry of entries) this.#put(entry);
    this.#cover(from, head);
  }

  #insert(page: History, from: number, to: number): void {
    for (const event of page.events) this.#absorb(event, Math.max(event.seq, page.last_seq));
    this.#cover(from, to);
    const reached = rangeOf(this.#ranges, this.head + 1) ?? rangeOf(this.#ranges, this.head);
    if (reached) this.head = Math.max(this.head, reached.to);
    this.version++;
  }

  #cover(from: number, to: number): void {
    this.#ranges = cover(this.#ranges, from, to);
  }

  #absorb(event: LogEvent, asOf: number): void {
    switch (event.kind) {
      case "message.sent":
        this.#sent(event, asOf);
        break;
      case "message.edited": {
        const { message_id: id, body, deleted, mentions = [], mention_all: mentionAll = false } = event.data;
        const text = { body, mentions, mentionAll, editedAt: event.at, textAsOf: event.seq };
        this.#change(id, { text, deleted });
        break;
      }
      case "message.deleted":
        this.#change(event.data.message_id, { deleted: true });
        break;
      case "message.pinned":
      case "message.unpinned":
        this.pinsHeardAt = Math.max(this.pinsHeardAt, event.seq);
        this.#change(event.data.message_id, {
          pin: { pinned: event.kind === "message.pinned", asOf: event.seq },
        });
        break;
      case "reaction.added":
      case "reaction.removed": {
        const { message_id: id, emoji, count } = event.data;
        const mine = event.actor_id === this.#me ? event.kind === "reaction.added" : null;
        this.#change(id, { reactions: news(emoji, count, mine, event.seq) });
        break;
      }
      case "poll.voted":
      case "poll.closed": {
        const poll = { heardAt: event.seq, closed: event.kind === "poll.closed" };
        this.#change(event.data.message_id, { poll });
        break;
      }
      case "conversation.created":
      case "members.added":
      case "member.removed":
      case "member.left":
      case "role.changed":
      case "conversation.renamed":
        this.#put({ type: "notice", seq: event.seq, at: event.at, event });
        break;
      default: // a kind of a newer server
    }
  }

  #sent(event: LogEvent & { kind: "message.sent" }, asOf: number): void {
    const { data } = event;
    const { message_id: id, client_message_id: clientId, reply_to: replyTo, body, deleted } = data;
    if (this.#hidden.has(id)) return;
    const fresh: Message = {
      type: "message",
      id,
      seq: event.seq,
      senderId: event.actor_id,
      clientId,
      at: event.at,
      replyTo,
      body,
      mentions: data.mentions ?? [],
      mentionAll: data.mention_all ?? false,
      editedAt: data.edited_at ?? null,
      deleted,
      attachments: data.attachments ?? [],
      poll: data.poll ? { ...data.poll, heardAt: 0 } : null,
      forwardedFrom: data.forwarded_from ?? null,
      pin: { pinned: data.pinned ?? false, asOf },
      replies: { count: data.reply_count ?? 0, upTo: data.last_reply_seq ?? 0, later: [] },
      textAsOf: asOf,
      reactions: asRead(data.reactions ?? [], asOf),
    };
    const held = this.message(id);
    const known = this.#changes.get(id);
    let message = fresh;
    if (held) message = changed(message, { ...held, text: held, poll: held.poll ?? UNCHANGED.poll });
    if (known) message = changed(message, known);
    this.#put(message);
    if (replyTo !== null) this.#change(replyTo, { replies: replyAt(event.seq) });
  }

  #change(id: Id, part: Partial<Change>): void {
    const change = { ...UNCHANGED, ...part };
    const known = this.#changes.get(id);
    this.#changes.delete(id);
    this.#changes.set(id, known ? together(known, change) : change);
    if (this.#changes.size > MOST_CHANGES) {
      const [oldest] = this.#changes.keys();
      if (oldest !== undefined) this.#changes.delete(oldest);
    }
    const held = this.message(id);
    if (held) this.#put(changed(held, change));
  }

  #put(entry: Entry): void {
    if (!this.#entries.has(entry.seq)) {
      if (this.#sorted && entry.seq > (this.#sorted.at(-1) ?? 0)) this.#sorted.push(entry.seq);
      else this.#sorted = null;
    }
    this.#entries.set(entry.seq, entry);
    if (entry.type === "message") {
      this.#seqOf.set(entry.id, entry.seq);
      if (entry.senderId === this.#me) this.#own.add(entry.clientId);
    }
  }
}

/** Among what is pinned, or in a thread. */
function isShownElsewhere({ pin, replyTo, replies }: Message): boolean {
  return pin.pinned || replyTo !== null || countOf(replies) > 0;
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
