/** Reads the log page by page, where live events do not suffice. */

import type { Entry } from "../core/message";
import type { Range } from "../core/ranges";
import type { Timeline } from "../core/timeline";
import type { History, Id, LogEvent } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError } from "../net/problem";

/** So many entries of a conversation are kept for the next visit. */
export const KEPT_ENTRIES = 150;
const PAGE = 80;
const REPAIR_PAGE = 200;
/** With fewer entries than this, another page is read: edits and the like fill pages and show nothing. */
const FEW = 30;
/** Of so many entries above or below what is seen, all but the nearest `SPARE` are forgotten. */
const MOST_BESIDE = 1000;
const SPARE = 500;
/** A gap of more pages than this is not worth closing: history is paged through instead. */
const MOST_REPAIR_PAGES = 10;

export class Pages {
  readonly #api: Api;
  readonly #timelineOf: (id: Id) => Timeline;
  readonly #read: (id: Id, events: readonly LogEvent[], live: boolean) => void;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #shown = new Set<Id>();
  /** Messages that are quoted and cannot be read. */
  readonly #gone = new Set<Id>();

  /** `read` is told of what a page has brought; `live` when it goes on from the newest that was known. */
  constructor(
    api: Api,
    timelineOf: (id: Id) => Timeline,
    read: (id: Id, events: readonly LogEvent[], live: boolean) => void,
  ) {
    this.#api = api;
    this.#timelineOf = timelineOf;
    this.#read = read;
  }

