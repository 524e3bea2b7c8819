import { beforeEach, describe, expect, test, vi } from "vitest";
import type { InboxEntry, LogEvent, MessageSent } from "../src/core/wire";
import type { Api } from "../src/net/api";
import { Chat } from "../src/store/chat";
import { KEPT_ENTRIES } from "../src/store/history";
import { sent } from "./server";

const ME = { user_id: "me", handle: "me", display_name: "Me", bio: "", bot: false };

beforeEach(() => {
  vi.stubGlobal("document", { hidden: true });
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

/** A group in which somebody else writes: its log, and what the server's list says of it. */
class World {
  readonly chat: Chat;
  readonly log: LogEvent[] = [];
  readonly deleted = new Set<string>();
  readUpTo = 0;
  #lists = 0;

  constructor() {
    const api = {
      get: async (path: string, query?: { after?: number }): Promise<unknown> => {
        if (path.endsWith("/events"))
          return { events: this.log.slice(query?.after), last_seq: this.log.length, has_more: false };
        if (path === "/v1/bootstrap")
          return { ...this.#list(), me: ME, people: [], presence: [], epoch: "e" };
        if (path === "/v1/conversations") return this.#list();
        return { users: [], presences: [] };
      },
    };
    this.chat = new Chat(api as unknown as Api, ME, null);
  }

  get unread(): number | undefined {
    return this.chat.conversations.get("c")?.unread;
  }

  get held(): number {
    return this.chat.timeline("c").size;
  }

  get asked(): number {
    return this.#lists;
  }

  #list(): { conversations: InboxEntry[]; next_cursor: null } {
    this.#lists++;
    const waiting = this.log.filter(
      (event) =>
        event.kind === "message.sent" &&
        event.seq > this.readUpTo &&
        !this.deleted.has(event.data.message_id),
    );
    const entry: InboxEntry = {
      conversation_id: "c",
      kind: "group",
      title: "Team",
      created_at: "",
      member_count: 1,
      role: "member",
      members: [{ user_id: "me", role: "member" }],
      last_seq: this.log.length,
      last_activity_at: "",
      last_message: null,
      receipt: { user_id: "me", delivered_up_to: 0, read_up_to: this.readUpTo, marked_unread: false },
      unread_count: waiting.length,
      mention_count: 0,
    };
    return { conversations: [entry], next_cursor: null };
  }

  says(data: Partial<MessageSent> = {}): LogEvent {
    const event = sent(this.log.length + 1);
    return this.#append({ ...event, data: { ...event.data, ...data } });
  }

  deletes(messageId: string): LogEvent {
    this.deleted.add(messageId);
    const { seq, data: _, ...event } = sent(this.log.length + 1);
    return this.#append({
      ...event,
      seq,
      event_id: `d${seq}`,
      kind: "message.deleted",
      data: { message_id: messageId },
    });
  }

  #append(event: LogEvent): LogEvent {
    this.log.push(event);
    return event;
  }
}

