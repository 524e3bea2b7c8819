import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { asTyped, snippet } from "../core/search";
import { when } from "../core/text";
import type { Id } from "../core/wire";
import { search, type Hit } from "../store/actions";
import type { Conversation } from "../store/model";
import { useChat, useNow, useSettled } from "./hooks";
import { Panel } from "./Panel";
import { closeWhereItCovers, PlaceLink } from "./PlaceLink";
import { titleOf } from "./titles";

const TYPING_MS = 250;
const LEAST_CHARACTERS = 2;

interface Found {
  hits: readonly Hit[];
  next: string | null;
}

/** Messages by what they say: everywhere, or in one conversation. */
export function Hits({ text, within, onOpen }: { text: string; within?: Id; onOpen?: () => void }) {
  const chat = useChat();
  const now = useNow();
  const query = useSettled(asTyped(text), TYPING_MS);
  const isWanted = query.length > LEAST_CHARACTERS;
  const [found, setFound] = useState<Found | null>(null);
  const [isBusy, setBusy] = useState(false);
  const latest = useRef(0);

  const read = async (cursor: string | null): Promise<void> => {
    const asked = ++latest.current;
    setBusy(true);
    await chat.attempt(async () => {
      const page = await search(chat, query, within, cursor);
      if (asked !== latest.current) return; // something else is wanted by now
      setFound((before) => ({
        hits: cursor === null ? page.hits : [...(before?.hits ?? []), ...page.hits],
        next: page.next_cursor,
      }));
    });
    if (asked === latest.current) setBusy(false);
  };

  useEffect(() => {
    latest.current++;
    setFound(null);
    setBusy(false);
    if (isWanted) void read(null);
    // oxlint-disable-next-line react/exhaustive-deps -- what is read depends on these alone
  }, [query, isWanted, within, chat]);

  if (!isWanted) return null;
  const said = !found ? "Searching…" : found.hits.length ? "" : "No message says that.";
  return (
    <section className="hits" aria-label="Messages found" aria-busy={isBusy}>
      <h3>Messages</h3>
      <p className="empty" role="status" hidden={!said}>
        {said}
      </p>
      <ul>
        {found?.hits.map(({ message, highlights }) => {
          const conversation = chat.conversations.get(message.conversation_id);
          const isMine = message.actor_id === chat.me.user_id;
          return (
            <li key={message.event_id}>
              <PlaceLink conversationId={message.conversation_id} seq={message.seq} onOpen={onOpen}>
                <span className="line-top">
                  <strong className="cut" dir="auto">
                    {isMine ? "You" : chat.people.nameOf(message.actor_id)}
                    {within === undefined && conversation?.kind === "group" && (
                      <small> · {titleOf(chat, conversation)}</small>
                    )}
                  </strong>
                  <time dateTime={message.at}>{when(message.at, now)}</time>
                </span>
                <span className="hit-text" dir="auto">
                  {snippet(message.data.body, highlights).map((piece) =>
                    piece.marked ? <mark key={piece.start}>{piece.text}</mark> : piece.text,
                  )}
                </span>
              </PlaceLink>
            </li>
          );
        })}
      </ul>
      {found?.next && (
        <button type="button" disabled={isBusy} onClick={() => void read(found.next)}>
          Show more
        </button>
      )}
    </section>
  );
}

/** Beside a conversation, whose messages it searches. */
export function SearchPanel({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <Panel title="Search" label="Search in this conversation" closing="Close search" onClose={onClose}>
      <div className="details-body">
        <div className="filter">
          <Search />
          <input
            ref={field}
            type="search"
            aria-label="Search messages"
            placeholder="Words that were said"
            maxLength={200}
            value={text}
            onChange={(event) => setText(event.target.value)}
            dir="auto"
          />
        </div>
        <Hits text={text} within={conversation.id} onOpen={() => closeWhereItCovers(onClose)} />
      </div>
    </Panel>
  );
}
