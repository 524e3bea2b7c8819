import { Search } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { asTyped, snippet } from "../core/search";
import { dateOf, when } from "../core/text";
import type { Id } from "../core/wire";
import { search } from "../store/actions";
import type { Conversation } from "../store/model";
import { Field } from "./Field";
import { useChat, useNow, useSettled } from "./hooks";
import { More } from "./More";
import { usePages } from "./pages";
import { Panel } from "./Panel";
import { openConversation } from "./place";
import { closeWhereItCovers, PlaceLink } from "./PlaceLink";
import { titleOf } from "./titles";

const TYPING_MS = 250;
const LEAST_CHARACTERS = 2;
/** The server knows no time before 1970, wherever one is. */
const EARLIEST = "1970-01-02";

interface Props {
  text: string;
  within?: Id | undefined;
  onOpen?: (() => void) | undefined;
}

/** Messages by what they say: everywhere, or in one conversation. */
export function Hits({ text, within, onOpen }: Props) {
  const query = useSettled(asTyped(text), TYPING_MS);
  return query.length > LEAST_CHARACTERS ? <Found query={query} within={within} onOpen={onOpen} /> : null;
}

function Found({ query, within, onOpen }: Omit<Props, "text"> & { query: string }) {
  const chat = useChat();
  const now = useNow();
  const pages = usePages(useCallback((cursor) => search(chat, query, within, cursor), [chat, query, within]));
  const { items, work } = pages;
  const said =
    items?.length || work.problem ? "" : !items || work.busy ? "Searching…" : "No message says that.";
  return (
    <section className="hits" aria-label="Messages found" aria-busy={work.busy}>
      <h3>Messages</h3>
      <p className="empty" role="status" hidden={!said}>
        {said}
      </p>
      <ul>
        {items?.map(({ message, highlights }) => {
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
      <More pages={pages} />
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
        <JumpToDate conversation={conversation} onOpen={() => closeWhereItCovers(onClose)} />
        <Hits text={text} within={conversation.id} onOpen={() => closeWhereItCovers(onClose)} />
      </div>
    </Panel>
  );
}

/** Shows what was first said on a day, by this person's clock, or on the next one on which anything was. */
function JumpToDate({ conversation, onOpen }: { conversation: Conversation; onOpen: () => void }) {
  const chat = useChat();
  const now = useNow();
  const [date, setDate] = useState("");
  const [isBusy, setBusy] = useState(false);

  const jump = async (): Promise<void> => {
    setBusy(true);
    await chat.attempt(async () => {
      const seq = await chat.pages.at(conversation.id, new Date(`${date}T00:00`));
      openConversation(conversation.id, seq);
      onOpen();
    });
    setBusy(false);
  };

  return (
    <form
      className="jump"
      onSubmit={(event) => {
        event.preventDefault();
        void jump();
      }}
    >
      <Field
        label="Jump to date"
        type="date"
        required
        min={EARLIEST}
        max={dateOf(now)}
        value={date}
        onChange={(event) => setDate(event.target.value)}
      />
      <button disabled={isBusy}>Jump</button>
    </form>
  );
}
