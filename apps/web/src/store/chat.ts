/** All that this person's client knows, and what happens to it. Nothing of the page is in here. */

import type { Written } from "../core/outbox";
import { Timeline } from "../core/timeline";
import type { Id, LogEvent, Profile, Receipt } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError, explain } from "../net/problem";
import { Socket } from "../net/socket";
import type { Cache, Snapshot } from "./cache";
import { Company } from "./company";
import { Files } from "./files";
import { KEPT_ENTRIES, Pages } from "./history";
import { less, NOTHING_WAITS, waitingIn, type Conversation, type Mode } from "./model";
import { People } from "./people";
import { Receipts } from "./receipts";
import { Relations } from "./relations";
import { Sender } from "./sender";
import { Sync } from "./sync";
import { Typing } from "./typing";
import { Uploads } from "./uploads";

const MOST_TOLD_MEMBERS = 100;
const PATIENCE_MS = 3_000;

export type Connection = "connecting" | "up" | "down" | "stopped";

export class Chat {
  me: Profile;
  /** Whether the server's word is in, and not only the cache's. */
  isFresh = false;
  connection: Connection = "connecting";
  readonly conversations = new Map<Id, Conversation>();
  readonly drafts = new Map<Id, string>();
  /** Beside the drafts, what each of them is. */
  readonly modes = new Map<Id, Mode>();
  readonly people: People;
  readonly company: Company;
  readonly sender: Sender;
  readonly receipts: Receipts;
  readonly relations: Relations;
  readonly typing: Typing;
  readonly uploads: Uploads;
  readonly files: Files;
  readonly pages: Pages;
  readonly api: Api;
  readonly socket: Socket;
  readonly sync = new Sync(this);
  /** The identity of the server's log. */
  epoch: string | null = null;
  /** Rises with every change. */
  version = 0;
  /** Tells somebody something that went wrong. */
  onProblem: (text: string) => void = () => undefined;
  /** A message of somebody else has come just now. */
  onMessage: (conversation: Conversation, event: LogEvent & { kind: "message.sent" }) => void = () =>
    undefined;

  readonly #cache: Cache | null;
  readonly #timelines = new Map<Id, Timeline>();
  readonly #listeners = new Set<() => void>();
  readonly #writers = new Map<Id, (text: string) => void>();
  /** This person's other tabs in this browser. */
  #tabs: BroadcastChannel | null = null;
  #told = false;
  #retryTimer = 0;

  constructor(api: Api, me: Profile, cache: Cache | null) {
    this.api = api;
    this.me = me;
    this.#cache = cache;
    if (cache) cache.onProblem = (text) => this.onProblem(text);
    this.people = new People(api, (profile) => {
      if (profile) this.#cache?.put("people", profile.user_id, () => profile);
      if (profile?.user_id === this.me.user_id) this.#setMe(profile);
      this.changed();
    });
    this.socket = new Socket(api, {
      positions: () => Object.fromEntries([...this.heads()].slice(0, 1000)),
      event: (event) => this.sync.take(event),
      resumed: (resumed) => void this.sync.resumed(resumed),
      frame: (frame) => this.sync.frame(frame),
      up: () => this.#connected("up"),
      down: () => this.#connected("down"),
      stopped: () => this.#connected("stopped"),
    });
    this.company = new Company(
      this.socket,
      () => this.#around(),
      (presences) => this.people.seen(presences),
    );
    this.receipts = new Receipts(this.socket);
    this.typing = new Typing(this.socket, () => this.changed());
    this.pages = new Pages(
      api,
      (id) => this.timeline(id),
      (id, events, live) => this.sync.paged(id, events, live),
    );
    const keep = (clientId: string, message: unknown): void => {
      this.#cache?.put("outbox", clientId, () => message);
      void this.#cache?.flush();
    };
    this.relations = new Relations(api, this.people, () => this.changed());
    this.uploads = new Uploads(api, () => this.changed());
    this.files = new Files(api);
    this.sender = new Sender(
      api,
      this.socket,
      (id) => this.#timelines.get(id),
      { keep },
      () => this.changed(),
    );
  }