  isReading(id: Id): boolean {
    return [...this.#busy.keys()].some((key) => key.startsWith(id));
  }

  /** The newest part, so that there is something to show. */
  newest(id: Id): Promise<void> {
    return this.#once(`${id}/newest`, async () => {
      const timeline = this.#timelineOf(id);
      for (let pages = 0; pages < MOST_REPAIR_PAGES; pages++) {
        const range = timeline.live;
        if (range && !isThin(timeline, range)) break;
        await this.#before(id, timeline, range?.from ?? null);
      }
    });
  }

  /** The part before a range. */
  older(id: Id, range: Range): Promise<void> {
    return this.#once(`${id}/older`, async () => {
      if (range.from > 1) await this.#before(id, this.#timelineOf(id), range.from);
    });
  }

  /** The part after a range that is not the newest. */
  newer(id: Id, range: Range): Promise<void> {
    return this.#once(`${id}/newer`, async () => {
      const timeline = this.#timelineOf(id);
      if (range.to >= timeline.head) return;
      const page = await this.#page(id, timeline, { after: range.to, limit: PAGE });
      timeline.insertAfter(range.to, page);
      this.#read(id, page.events, false);
    });
  }

  /** Somebody looks at a conversation, and the view forgets what is far from there; returns how they leave it. */
  show(id: Id): () => void {
    const timeline = this.#timelineOf(id);
    this.#shown.add(id);
    return () => {
      this.#shown.delete(id);
      timeline.keepNewest(KEPT_ENTRIES);
    };
  }

  /** Of a conversation that nobody looks at, forgets all but the newest. */
  forgetUnseen(id: Id): void {
    const timeline = this.#timelineOf(id);
    if (!this.#shown.has(id) && timeline.size > 2 * KEPT_ENTRIES) timeline.keepNewest(KEPT_ENTRIES);
  }

  /**
   * Forgets what is far above or far below a place that is seen; not both at once, for a list can tell only one of
   * them. The newest entries stay: they are for the next visit. Returns whether it did.
   */
  forgetFar(id: Id, range: Range, seq: number): boolean {
    const timeline = this.#timelineOf(id);
    const entries = timeline.entries(range);
    const above = entries.findIndex((entry) => entry.seq >= seq);
    const below = entries.length - 1 - above;
    if (above > MOST_BESIDE) timeline.forget(range.from, seqAt(entries, above - SPARE) - 1);
    else if (above >= 0 && below > MOST_BESIDE) {
      const to = range.to < timeline.head ? range.to : seqAt(entries, -KEPT_ENTRIES) - 1;
      timeline.forget(seqAt(entries, above + SPARE) + 1, to);
    } else return false;
    return true;
  }

  /** The part around a place, if it is not there. */
  around(id: Id, seq: number): Promise<void> {
    return this.#once(`${id}/around`, async () => {
      const timeline = this.#timelineOf(id);
      if (timeline.ranges.some((range) => range.from <= seq && seq <= range.to)) return;
      const page = await this.#page(id, timeline, { around: seq, limit: PAGE });
      timeline.insertAround(page);
      this.#read(id, page.events, false);
    });
  }

  /** The place of the first event of a moment or later, or of the newest; what is around it is there then. */
  async at(id: Id, moment: Date): Promise<number> {
    const timeline = this.#timelineOf(id);
    const time = moment.toISOString();
    const page = await this.#page(id, timeline, { around_time: time, limit: PAGE });
    timeline.insertAround(page);
    this.#read(id, page.events, false);
    return (page.events.find((event) => event.at >= time) ?? page.events.at(-1))?.seq ?? 1;
  }

  /** A message and those that answer it. */
  thread(id: Id, messageId: Id): Promise<void> {
    return this.#once(`${id}/thread/${messageId}`, async () => {
      const timeline = this.#timelineOf(id);
      let cursor: string | null = null;
      for (let pages = 0; pages < MOST_REPAIR_PAGES; pages++) {
        const page: Replies = await this.#api.get(repliesPath(id, messageId), { cursor, limit: REPAIR_PAGE });
        const events = [page.message, ...page.replies];
        timeline.insertApart(events);
        this.#read(id, events, false);
        cursor = page.next_cursor;
        if (cursor === null) return;
      }
    });
  }

  /** A message that another one answers, if it is not held. */
  quoted(id: Id, messageId: Id): Promise<void> {
    return this.#once(`${id}/quoted/${messageId}`, async () => {
      const timeline = this.#timelineOf(id);
      if (timeline.message(messageId) || this.#gone.has(messageId)) return;
      try {
        const { message } = await this.#api.get<Replies>(repliesPath(id, messageId), { limit: 1 });
        timeline.insertApart([message]);
        this.#read(id, [message], false);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!error.temporary) this.#gone.add(messageId);
      }
    });
  }

  /** The pinned messages; returns their ids, the newest pin first. */
  async pins(id: Id): Promise<Id[]> {
    const { pins } = await this.#api.get<{ pins: { message: LogEvent }[] }>(`/v1/conversations/${id}/pins`);
    const events = pins.map((each) => each.message);
    this.#timelineOf(id).insertApart(events);
    this.#read(id, events, false);
    return events.map((event) => event.event_id);
  }

  /** Closes the gap between what is known and what came. */
  repair(id: Id): Promise<void> {
    return this.#once(`${id}/repair`, async () => {
      const timeline = this.#timelineOf(id);
      for (let pages = 0; pages < MOST_REPAIR_PAGES; pages++) {
        const after = timeline.head;
        const page = await this.#page(id, timeline, { after, limit: REPAIR_PAGE });
        timeline.insertAfter(after, page);
        this.#read(id, page.events, true);
        if (!page.has_more || !page.events.length) return;
      }
      const newest = await this.#page(id, timeline, { limit: PAGE });
      timeline.restart(newest.last_seq);
      timeline.insertBefore(null, newest);
      this.#read(id, newest.events, false);
    });
  }

  async #before(id: Id, timeline: Timeline, before: number | null): Promise<void> {
    const page = await this.#page(id, timeline, { before, limit: PAGE });
    timeline.insertBefore(before, page);
    this.#read(id, page.events, false);
  }

  async #page(
    id: Id,
    timeline: Timeline,
    query: { before?: number | null; after?: number; around?: number; around_time?: string; limit: number },
  ): Promise<History> {
    const { generation } = timeline;
    const page = await this.#api.get<History>(`/v1/conversations/${id}/events`, query);
    // What was read before all was forgotten is too old: nobody knows how it was changed since.
    return generation === timeline.generation ? page : await this.#page(id, timeline, query);
  }

  #once(key: string, work: () => Promise<void>): Promise<void> {
    const running = this.#busy.get(key);
    if (running) return running;
    const started = work().finally(() => this.#busy.delete(key));
    this.#busy.set(key, started);
    return started;
  }
}

interface Replies {
  message: LogEvent;
  replies: LogEvent[];
  next_cursor: string | null;
}

function repliesPath(id: Id, messageId: Id): string {
  return `/v1/conversations/${id}/messages/${messageId}/replies`;
}

function seqAt(entries: readonly Entry[], index: number): number {
  return entries.at(index)?.seq ?? 0;
}

function isThin(timeline: Timeline, range: Range): boolean {
  return range.from > 1 && timeline.entries(range).length < FEW;
}
