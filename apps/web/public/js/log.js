// A part of a conversation's log: contiguous, and always up to the newest event that is known.

export class Log {
  events = [];
  lastSeq = 0;
  /** At most the newest message is known, not what is around it. */
  isPartial = true;
  /** Nothing is before the first event. */
  isWhole = false;

  get firstSeq() {
    return this.events[0]?.seq ?? this.lastSeq + 1;
  }

  get lastMessage() {
    return this.events.findLast((event) => event.kind === "message.sent") ?? null;
  }

  /** Whether somebody's message is in the log. */
  has(userId, clientMessageId) {
    return this.events.some(({ actor_id, data }) => actor_id === userId && data.client_message_id === clientMessageId);
  }

  /** Begins at the log's end, knowing at most the newest message. */
  restart(lastSeq, lastMessage) {
    this.lastSeq = lastSeq;
    this.isPartial = true;
    this.isWhole = false;
    this.events = lastMessage ? [lastMessage] : [];
  }

  /** "new", "old" for what is known, or "gap" for what comes after something unknown. */
  append(event) {
    if (event.seq <= this.lastSeq) return "old";
    if (event.seq > this.lastSeq + 1) return "gap";
    this.events.push(event);
    this.lastSeq = event.seq;
    return "new";
  }

  /** Puts a page in front, the newest one where little is known. */
  prepend(page, hasMore) {
    const kept = this.isPartial ? this.events.filter((event) => event.seq > (page.at(-1)?.seq ?? 0)) : this.events;
    const first = kept[0]?.seq ?? Infinity;
    this.events = [...page.filter((event) => event.seq < first), ...kept];
    this.lastSeq = Math.max(this.lastSeq, this.events.at(-1)?.seq ?? 0);
    this.isPartial = false;
    this.isWhole = !hasMore;
  }
}
