/** What this browser keeps between visits: the last state, drafts and unsent messages, one database per person. */

import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from "idb";
import { NOBODY } from "../core/mentions";
import type { Outgoing } from "../core/outbox";
import type { Saved } from "../core/timeline";
import type { Id, Profile } from "../core/wire";
import type { Conversation } from "./model";

interface Schema extends DBSchema {
  about: { key: "me" | "epoch"; value: Profile | string };
  conversations: { key: Id; value: Conversation };
  timelines: { key: Id; value: Saved };
  people: { key: Id; value: Profile };
  outbox: { key: string; value: Outgoing };
  drafts: { key: Id; value: string };
}

type StoreName = "conversations" | "timelines" | "people" | "outbox" | "drafts";

export interface Snapshot {
  me: Profile | null;
  epoch: string | null;
  conversations: Conversation[];
  timelines: Map<Id, Saved>;
  people: Profile[];
  outbox: Outgoing[];
  drafts: Map<Id, string>;
}

interface Write {
  store: StoreName | "about";
  key: string;
  /** What is to be kept; null removes. */
  value: () => unknown;
}

/** What somebody typed can not be had again. It is small, and does not fail together with what is large. */
type Part = "typed" | "seen";

const TYPED: ReadonlySet<string> = new Set<StoreName>(["outbox", "drafts"]);
const LOST: Record<Part, string> = {
  typed: "what you have typed is lost when you leave this page.",
  seen: "what you see is not kept for your next visit.",
};
const VERSION = 5;
const LAST_USER = "realchat.user";
const WRITE_AFTER_MS = 300;

const nameOf = (userId: Id): string => `realchat-${userId}`;

/** Who was here last, so that their last state can be shown before the server says anything. */
export function lastUser(): Id | null {
  return localStorage.getItem(LAST_USER);
}

export function rememberUser(userId: Id): void {
  localStorage.setItem(LAST_USER, userId);
}

export class Cache {
  readonly #database: IDBPDatabase<Schema>;
  readonly #userId: Id;
  readonly #dirty = new Map<string, Write>();
  readonly #failing = new Set<Part>();
  #timer = 0;
  #writing: Promise<void> = Promise.resolve();

  /** Called when the browser refuses to keep more. */
  onProblem: (text: string) => void = () => undefined;

  private constructor(database: IDBPDatabase<Schema>, userId: Id) {
    this.#database = database;
    this.#userId = userId;
    database.addEventListener("versionchange", () => database.close());
  }

  static async open(userId: Id): Promise<Cache> {
    const database = await openDB<Schema>(nameOf(userId), VERSION, {
      async upgrade(created, before, _now, change) {
        if (before) {
          // What is known of the server has another form by now, and is read anew. What was written is kept.
          await Promise.all([
            change.objectStore("conversations").clear(),
            change.objectStore("timelines").clear(),
          ]);
          const outbox = change.objectStore("outbox");
          for (const each of await outbox.getAll())
            await outbox.put({ ...NOBODY, ...each, attachments: each.attachments ?? [] });
          return;
        }
        created.createObjectStore("about");
        created.createObjectStore("conversations", { keyPath: "id" });
        created.createObjectStore("timelines");
        created.createObjectStore("people", { keyPath: "user_id" });
        created.createObjectStore("outbox", { keyPath: "clientId" });
        created.createObjectStore("drafts");
      },
    });
    return new Cache(database, userId);
  }

  async read(): Promise<Snapshot> {
    const stores = ["about", "conversations", "timelines", "people", "outbox", "drafts"] as const;
    const read = this.#database.transaction(stores);
    const about = read.objectStore("about");
    const timelines = read.objectStore("timelines");
    const drafts = read.objectStore("drafts");
    const [me, epoch, conversations, heads, saved, people, outbox, draftIds, draftTexts] = await Promise.all([
      about.get("me"),
      about.get("epoch"),
      read.objectStore("conversations").getAll(),
      timelines.getAllKeys(),
      timelines.getAll(),
      read.objectStore("people").getAll(),
      read.objectStore("outbox").getAll(),
      drafts.getAllKeys(),
      drafts.getAll(),
    ]);
    return {
      me: (me as Profile | undefined) ?? null,
      epoch: (epoch as string | undefined) ?? null,
      conversations,
      timelines: zip(heads, saved),
      people,
      outbox,
      drafts: zip(draftIds, draftTexts),
    };
  }

  /** Whether what somebody typed would be gone with this page. */
  get losesTyped(): boolean {
    return this.#failing.has("typed");
  }

  /** Writes soon, what `value` then gives; null removes. */
  put(store: StoreName | "about", key: string, value: () => unknown): void {
    this.#dirty.set(`${store}/${key}`, { store, key, value });
    this.#timer ||= Number(setTimeout(() => void this.flush(), WRITE_AFTER_MS));
  }

  /** Writes now; what somebody typed is not to wait. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const dirty = [...this.#dirty.values()];
    this.#dirty.clear();
    const typed = dirty.filter((each) => TYPED.has(each.store));
    const seen = dirty.filter((each) => !TYPED.has(each.store));
    this.#writing = this.#writing.then(async () => {
      await Promise.all([this.#write("typed", typed), this.#write("seen", seen)]);
    });
    await this.#writing;
  }

  async clear(): Promise<void> {
    const stores = ["about", "conversations", "timelines", "people"] as const;
    const write = this.#database.transaction(stores, "readwrite");
    await Promise.all([...stores.map((store) => write.objectStore(store).clear()), write.done]);
  }

  /** Leaves nothing on this machine. */
  async destroy(): Promise<void> {
    clearTimeout(this.#timer);
    this.#dirty.clear();
    await this.#writing;
    this.#database.close();
    localStorage.removeItem(LAST_USER);
    await deleteDB(nameOf(this.#userId));
  }

  async #write(part: Part, dirty: readonly Write[]): Promise<void> {
    if (!dirty.length) return;
    let hasPut = false;
    try {
      const write = this.#database.transaction([...new Set(dirty.map((each) => each.store))], "readwrite");
      for (const { store, key, value } of dirty) {
        const target = write.objectStore(store);
        const now = value();
        hasPut ||= now !== null;
        const asked =
          now === null ? target.delete(key) : target.put(now as never, target.keyPath ? undefined : key);
        asked.catch(() => undefined); // the transaction says it too
      }
      write.commit(); // also when the page goes before it hears of that
      await write.done;
      if (hasPut) this.#failing.delete(part); // there is always room for removing
    } catch (error) {
      // It is tried again with the next change; something newer may be there by now.
      for (const each of dirty) {
        const place = `${each.store}/${each.key}`;
        if (!this.#dirty.has(place)) this.#dirty.set(place, each);
      }
      if (this.#failing.has(part)) return;
      this.#failing.add(part);
      const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
      this.onProblem(`This browser's storage ${isFull ? "is full" : "does not work"}: ${LOST[part]}`);
    }
  }
}

function zip<K, V>(keys: readonly K[], values: readonly V[]): Map<K, V> {
  return new Map(keys.map((key, index) => [key, values[index] as V]));
}