  // Beginning and end

  /** Shows the last state at once. */
  restore(snapshot: Snapshot): void {
    this.epoch = snapshot.epoch;
    for (const conversation of snapshot.conversations) {
      this.conversations.set(conversation.id, conversation);
      const saved = snapshot.timelines.get(conversation.id);
      const timeline = saved
        ? Timeline.restore(this.me.user_id, saved)
        : new Timeline(this.me.user_id, conversation.lastSeq);
      this.#timelines.set(conversation.id, timeline);
    }
    for (const [id, text] of snapshot.drafts) this.drafts.set(id, text);
    for (const profile of snapshot.people) this.people.profiles.set(profile.user_id, profile);
    this.people.profiles.set(this.me.user_id, this.me);
    this.sender.restore(snapshot.outbox);
    this.changed();
  }

  start(): void {
    addEventListener("pagehide", this.#save);
    addEventListener("beforeunload", this.#warn);
    this.#tabs = new BroadcastChannel(`realchat-drafts-${this.me.user_id}`);
    this.#tabs.addEventListener("message", ({ data }: MessageEvent<{ id: Id; text: string }>) => {
      this.#draft(data.id, data.text);
      this.#writers.get(data.id)?.(data.text);
    });
    if (this.conversations.size) this.socket.start();
    else void this.#begin(0);
  }

