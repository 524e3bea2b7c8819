import { ArrowDown } from "lucide-react";
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
} from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { rangeOf, type Range } from "../core/ranges";
import { rowsOf, type Row } from "../core/rows";
import { day } from "../core/text";
import type { Message } from "../core/message";
import { mayDelete, mayPin, type Conversation } from "../store/model";
import { deliveryOf } from "../store/receipts";
import { useChat, useNow } from "./hooks";
import { MessageRow, OutgoingRow, type MessageCommands } from "./MessageRow";
import { openConversation } from "./place";
import { noticeText } from "./titles";

/** Within so many pixels of an end one is at that end. */
const AT_END = 60;
const NEAR_END = 800;

/** Where to go: a place, or the newest. */
interface Goal {
  seq: number | null;
  align: "start" | "center";
}

interface Props {
  conversation: Conversation;
  seq: number | null;
  onReply: (message: Message) => void;
  onEdit: (message: Message) => void;
  onThread: (message: Message) => void;
}

export function History({ conversation, seq, onReply, onEdit, onThread }: Props) {
  const chat = useChat();
  const now = useNow();
  const { id } = conversation;
  const me = chat.me.user_id;
  const timeline = chat.timeline(id);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const [isAtEnd, setAtEnd] = useState(seq === null);
  const [active, setActive] = useState<string | null>(null);
  /** Where the line "New" is, as it was when this conversation was opened. */
  const [newFrom] = useState(() =>
    conversation.unread && conversation.readUpTo ? conversation.readUpTo + 1 : null,
  );
  const [goal, setGoal] = useState<Goal>(
    seq === null ? { seq: newFrom, align: "start" } : { seq, align: "center" },
  );
  /** Whether the goal was reached; from then on what is seen says which part is shown. */
  const placed = useRef(false);
  const seen = useRef<number | null>(null);
  const previous = useRef<{ range: Range | null; lastKey: string | null }>({ range: null, lastKey: null });

  const { ranges, live } = timeline;
  const range =
    (seen.current === null ? null : rangeOf(ranges, seen.current)) ??
    (goal.seq === null ? null : rangeOf(ranges, goal.seq)) ??
    (goal.seq === null || placed.current ? live : null);
  const isLive = range !== null && range.to >= timeline.head;
  const written = chat.sender.of(id);
  const outgoing = isLive ? written : [];
  const { version } = timeline;
  const outgoingKey = outgoing.map((each) => each.clientId + each.state).join();
  const rows = useMemo(
    () =>
      rowsOf(
        range ? timeline.entries(range) : [],
        outgoing,
        me,
        newFrom !== null && range && range.from <= newFrom ? newFrom : null,
      ),
    // oxlint-disable-next-line react/exhaustive-deps -- `version` and `outgoingKey` stand for what is in them
    [timeline, version, range?.from, range?.to, outgoingKey, me, newFrom],
  );
  const isShifted = isOtherBeginning(previous.current.range, range);
  const activeIndex = active === null ? -1 : rows.findIndex((row) => row.key === active);

  useEffect(() => {
    void chat.attempt(async () => {
      if (goal.seq !== null) await chat.pages.around(id, goal.seq);
      else await chat.pages.newest(id);
      chat.changed();
    });
  }, [chat, id, goal]);

  useEffect(() => {
    if (chat.connection === "up") void chat.attempt(() => chat.askReceipts(id));
  }, [chat, id, chat.connection]);

  const go = useCallback((to: number | null): void => {
    placed.current = false;
    seen.current = null;
    setGoal({ seq: to, align: "start" });
    setAtEnd(to === null);
  }, []);

  // Who writes sees it, whatever was shown before.
  const known = useRef(written);
  useEffect(() => {
    const isNew = written.some((each) => !known.current.some(({ clientId }) => clientId === each.clientId));
    known.current = written;
    if (isNew && !isLive) go(null);
  }, [written, isLive, go]);

  // The first time, go where this person left off or wants to be; then stay at the end when one is there.
  useLayoutEffect(() => {
    const last = rows.at(-1) ?? null;
    const before = previous.current;
    previous.current = { range, lastKey: last?.key ?? null };
    if (!rows.length) return;
    if (!placed.current) {
      placed.current = true;
      const wanted = goal.seq;
      const index =
        wanted === null ? -1 : rows.findIndex((row) => row.type !== "outgoing" && row.entry.seq >= wanted);
      if (index >= 0) {
        const { align } = goal;
        list.current?.scrollToIndex(index, { align, offset: align === "start" ? -72 : 0 });
        if (wanted !== newFrom) setActive(rows[index]?.key ?? null);
        return;
      }
    }
    const isOwn = last?.type === "outgoing" && last.key !== before.lastKey;
    if (isOwn || isAtEnd) list.current?.scrollToIndex(rows.length - 1, { align: "end" });
  }, [rows, range, isAtEnd, goal, newFrom]);

  const look = useCallback((): void => {
    const handle = list.current;
    if (!handle || !range || !placed.current) return;
    const { scrollOffset, viewportSize, scrollSize } = handle;
    const below = scrollSize - scrollOffset - viewportSize;
    const middle = rows[handle.findItemIndex(scrollOffset + viewportSize / 2)];
    if (middle && middle.type !== "outgoing") {
      seen.current = middle.entry.seq;
      if (chat.pages.forgetFar(id, range, middle.entry.seq)) chat.changed();
    }
    setAtEnd(isLive && below < AT_END);
    if (scrollOffset < NEAR_END && range.from > 1) void chat.attempt(() => chat.pages.older(id, range));
    if (below < NEAR_END && !isLive) void chat.attempt(() => chat.pages.newer(id, range));
    const lowest = rows[Math.min(rows.length - 1, handle.findItemIndex(scrollOffset + viewportSize - 8))];
    if (isLive && below < AT_END) chat.read(id, timeline.head);
    else if (lowest && lowest.type !== "outgoing") chat.read(id, lowest.entry.seq);
  }, [chat, id, range, isLive, rows, timeline]);

  useEffect(() => {
    // Of a page that nobody sees no frame is drawn, for as long as it is away.
    const newest = rows.findLast((row) => row.type !== "outgoing");
    if (document.hidden && isAtEnd && range && newest)
      if (chat.pages.forgetFar(id, range, newest.entry.seq)) chat.changed();
    // What has just been put there is measured by then.
    let frame = requestAnimationFrame(() => (frame = requestAnimationFrame(look)));
    document.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
    return () => {
      cancelAnimationFrame(frame);
      document.removeEventListener("visibilitychange", look);
      removeEventListener("focus", look);
    };
  }, [look, chat, id, isAtEnd, range, rows]);

  useEffect(() => {
    if (activeIndex < 0) return;
    const element = scroller.current?.querySelector<HTMLElement>(`[data-key="${active}"]`);
    if (element && scroller.current?.contains(document.activeElement)) element.focus({ preventScroll: true });
  }, [active, activeIndex]);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const target = event.target as HTMLElement;
    if (target !== scroller.current && !target.matches("[data-key]")) return;
    const row = rows[activeIndex];
    const message = row?.type === "message" && !row.entry.deleted ? row.entry : null;
    const step = (index: number): void => {
      const next = rows[Math.max(0, Math.min(rows.length - 1, index))];
      if (!next) return;
      setActive(next.key);
      list.current?.scrollToIndex(rows.indexOf(next), { align: "nearest" });
    };
    if (event.key === "ArrowUp") step(activeIndex < 0 ? rows.length - 1 : activeIndex - 1);
    else if (event.key === "ArrowDown") step(activeIndex < 0 ? rows.length - 1 : activeIndex + 1);
    else if (event.key === "Home") go(1);
    else if (event.key === "End") go(null);
    else if (event.key === "r" && message && !event.ctrlKey && !event.metaKey) onReply(message);
    else if (event.key === "t" && message && !event.ctrlKey && !event.metaKey) onThread(message);
    else if (event.key === "e" && message?.senderId === me) onEdit(message);
    else return;
    event.preventDefault();
  };

  const commands = useMemo<MessageCommands>(
    () => ({
      reply: onReply,
      edit: onEdit,
      thread: onThread,
      show: (message) => openConversation(message.conversationId, message.seq),
    }),
    [onReply, onEdit, onThread],
  );

  const others = othersOf(conversation, me, chat.receipts.of(id).keys());
  const progress = chat.receipts.of(id);

  const draw = (row: Row, index: number) => (
    <div key={row.key} className={`entry ${row.first ? "opens" : ""}`}>
      {row.opensDay && (
        <p className="day">
          <time dateTime={row.entry.at}>{day(row.entry.at, now)}</time>
        </p>
      )}
      {row.opensNew && (
        <p className="new">
          <span>New</span>
        </p>
      )}
      {row.type === "notice" && <p className="notice">{noticeText(chat, row.entry)}</p>}
      {row.type === "outgoing" && <OutgoingRow row={row} />}
      {row.type === "message" && (
        <MessageRow
          row={row}
          conversationId={id}
          isMine={row.entry.senderId === me}
          isGroup={conversation.kind === "group"}
          mayDelete={mayDelete(conversation, row.entry, me)}
          mayPin={mayPin(conversation)}
          sender={chat.people.nameOf(row.entry.senderId)}
          delivery={row.entry.senderId === me ? deliveryOf(row.entry.seq, others, progress) : null}
          quoted={row.entry.replyTo === null ? null : timeline.message(row.entry.replyTo)}
          quotedName={quotedName(row.entry)}
          isActive={index === activeIndex}
          isFound={row.entry.seq === seq}
          commands={commands}
        />
      )}
    </div>
  );

  const quotedName = (message: Message): string => {
    const quoted = message.replyTo === null ? null : timeline.message(message.replyTo);
    if (!quoted) return "";
    return quoted.senderId === me ? "You" : chat.people.nameOf(quoted.senderId);
  };

  return (
    <div className="history">
      <div
        id="events"
        ref={scroller}
        className="events"
        role="region"
        aria-label="Messages"
        tabIndex={0}
        aria-busy={!rows.length && chat.pages.isReading(id)}
        onKeyDown={onKeyDown}
      >
        <div className="spring" />
        <Virtualizer
          ref={list}
          as="ol"
          item="li"
          data={rows}
          shift={isShifted}
          scrollRef={scroller}
          keepMounted={activeIndex >= 0 ? [activeIndex] : []}
          onScroll={look}
          onResize={() => {
            if (isAtEnd) list.current?.scrollToIndex(rows.length - 1, { align: "end" });
            look();
          }}
        >
          {draw}
        </Virtualizer>
      </div>
      {!isAtEnd && rows.length > 0 && (
        <button
          type="button"
          className="to-end"
          onClick={() => go(null)}
          aria-label={conversation.unread ? `To the newest, ${conversation.unread} unread` : "To the newest"}
        >
          <ArrowDown />
          {conversation.unread > 0 && <span className="badge">{conversation.unread}</span>}
        </button>
      )}
    </div>
  );
}

/** Whether a part that is shown begins elsewhere than it did: something was put in front of it, or taken away there. */
function isOtherBeginning(before: Range | null, now: Range | null): boolean {
  return !!before && !!now && before.from !== now.from && before.from <= now.to && now.from <= before.to;
}

function othersOf(conversation: Conversation, me: string, heard: Iterable<string>): string[] {
  const isWhole = conversation.members.length >= conversation.memberCount;
  const ids = isWhole ? conversation.members.map((member) => member.user_id) : [...heard];
  return ids.filter((other) => other !== me);
}