describe("what waits to be read", () => {
  test("is less when a message that came is deleted", async () => {
    const world = new World();
    await world.chat.sync.refresh();
    world.chat.sync.take(world.says());
    world.chat.sync.take(world.says());
    world.chat.sync.take(world.deletes("m1"));
    expect(world.unread).toBe(1);
  });

  test("is asked for where a message is deleted of which nobody here knows whether it was counted", async () => {
    const world = new World();
    world.says();
    world.says();
    await world.chat.sync.refresh();
    expect(world.unread).toBe(2);
    world.chat.sync.take(world.deletes("m1"));
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(1);
  });

  test("is asked for where an older page has told a deletion before its event", async () => {
    const world = new World();
    world.says();
    world.says();
    await world.chat.sync.refresh();
    const deletion = world.deletes("m1");
    world.chat.timeline("c").insertBefore(3, {
      events: world.log
        .slice(0, 2)
        .map((event) => ({ ...event, data: { ...event.data, deleted: event.seq === 1 } }) as LogEvent),
      last_seq: 3,
      has_more: false,
    });
    world.chat.sync.take(deletion);
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(1);
  });

  test("is asked for once where many are deleted, and not where nothing waits", async () => {
    const world = new World();
    for (let count = 0; count < 9; count++) world.says();
    await world.chat.sync.refresh();
    const before = world.asked;
    for (const id of ["m1", "m2", "m3"]) world.chat.sync.take(world.deletes(id));
    await vi.runAllTimersAsync();
    expect([world.unread, world.asked]).toEqual([6, before + 1]);
    world.readUpTo = world.log.length;
    await world.chat.sync.refresh();
    world.chat.sync.take(world.deletes("m4"));
    await vi.runAllTimersAsync();
    expect([world.unread, world.asked]).toEqual([0, before + 2]);
  });

  test("counts a message once that the list had and whose event comes later", async () => {
    const world = new World();
    await world.chat.sync.refresh();
    const late = world.says();
    await world.chat.sync.refresh();
    world.chat.sync.take(late);
    expect(world.unread).toBe(1);
  });

  test("is asked for where somebody reads on from what is not held", async () => {
    vi.stubGlobal("document", { hidden: false });
    const world = new World();
    for (let count = 0; count < 9; count++) world.says();
    await world.chat.sync.refresh();
    world.chat.read("c", 4);
    setTimeout(() => (world.readUpTo = 4), 1_500); // the server hears of it late
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(5);
  });

  test("is asked for where another device has read some of what is not held here", async () => {
    const world = new World();
    for (let count = 0; count < 9; count++) world.says();
    await world.chat.sync.refresh();
    world.readUpTo = 4;
    world.chat.sync.frame({
      type: "receipt",
      conversation_id: "c",
      user_id: "me",
      delivered_up_to: 9,
      read_up_to: 4,
      marked_unread: false,
    });
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(5);
  });
});

describe("of a conversation that nobody looks at", () => {
  const MANY = 2_000;

  /** Somebody else writes very much, some of it about this person, in a thread and pinned. */
  const comeTo = async (world: World): Promise<void> => {
    await world.chat.sync.refresh();
    for (let count = 0; count < MANY; count++)
      world.chat.sync.take(
        world.says({
          body: `${count}`,
          mentions: count % 100 ? [] : ["me"],
          reply_to: count ? "m1" : null,
          pinned: count % 2 === 0,
        }),
      );
  };
  test("only the newest is held, and the list is as if all were", async () => {
    const world = new World();
    await comeTo(world);
    expect(world.held).toBeLessThanOrEqual(2 * KEPT_ENTRIES);
    expect(world.chat.timeline("c").live?.to).toBe(MANY);
    expect(world.chat.timeline("c").save(KEPT_ENTRIES)?.entries).toHaveLength(KEPT_ENTRIES);
    expect(world.chat.conversations.get("c")).toMatchObject({
      unread: MANY,
      mentions: MANY / 100,
      preview: { text: `${MANY - 1}` },
      lastSeq: MANY,
    });
  });

  test("what waits is right after some of it, and one of them is deleted, that is not held", async () => {
    vi.stubGlobal("document", { hidden: false });
    const world = new World();
    await comeTo(world);
    world.chat.sync.take(world.deletes("m5"));
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(MANY - 1);
    world.readUpTo = 1_000;
    world.chat.read("c", 1_000);
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(1_000);
  });

  test("what waits is right where the server's list is much older than what came", async () => {
    const world = new World();
    const list = world.chat.sync.refresh();
    world.chat.timeline("c", 0);
    await list;
    const old = world.chat.sync.refresh();
    for (let count = 0; count < MANY; count++) world.chat.sync.take(world.says());
    await old;
    await vi.runAllTimersAsync();
    expect(world.unread).toBe(MANY);
  });

  test("nothing is forgotten while somebody looks, and what is far when they go", async () => {
    const world = new World();
    const leave = world.chat.pages.show("c");
    await comeTo(world);
    expect(world.held).toBe(MANY);
    leave();
    expect(world.held).toBe(KEPT_ENTRIES);
  });
});

test("what comes by closing a gap is told to be delivered, as what comes by itself", async () => {
  const world = new World();
  await world.chat.sync.refresh();
  const tell = vi.spyOn(world.chat.receipts, "tell");
  world.says();
  world.chat.sync.take(world.says());
  await vi.runAllTimersAsync();
  expect(world.unread).toBe(2);
  expect(tell).toHaveBeenCalledWith("delivered", "c", 2);
});
