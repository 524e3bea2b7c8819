/** What comes from the server, and what it changes. */

import type { Message } from "../core/message";
import { planResume } from "../core/reconnect";
import {
  failed,
  type Bootstrap,
  type ConversationInfo,
  type Id,
  type InboxEntry,
  type LogEvent,
  type Presence,
  type Receipt,
  type Resumed,
} from "../core/wire";
import { ApiError } from "../net/problem";
import type { Chat } from "./chat";
import type { TypingFrame } from "./typing";
import {
  begun,
  changedBy,
  fromInbox,
  less,
  mergeInbox,
  readUpTo,
  waitingIn,
  type Conversation,
} from "./model";

const JUST_READ_MS = 2_000;
const RECOUNT_AFTER_MS = 1_000;

export class Sync {
  readonly #chat: Chat;
  #freshAt = 0;
  /** Conversations that are being asked about, with the highest `seq` that came meanwhile. */
  readonly #meeting = new Map<Id, number>();
  /** Conversations of which nobody here knows how much waits in them. */
  readonly #doubtful = new Set<Id>();
  #timer = 0;

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  /** The list as the server has it; what came meanwhile stays. */
  async refresh(): Promise<void> {
    const first = await this.#chat.api.get<Bootstrap>("/v1/bootstrap");
    if (failed(first.conversations)) {
      throw new ApiError({
        code: first.conversations.error,
        detail: "The conversations are away",
        temporary: true,
      });
    }
    if (!failed(first.me)) this.#chat.people.add([first.me]);
    if (!failed(first.people)) this.#chat.people.add(first.people);
    if (!failed(first.presence)) this.#chat.people.seen(first.presence);
    if (first.epoch !== null) this.#chat.setEpoch(first.epoch);
    const entries = [...first.conversations];
    if (first.next_cursor !== null)
      for await (const entry of this.#entries(first.next_cursor)) entries.push(entry);
    for (const entry of entries) this.#merge(entry);
    this.#chat.isFresh = true;
    this.#freshAt = performance.now();
    this.#chat.changed();
    void this.#chat.people.meet(
      entries.flatMap(({ members, last_message: last }) => [
        ...members.map((member) => member.user_id),
        ...(last ? namedIn(last) : []),
      ]),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Asks soon how much waits in a conversation; of many such questions one is enough. */
  recount(id: Id): void {
    this.#doubtful.add(id);
    this.#timer ||= Number(setTimeout(() => void this.#count(), RECOUNT_AFTER_MS));
  }

  async #count(): Promise<void> {
    this.#timer = 0;
    const wanted = new Set(this.#doubtful);
    this.#doubtful.clear();
    try {
      for await (const entry of this.#entries(null)) {
        const id = entry.conversation_id;
        if (!wanted.delete(id)) continue;
        this.#merge(entry);
        const read = this.#chat.conversations.get(id)?.readUpTo ?? 0;
        if (read > entry.receipt.read_up_to) this.recount(id); // the server has not heard of it yet
        if (!wanted.size) return;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // else: with the next connection all is read anew
    }
  }

  /** The server's list, or the rest of it; the newest activity first. */
  async *#entries(cursor: string | null): AsyncGenerator<InboxEntry> {
    do {
      const page: { conversations: InboxEntry[]; next_cursor: string | null } = await this.#chat.api.get(
        "/v1/conversations",
        { cursor, limit: 200 },
      );
      yield* page.conversations;
      cursor = page.next_cursor;
    } while (cursor);
  }

  #merge(entry: InboxEntry): void {
    const id = entry.conversation_id;
    const fresh = fromInbox(entry);
    const held = this.#chat.conversations.get(id);
    if (!held) {
      this.#chat.timeline(id, entry.last_seq);
      this.#chat.update(fresh);
      return;
    }
    const timeline = this.#chat.timeline(id);
    const missed = timeline.entries({ from: entry.last_seq + 1, to: timeline.head });
    if (!timeline.holds(entry.last_seq + 1, timeline.head)) this.recount(id);
    const merged = mergeInbox(
      held,
      fresh,
      waitingIn(this.#chat.me.user_id, missed),
      timeline.head > entry.last_seq,
    );
    if (merged.readUpTo > fresh.readUpTo) this.#chat.receipts.tell("read", id, merged.readUpTo);
    this.#chat.update(merged);
    if (entry.receipt.delivered_up_to < timeline.head)
      this.#chat.receipts.tell("delivered", id, timeline.head);
  }

  take(event: LogEvent): void {
    const id = event.conversation_id;
    const conversation = this.#chat.conversations.get(id);
    if (!conversation) {
      void this.#meet(id, event.seq);
      return;
    }
    const timeline = this.#chat.timeline(id);
    const gone = event.kind === "message.deleted" ? timeline.message(event.data.message_id) : null;
    switch (timeline.apply(event)) {
      case "new":
        this.#happened(conversation, event, gone);
        this.#chat.sender.settle(id);
        if (event.actor_id !== this.#chat.me.user_id)
          this.#chat.receipts.tell("delivered", id, timeline.head);
        this.#chat.pages.forgetUnseen(id);
        break;
      case "gap":
        void this.#chat.attempt(() => this.#chat.pages.repair(id));
        break;
      case "known":
    }
    this.#chat.changed();
  }

  /** @param gone what is deleted by the event, as it was, if it was held */
  #happened(conversation: Conversation, event: LogEvent, gone: Message | null): void {
    if (event.seq > conversation.lastSeq) {
      this.#chat.update(changedBy(conversation, event, this.#chat.me.user_id));
      if (event.kind === "message.deleted") this.#uncount(conversation.id, gone);
    }
    if (event.kind === "message.sent" && event.actor_id !== this.#chat.me.user_id) {
      this.#chat.typing.stopped(conversation.id, event.actor_id);
      this.#chat.onMessage(conversation, event);
    }
    if (event.kind === "members.added")
      void this.#chat.people.meet(event.data.members.map((member) => member.user_id));
    else void this.#chat.people.meet(namedIn(event));
  }

  #uncount(id: Id, gone: Message | null): void {
    const conversation = this.#chat.conversations.get(id);
    if (!conversation?.unread) return;
    // Perhaps it was one of those that wait; also when an older page, which is as of now, has told it before.
    if (!gone || gone.deleted) this.recount(id);
    else if (gone.seq > conversation.readUpTo)
      this.#chat.update({ ...conversation, ...less(conversation, waitingIn(this.#chat.me.user_id, [gone])) });
  }

