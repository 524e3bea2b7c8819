// What this person knows: people, conversations and their logs. No page in here.

import { Log } from "./log.js";

const PRESENCE_MS = 30_000;

/** Fires `change` (detail: conversation id, or null for all) and `problem` (detail: text). */
export class Chat extends EventTarget {
  me = null;
  conversations = new Map();
  people = new Map();
  presence = new Map();
  openId = null;
  #api;
  #socket;
  #epoch = null;
  /** Conversations that are being looked at, with the highest seq that came meanwhile. */
  #looking = new Map();
  #timer = null;

  constructor(api, socket) {
    super();
    this.#api = api;
    this.#socket = socket;
    socket.addEventListener("event", ({ detail }) => this.#take(detail));
    socket.addEventListener("resumed", ({ detail }) => this.#resumed(detail));
  }

  async load() {
    const first = await this.#api.request("GET", "/v1/bootstrap");
    if (first.me.error || first.conversations.error) throw new Error("RealChat is not complete at the moment.");
    this.me = first.me;
    this.#epoch = first.epoch;
    this.people.set(first.me.user_id, first.me);
    for (const person of first.people.error ? [] : first.people) this.people.set(person.user_id, person);
    for (const each of first.presence.error ? [] : first.presence) this.presence.set(each.user_id, each);
    for (const entry of first.conversations) this.#add(entry).log.restart(entry.last_seq, entry.last_message);
    this.#timer = setInterval(() => this.#lookAround(), PRESENCE_MS);
    this.#changed(null);
  }

  close() {
    clearInterval(this.#timer);
  }

  /** The last seq of each conversation that has one, to resume from. */
  positions() {
    return Object.fromEntries([...this.conversations.values()].map(({ id, log }) => [id, log.lastSeq]));
  }

  /** Newest activity first. */
  inOrder() {
    return [...this.conversations.values()].sort((a, b) => (a.at < b.at ? 1 : -1));
  }

  get open() {
    return this.conversations.get(this.openId) ?? null;
  }

  async show(id) {
    this.openId = id;
    const conversation = this.open;
    if (!conversation) return this.#changed(null);
    conversation.unread = 0;
    this.#changed(null);
    if (conversation.log.isPartial) await this.older();
  }

  /** Reads the page before what is known. */
  async older() {
    const conversation = this.open;
    if (!conversation || conversation.log.isWhole || conversation.loading) return;
    conversation.loading = true;
    try {
      const before = conversation.log.isPartial ? "" : `before=${conversation.log.firstSeq}&`;
      const page = await this.#api.request("GET", `/v1/conversations/${conversation.id}/events?${before}limit=50`);
      conversation.log.prepend(page.events, page.has_more);
    } catch (error) {
      this.#problem(error);
    } finally {
      conversation.loading = false;
    }
    this.#changed(conversation.id);
  }

  async startDirect(userId) {
    return this.#started(await this.#api.request("POST", "/v1/conversations/direct", { user_id: userId }));
  }

  async startGroup(title, memberIds, key) {
    const body = { title, member_ids: memberIds };
    return this.#started(await this.#api.request("POST", "/v1/conversations", body, { "Idempotency-Key": `"${key}"` }));
  }

  async find(prefix) {
    const { users } = await this.#api.request("GET", `/v1/users?${new URLSearchParams({ prefix, limit: 20 })}`);
    for (const user of users) this.people.set(user.user_id, user);
    return users.filter((user) => user.user_id !== this.me.user_id);
  }

  /** Shows a message at once, and sends it until it is in the log or refused. */
  async say(body) {
    const conversation = this.open;
    const message = { clientMessageId: crypto.randomUUID(), body, at: new Date().toISOString(), failed: false };
    conversation.pending.push(message);
    await this.#send(conversation, message);
  }

  async sayAgain(message) {
    message.failed = false;
    await this.#send(this.open, message);
  }

  async #send(conversation, message) {
    this.#changed(conversation.id);
    const frame = { conversation_id: conversation.id, client_message_id: message.clientMessageId, body: message.body };
    try {
      await this.#socket.send(frame);
    } catch (error) {
      if (error.temporary) return this.#sendLater(conversation, message, error.retryAfterMs);
      message.failed = true;
      this.#problem(error);
      this.#changed(conversation.id);
    }
  }

  /** Whatever was lost on the way, the same id makes it the same message. */
  #sendLater(conversation, message, afterMs) {
    const again = () => conversation.pending.includes(message) && this.#send(conversation, message);
    if (this.#socket.isUp) setTimeout(again, Math.max(afterMs, 1000));
    else this.#socket.addEventListener("up", again, { once: true });
  }

  #started(conversation) {
    const known = this.conversations.get(conversation.conversation_id);
    const added = known ?? this.#add({ ...conversation, last_activity_at: conversation.created_at });
    this.#meet(conversation.members.map((member) => member.user_id));
    this.show(added.id);
  }

  #add(entry) {
    const known = this.conversations.get(entry.conversation_id);
    const conversation = known ?? { log: new Log(), pending: [], unread: 0, loading: false };
    Object.assign(conversation, {
      id: entry.conversation_id,
      kind: entry.kind,
      title: entry.title,
      members: entry.members,
      memberCount: entry.member_count,
      at: entry.last_activity_at ?? conversation.at ?? entry.created_at,
    });
    this.conversations.set(conversation.id, conversation);
    return conversation;
  }

