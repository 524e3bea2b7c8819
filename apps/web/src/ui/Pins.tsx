import { ListEnd, Pin, PinOff } from "lucide-react";
import { useEffect, useState } from "react";
import type { Message } from "../core/message";
import { when } from "../core/text";
import { pin } from "../store/actions";
import { mayPin, type Conversation } from "../store/model";
import { useChat, useNow } from "./hooks";
import { oneLine } from "./mentioning";
import { Panel } from "./Panel";
import { openConversation } from "./place";
import { closeWhereItCovers, PlaceLink } from "./PlaceLink";

/** The pinned messages of a conversation, the newest pin first. */
export function usePins(conversation: Conversation | undefined): Message[] {
  const chat = useChat();
  const [ids, setIds] = useState<readonly string[]>([]);
  const id = conversation?.id;
  const timeline = id === undefined ? null : chat.timeline(id);
  const heardAt = timeline?.pinsHeardAt;
  const generation = timeline?.generation;
  const isUp = chat.connection === "up" && !conversation?.left;
  useEffect(() => {
    if (id === undefined || !isUp) return undefined;
    let isWanted = true;
    // Without an answer, what is shown is of before; the next pin or connection asks again.
    chat.pages.pins(id).then(
      (read) => isWanted && setIds(read),
      () => undefined,
    );
    return () => {
      isWanted = false;
    };
  }, [chat, id, isUp, heardAt, generation]);
  // What was just pinned is in no answer yet, and comes first.
  const place = (message: Message): number => ids.indexOf(message.id);
  return (timeline?.pinned() ?? []).toSorted((a, b) => place(a) - place(b) || b.pin.asOf - a.pin.asOf);
}

interface StripProps {
  conversationId: string;
  pins: readonly Message[];
  isOpen: boolean;
  onList: () => void;
}

/** The newest pin, below the head of its conversation. */
export function PinStrip({ conversationId, pins, isOpen, onList }: StripProps) {
  const chat = useChat();
  const [newest] = pins;
  if (!newest) return null;
  return (
    <section className="pin-strip" aria-label="Pinned">
      <button
        type="button"
        className="pin-newest"
        onClick={() => openConversation(conversationId, newest.seq)}
      >
        <Pin />
        <span className="cut" dir="auto">
          {oneLine(chat, newest)}
        </span>
      </button>
      <button
        type="button"
        className="pin-all"
        aria-label={`All pinned messages, ${pins.length}`}
        title="All pinned messages"
        aria-expanded={isOpen}
        onClick={onList}
      >
        <ListEnd />
        {pins.length}
      </button>
    </section>
  );
}

interface PanelProps {
  conversation: Conversation;
  pins: readonly Message[];
  onClose: () => void;
}

export function PinsPanel({ conversation, pins, onClose }: PanelProps) {
  const chat = useChat();
  const now = useNow();
  const { id } = conversation;
  return (
    <Panel title="Pinned" label="Pinned messages" closing="Close pinned messages" onClose={onClose}>
      <div className="details-body">
        {!pins.length && <p className="empty">Nothing is pinned.</p>}
        <ul className="pins">
          {pins.map((message) => (
            <li key={message.id}>
              <PlaceLink conversationId={id} seq={message.seq} onOpen={() => closeWhereItCovers(onClose)}>
                <span className="line-top">
                  <strong className="cut" dir="auto">
                    {message.senderId === chat.me.user_id ? "You" : chat.people.nameOf(message.senderId)}
                  </strong>
                  <time dateTime={message.at}>{when(message.at, now)}</time>
                </span>
                <span className="hit-text" dir="auto">
                  {oneLine(chat, message)}
                </span>
              </PlaceLink>
              {mayPin(conversation) && (
                <button
                  type="button"
                  className="icon"
                  aria-label={`Unpin ${oneLine(chat, message)}`}
                  title="Unpin"
                  onClick={() => void chat.attempt(() => pin(chat, id, message.id, false))}
                >
                  <PinOff />
                </button>
              )}
            </li>
          ))}
        </ul>
      </div>
    </Panel>
  );
}