  stop(): void {
    clearTimeout(this.#retryTimer);
    this.typing.clear();
    this.files.clear();
    this.socket.stop();
    this.sync.stop();
    removeEventListener("pagehide", this.#save);
    removeEventListener("beforeunload", this.#warn);
    this.#tabs?.close();
    this.#save();
  }

  /** Has the browser ask, where leaving would lose something. */
  readonly #warn = (event: BeforeUnloadEvent): void => {
    const hasTyped = this.drafts.size > 0 || this.sender.outbox.length > 0;
    if (hasTyped && (this.#cache?.losesTyped ?? true)) event.preventDefault();
  };

  readonly #save = (): void => void this.#cache?.flush();

  /** Without a cache, the list comes first: the resume begins from it. */
  async #begin(attempt: number): Promise<void> {
    try {
      await this.sync.refresh();
      this.socket.start();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.temporary) return;
      this.#connected("down");
      const wait = Math.max(error.retryAfterMs, Math.min(10_000, 500 * 2 ** attempt) * Math.random());
      this.#retryTimer = Number(setTimeout(() => void this.#begin(attempt + 1), wait));
    }
  }

  // What the page reads

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Coalesced: many events make one rendering. */
  changed(): void {
    this.version++;
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      for (const listener of this.#listeners) listener();
    });
  }

  /** What is held of a conversation's log; a new one goes on after `head`. */
  timeline(id: Id, head = 0): Timeline {
    let timeline = this.#timelines.get(id);
    if (!timeline) this.#timelines.set(id, (timeline = new Timeline(this.me.user_id, head)));
    return timeline;
  }

  /** Newest activity first. */
  inOrder(): Conversation[] {
    return [...this.conversations.values()].toSorted((a, b) => (a.activityAt < b.activityAt ? 1 : -1));
  }

  setDraft(id: Id, text: string): void {
    this.#draft(id, text);
    this.#cache?.put("drafts", id, () => text || null);
    this.#tabs?.postMessage({ id, text });
  }

  /** Who writes a draft hears what becomes of it in another tab; returns how they leave it. */
  onDraft(id: Id, tell: (text: string) => void): () => void {
    this.#writers.set(id, tell);
    return () => this.#writers.delete(id);
  }

  /** Sends what was written: it leaves the draft by the write that puts it into the outbox. */
  say(draftId: string, written: Written): void {
    this.setDraft(draftId, "");
    this.sender.say(written);
  }

  /** All of a conversation up to a place was seen. */
  read(id: Id, upTo: number): void {
    const conversation = this.conversations.get(id);
    if (!conversation || conversation.left || document.hidden) return;
    const timeline = this.timeline(id);
    const isNew = upTo > conversation.readUpTo;
    const isAll = upTo >= timeline.head;
    if (!isNew && !(isAll && (conversation.unread || conversation.markedUnread))) return;
    const seen = isNew
      ? waitingIn(this.me.user_id, timeline.entries({ from: conversation.readUpTo + 1, to: upTo }))
      : NOTHING_WAITS;
    this.update({
      ...conversation,
      ...(isAll ? NOTHING_WAITS : less(conversation, seen)),
      readUpTo: Math.max(upTo, conversation.readUpTo),
      markedUnread: false,
    });
    this.receipts.tell("read", id, upTo);
    if (isNew && !isAll && !timeline.holds(conversation.readUpTo + 1, upTo)) this.sync.recount(id);
  }

  /** Asks how far the others have come, where it is not told as it happens. */
  async askReceipts(id: Id): Promise<void> {
    const conversation = this.conversations.get(id);
    if (!conversation || conversation.left || conversation.memberCount > MOST_TOLD_MEMBERS) return;
    const path = `/v1/conversations/${id}/receipts`;
    this.receipts.heard(
      id,
      (await this.api.get<{ receipts: Receipt[] }>(path, { limit: MOST_TOLD_MEMBERS })).receipts,
    );
    this.changed();
  }

  update(conversation: Conversation): void {
    const before = this.conversations.get(conversation.id);
    this.conversations.set(conversation.id, conversation);
    this.keep(conversation.id);
    if (before?.members !== conversation.members) void this.company.look();
    this.changed();
  }

  forget(id: Id): void {
    this.conversations.delete(id);
    this.#timelines.delete(id);
    this.#cache?.put("conversations", id, () => null);
    this.#cache?.put("timelines", id, () => null);
    this.changed();
  }

  /** The log was restored from a backup: what is held is void. What was written and not sent is kept. */
  async dropAll(): Promise<void> {
    await this.#cache?.clear();
    this.conversations.clear();
    this.#timelines.clear();
  }

  /** Waits, for a while at most, until what the server did at `seq` has come. */
  async reached(id: Id, seq: number): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (this.timeline(id).head < seq && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 30));
  }

  /** Does something for somebody, and says so when it fails. */
  attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.onProblem(explain(error));
      return false;
    }
  };

  // How

  #draft(id: Id, text: string): void {
    if (text) this.drafts.set(id, text);
    else this.drafts.delete(id);
    this.changed();
  }

  #connected(connection: Connection): void {
    this.connection = connection;
    if (connection === "up") {
      void this.attempt(() => this.relations.read());
      this.sender.flush();
      this.receipts.flush();
      this.company.begin();
    } else {
      this.typing.clear();
    }
    this.changed();
  }

  /** The last `seq` that is known of each conversation. */
  heads(): Map<Id, number> {
    return new Map([...this.conversations.keys()].map((id) => [id, this.timeline(id).head]));
  }

  *#around(): Iterable<Id> {
    for (const conversation of this.inOrder())
      for (const member of conversation.members) yield member.user_id;
  }

  #setMe(profile: Profile): void {
    this.me = profile;
    this.#cache?.put("about", "me", () => profile);
  }

  setEpoch(epoch: string): void {
    this.epoch = epoch;
    this.#cache?.put("about", "epoch", () => epoch);
  }

  /** For the next visit. */
  keep(id: Id): void {
    this.#cache?.put("conversations", id, () => this.conversations.get(id) ?? null);
    this.#cache?.put("timelines", id, () => this.#timelines.get(id)?.save(KEPT_ENTRIES) ?? null);
  }
}