  #take(event) {
    const conversation = this.conversations.get(event.conversation_id);
    if (!conversation) return this.#look(event.conversation_id, event.seq);
    const outcome = conversation.log.append(event);
    if (outcome === "gap") return this.#repair(conversation);
    if (outcome === "old") return;
    this.#note(conversation, event);
    this.#changed(conversation.id);
  }

  #note(conversation, event) {
    conversation.at = event.at;
    const { kind, data, actor_id: actor } = event;
    if (kind === "message.sent") {
      if (this.#isForMe(event) && (this.openId !== conversation.id || document.hidden)) conversation.unread++;
    } else if ((kind === "member.removed" && data.user_id === this.me.user_id) || (kind === "member.left" && actor === this.me.user_id)) {
      this.conversations.delete(conversation.id);
      if (this.openId === conversation.id) this.openId = null;
      this.#changed(null);
    } else if (kind !== "conversation.created") {
      this.#look(conversation.id);
    }
    this.#meet([actor, ...(data.members ?? []).map((member) => member.user_id)]);
  }

  /** Asks how a conversation now is, and for its newest events where it is new. */
  async #look(id, seq = 0) {
    if (this.#looking.has(id)) return this.#looking.set(id, Math.max(seq, this.#looking.get(id)));
    this.#looking.set(id, seq);
    try {
      const path = `/v1/conversations/${id}`;
      const isNew = !this.conversations.has(id);
      const page = isNew && (await this.#api.request("GET", `${path}/events?limit=50`));
      const conversation = this.#add(await this.#api.request("GET", path));
      if (page) {
        conversation.log.prepend(page.events, page.has_more);
        conversation.at = page.events.at(-1)?.at ?? conversation.at;
        conversation.unread = page.events.filter((event) => this.#isForMe(event)).length;
      }
      if (this.#looking.get(id) > conversation.log.lastSeq) await this.#repair(conversation);
      await this.#meet(conversation.members.map((member) => member.user_id));
    } catch (error) {
      if (error.code !== "conversation_not_found") this.#problem(error);
    } finally {
      this.#looking.delete(id);
    }
    this.#changed(id);
  }

  #isForMe(event) {
    return event.kind === "message.sent" && event.actor_id !== this.me.user_id;
  }

  /** Asks for the events between what is known and what came. */
  async #repair(conversation) {
    try {
      for (let more = true; more; ) {
        const path = `/v1/conversations/${conversation.id}/events?after=${conversation.log.lastSeq}&limit=200`;
        const page = await this.#api.request("GET", path);
        more = page.has_more && page.events.length > 0;
        for (const event of page.events) if (conversation.log.append(event) === "new") this.#note(conversation, event);
      }
    } catch (error) {
      this.#problem(error);
    }
    this.#changed(conversation.id);
  }

  #resumed({ epoch, conversations }) {
    if (this.#epoch && epoch && epoch !== this.#epoch) return location.reload(); // the log was restored: begin anew
    for (const [id, { status, last_seq: lastSeq }] of Object.entries(conversations)) {
      const conversation = this.conversations.get(id);
      if (status === "forbidden") this.conversations.delete(id);
      else if (status === "history" && conversation) {
        // Too much was missed to be sent: forget the log, and read it page by page from its end.
        conversation.log.restart(lastSeq, null);
        if (this.openId === id) this.older();
      }
    }
    this.#refreshList();
  }

  /** What was begun while this client was away is not in a resume. */
  async #refreshList() {
    try {
      const { conversations } = await this.#api.request("GET", "/v1/conversations");
      for (const entry of conversations) {
        if (!this.conversations.has(entry.conversation_id)) {
          const conversation = this.#add(entry);
          conversation.log.restart(entry.last_seq, entry.last_message);
          conversation.unread = 1;
          await this.#meet(entry.members.map((member) => member.user_id));
        }
      }
    } catch (error) {
      this.#problem(error);
    }
    this.#changed(null);
  }

  async #meet(ids) {
    const strangers = [...new Set(ids)].filter((id) => !this.people.has(id));
    await Promise.all(
      strangers.map(async (id) => {
        try {
          this.people.set(id, await this.#api.request("GET", `/v1/users/${id}`));
        } catch (error) {
          if (!error.temporary) this.people.set(id, { user_id: id, display_name: "Somebody", handle: "" });
        }
      }),
    );
    if (strangers.length) this.#lookAround(strangers);
  }

  async #lookAround(ids = [...this.people.keys()].slice(0, 200)) {
    if (document.hidden) return;
    const query = ids.map((id) => `user_ids=${id}`).join("&");
    try {
      const { presences } = await this.#api.request("GET", `/v1/presence?${query}`);
      for (const each of presences) this.presence.set(each.user_id, each);
      this.#changed(null);
    } catch {
      // the next time
    }
  }

  #changed(id) {
    const conversation = this.conversations.get(id);
    if (conversation?.pending.length) {
      conversation.pending = conversation.pending.filter(({ clientMessageId }) => !conversation.log.has(this.me.user_id, clientMessageId));
    }
    this.dispatchEvent(new CustomEvent("change", { detail: id }));
  }

  #problem(error) {
    this.dispatchEvent(new CustomEvent("problem", { detail: error.message }));
  }
}