  paged(id: Id, events: readonly LogEvent[], live: boolean): void {
    for (const event of live ? events : []) {
      const conversation = this.#chat.conversations.get(id);
      if (conversation && event.seq > conversation.lastSeq) this.#happened(conversation, event, null);
    }
    if (live && events.some((event) => event.actor_id !== this.#chat.me.user_id))
      this.#chat.receipts.tell("delivered", id, this.#chat.timeline(id).head);
    void this.#chat.people.meet(events.flatMap(namedIn));
    this.#chat.sender.settle(id);
    this.#chat.pages.forgetUnseen(id);
    this.#chat.keep(id);
    this.#chat.changed();
  }

  async resumed(resumed: Resumed): Promise<void> {
    const plan = planResume(resumed, this.#chat.epoch, this.#chat.heads());
    if (plan.dropAll) await this.#chat.dropAll();
    this.#chat.setEpoch(resumed.epoch);
    for (const id of plan.forget) this.#chat.forget(id);
    for (const { id, head } of plan.restart) {
      this.#chat.timeline(id).restart(head);
      this.#chat.sender.settle(id);
    }
    const isJustRead = this.#chat.isFresh && performance.now() - this.#freshAt < JUST_READ_MS;
    if (!isJustRead || plan.restart.length || plan.meet.length)
      await this.#chat.attempt(() => this.refresh());
  }

  /** A conversation that is new: asks what it is, and for its newest events. */
  async #meet(id: Id, seq: number): Promise<void> {
    const isAsked = this.#meeting.has(id);
    this.#meeting.set(id, Math.max(seq, this.#meeting.get(id) ?? 0));
    if (isAsked) return;
    await this.#chat.attempt(async () => {
      const info = await this.#chat.api.get<ConversationInfo>(`/v1/conversations/${id}`);
      await this.#chat.pages.newest(id);
      this.begin(info);
      if (this.#chat.timeline(id).head < (this.#meeting.get(id) ?? 0)) await this.#chat.pages.repair(id);
    });
    this.#meeting.delete(id);
  }

  /** Takes a conversation into the list that was not in it. */
  begin(info: ConversationInfo): void {
    if (this.#chat.conversations.has(info.conversation_id)) return;
    const timeline = this.#chat.timeline(info.conversation_id);
    const messages = timeline.live
      ? timeline.entries(timeline.live).filter((each) => each.type === "message")
      : [];
    const waiting = waitingIn(this.#chat.me.user_id, messages);
    const conversation = begun(info, timeline.head, messages.at(-1) ?? null, waiting);
    this.#chat.update(conversation);
    if (waiting.unread) this.#chat.receipts.tell("delivered", conversation.id, timeline.head);
    void this.#chat.people.meet(info.members.map((member) => member.user_id));
  }

  frame(frame: { type: string; [field: string]: unknown }): void {
    if (frame.type === "typing") this.#chat.typing.heard(frame as unknown as TypingFrame);
    if (frame.type === "presence") this.#chat.people.seen(frame["presences"] as Presence[]);
    if (frame.type !== "receipt") return;
    const receipt = frame as unknown as Receipt & { conversation_id: Id };
    const id = receipt.conversation_id;
    const conversation = this.#chat.conversations.get(id);
    if (!conversation) return;
    if (receipt.user_id !== this.#chat.me.user_id) this.#chat.receipts.heard(id, [receipt]);
    else this.#readElsewhere(conversation, receipt);
    this.#chat.changed();
  }

  /** This person has read on another device, or marked something as unread there. */
  #readElsewhere(conversation: Conversation, receipt: Receipt): void {
    if (receipt.read_up_to < conversation.readUpTo) return;
    const marked = receipt.marked_unread ?? conversation.markedUnread;
    const timeline = this.#chat.timeline(conversation.id);
    const rest = timeline.entries({ from: receipt.read_up_to + 1, to: timeline.head });
    if (!timeline.holds(receipt.read_up_to + 1, timeline.head)) this.recount(conversation.id);
    const most =
      receipt.read_up_to > conversation.readUpTo ? waitingIn(this.#chat.me.user_id, rest) : conversation;
    this.#chat.update(
      readUpTo(
        conversation,
        { ...receipt, marked_unread: marked },
        {
          unread: Math.min(conversation.unread, most.unread),
          mentions: Math.min(conversation.mentions, most.mentions),
        },
      ),
    );
  }
}

/** Whom an event names: who did it, and of a message also who is mentioned and who wrote it first. */
function namedIn(event: LogEvent): Id[] {
  if (event.kind !== "message.sent") return [event.actor_id];
  const { mentions = [], forwarded_from: origin } = event.data;
  return [event.actor_id, ...mentions, ...(origin ? [origin.author_id] : [])];
}
